"""The rows a feed holds, typed: what a chain publishes about items, promotions and stores.

Prices and quantities are exact decimals in the chain's currency (ILS); times are timezone-aware; codes stay
text, as published, because leading zeros and lengths differ between chains. `None` means that the feed did
not say, or said one of its words for null.
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
    """One item's price in one store: the twenty fields of a Price or PriceFull row.

    `row` is the row's place in its file, from 1, refused rows counted. `unit_price` is as published, on the
    chain's own basis. The fields from `gtin` on are empty in what a feed yields; later steps fill them in
    place, a batch at a time: `price_per_unit` is the price of one `unit_basis` (kg, l, piece, m).
    """

    # `ean` is the name that the ingest topic has fixed for the code.
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
    """One item of one group of a promotion, with the terms that the feed gives for this item.

    In the first layout a promotion's items are group "1" and those of its `GiftsItems` group "gifts".
    `is_gift` is set for an item that costs nothing or its `gift_price` under the promotion's condition.
    `discount_rate` is as published; `discount_percent` (0–100] or `discount_amount` (in the chain's currency)
    is what it means, where that could be decided.
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
    """A group of a "buy from group 1, get from group 2" promotion: a group's own terms (2026 layout)."""

    group_id: str
    min_purchase_amount: Decimal | None = None
    discount_type: str | None = None


class Promotion(msgspec.Struct, gc=False, omit_defaults=True):
    """One promotion of one store with all its items, whichever layout and however many elements it came in.

    `discount_rate`, `discount_percent` and `discount_amount` are as in `PromotionItem`. `remarks` are all of
    them, a line each. `is_active` is false for a promotion that is published but does not run; `is_total`
    says that it holds for the whole basket. `min_basket_amount` is the least sum of the basket,
    `min_purchase_amount` that of the promotion's items; all amounts are in the chain's currency. `days` and
    `daily_from` to `daily_to` (HH:MM, Israel's local time) say when it runs between `starts_at` and
    `ends_at`, where the feed has that. `is_coupon` is true for every `coupon_code` but 0; the code is as
    published. `is_gift` is true if it has gift items.
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
    """One store of a chain. `city` is a name, or the statistics bureau's number for it."""

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
    """A row, or an item of a promotion, that was read and not taken: `no_code`, `no_price`, `bad_price` (not a
    number), `zero_price` (zero or below), `no_promotion_id`, `no_store_id`, `code_too_long`, `text_too_long`.
    `line` counts from 1 in the decoded file; row and line of an item are its promotion's. `item_code` is the
    item's code, or the promotion's or store's id, where it is known."""

    row: int
    line: int
    reason: str
    item_code: str | None = None
    detail: str | None = None


class Block(msgspec.Struct, gc=False):
    """Up to 500 rows in file order, and the rows refused since the block before. Every block but a file's last
    has exactly 500, or fewer promotions that are as large as a message may be."""

    rows: list[Item] | list[Promotion] | list[Store]
    refused: list[RefusedRow]
