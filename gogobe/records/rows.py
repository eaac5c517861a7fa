"""The rows of a feed as typed structs: items, promotions and stores, as a chain publishes them.

Prices and quantities are exact decimals in the chain's currency (ILS). Times are timezone-aware. Codes are
text, as published, because leading zeros and lengths differ between chains. `None`: the feed has no value, or
one of its words for null.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

import msgspec

from gogobe.records.offers import Conditions, Offer

Kind = Literal["price", "pricefull", "promo", "promofull", "stores"]
Match = Literal["gtin", "alias", "vector", "review", "new"]

BATCH_SIZE = 500


class Item(msgspec.Struct, gc=False, omit_defaults=True):
    """The price of one item in one store: the twenty fields of a Price or PriceFull row.

    `row` is the number of the row in its file, from 1, including refused rows. `unit_price` is as published,
    on the chain's own basis. The reader leaves the fields from `gtin` on empty; later steps set them in
    place, one batch at a time. `price_per_unit` is the price of one `unit_basis` (kg, l, piece, m).
    """

    # The ingest topic names this field `ean`.
    item_code: str = msgspec.field(name="ean")
    price: Decimal
    row: int
    name: str | None = None
    item_type: int | None = None
    manufacturer: str | None = None
    country: str | None = None
    description: str | None = None
    unit_qty: str | None = None
    quantity: Decimal | None = None
    unit_of_measure: str | None = None
    is_weighted: bool | None = None
    qty_in_package: Decimal | None = None
    unit_price: Decimal | None = None
    allow_discount: bool | None = None
    item_status: str | None = None
    item_id: str | None = None
    price_updated_at: datetime | None = None
    last_sold_at: datetime | None = None

    gtin: int | None = None
    master_id: int = 0
    match: Match = "new"
    score: float = 0.0
    is_service: bool = False
    unit_basis: str | None = None
    price_per_unit: Decimal | None = None


class PromotionItem(msgspec.Struct, gc=False, omit_defaults=True):
    """One item in one group of a promotion, with the terms that the feed gives for this item.

    In the first layout a promotion's items are group "1" and the items of its `GiftsItems` group "gifts".
    `is_gift`: under the promotion's condition the item is free or costs its `gift_price`. `discount_rate` is
    as published; `discount_percent` (0–100] or `discount_amount` (in the chain's currency) is its meaning, if
    that could be determined.
    """

    item_code: str = msgspec.field(name="ean")
    group_id: str = "1"
    is_gift: bool = False
    item_type: int | None = None
    reward_type: str | None = None
    min_qty: Decimal | None = None
    max_qty: Decimal | None = None
    discount_type: str | None = None
    discount_rate: Decimal | None = None
    discount_percent: Decimal | None = None
    discount_amount: Decimal | None = None
    discounted_price: Decimal | None = None
    discounted_price_per_unit: Decimal | None = None
    gift_price: Decimal | None = None
    is_weighted: bool | None = None
    offer: Offer | None = None


class PromotionGroup(msgspec.Struct, gc=False, omit_defaults=True):
    """One group of a "buy from group 1, get from group 2" promotion, with its own terms (2026 layout)."""

    group_id: str
    min_purchase_amount: Decimal | None = None
    discount_type: str | None = None


class Promotion(msgspec.Struct, gc=False, omit_defaults=True):
    """One promotion of one store with all its items, merged from all elements with its id, in any layout.

    `discount_rate`, `discount_percent` and `discount_amount` are as in `PromotionItem`. `remarks` has one
    remark per line. `is_active` is false for a promotion that is published but not in effect. `is_total`: it
    applies to the whole basket. `min_basket_amount` is the minimum sum of the basket, `min_purchase_amount`
    that of the promotion's items, in the chain's currency. `days` and `daily_from` to `daily_to` (HH:MM,
    Israel's local time) limit the time between `starts_at` and `ends_at`, if the feed has them. `is_coupon`
    is true for every `coupon_code` except 0; the code is as published. `is_gift` is true if the promotion has
    gift items.
    """

    promotion_id: str
    row: int
    description: str | None = None
    updated_at: datetime | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    reward_type: str | None = None
    discount_type: str | None = None
    discount_rate: Decimal | None = None
    discount_percent: Decimal | None = None
    discount_amount: Decimal | None = None
    discounted_price: Decimal | None = None
    discounted_price_per_unit: Decimal | None = None
    min_qty: Decimal | None = None
    max_qty: Decimal | None = None
    min_items_offered: Decimal | None = None
    min_purchase_amount: Decimal | None = None
    min_basket_amount: Decimal | None = None
    min_amount: Decimal | None = None
    max_amount: Decimal | None = None
    gift_count: Decimal | None = None
    redemption_limit: Decimal | None = None
    days: str | None = None
    daily_from: str | None = None
    daily_to: str | None = None
    is_weighted: bool | None = None
    is_coupon: bool | None = None
    is_gift: bool | None = None
    is_active: bool | None = None
    is_total: bool | None = None
    allow_multiple_discounts: bool | None = None
    club_ids: list[str] = []
    coupon_code: str | None = None
    remarks: str | None = None
    groups: list[PromotionGroup] = []
    items: list[PromotionItem] = []
    conditions: Conditions | None = None


class Store(msgspec.Struct, gc=False, omit_defaults=True):
    """One store of a chain. `city` is a name, or the number of the Central Bureau of Statistics for it."""

    store_id: str
    row: int
    chain_id: str | None = None
    sub_chain_id: str | None = None
    chain_name: str | None = None
    sub_chain_name: str | None = None
    bikoret_no: str | None = None
    store_type: str | None = None
    name: str | None = None
    address: str | None = None
    city: str | None = None
    zip_code: str | None = None
    latitude: Decimal | None = None
    longitude: Decimal | None = None
    updated_at: datetime | None = None


class RefusedRow(msgspec.Struct, gc=False, omit_defaults=True):
    """A row, or an item of a promotion, that was read and not accepted.

    `reason`: `no_code`, `no_price`, `bad_price` (not a number), `zero_price` (zero or below),
    `no_promotion_id`, `no_store_id`, `code_too_long` or `text_too_long`. `line` counts from 1 in the decoded
    file. `row` and `line` of an item are those of its promotion. `item_code` is the code of the item, or the
    id of the promotion or store, if known.
    """

    row: int
    line: int
    reason: str
    item_code: str | None = None
    detail: str | None = None


class Block(msgspec.Struct, gc=False):
    """Up to 500 rows in file order, and the rows refused since the previous block. Every block except the
    last of a file has exactly 500 rows, or fewer promotions whose total size is the maximum of a message."""

    rows: list[Item] | list[Promotion] | list[Store]
    refused: list[RefusedRow]
