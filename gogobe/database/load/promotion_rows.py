"""Promotions as rows of `promotions`, `promotion_groups` and `promotion_items`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from gogobe.database.connection import Cursor, copy_rows
from gogobe.database.load.marks import Mark
from gogobe.offers.conditions import conditions_of
from gogobe.offers.offer import offers_of
from gogobe.records.messages import IngestBatch
from gogobe.records.offers import Conditions
from gogobe.records.rows import Promotion

_DETAILS: Final = (
    ("description", "text"),
    ("updated_at", "timestamptz"),
    ("starts_at", "timestamptz"),
    ("ends_at", "timestamptz"),
    ("reward_type", "text"),
    ("discount_type", "text"),
    ("discount_rate", "numeric"),
    ("discounted_price", "numeric"),
    ("discounted_price_per_unit", "numeric"),
    ("min_qty", "numeric"),
    ("max_qty", "numeric"),
    ("min_items_offered", "numeric"),
    ("min_purchase_amount", "numeric"),
    ("redemption_limit", "numeric"),
    ("days", "text"),
    ("is_weighted", "bool"),
    ("is_coupon", "bool"),
    ("is_gift", "bool"),
    ("allow_multiple_discounts", "bool"),
    ("club_ids", "text[]"),
    ("remarks", "text"),
    ("discount_percent", "numeric"),
    ("discount_amount", "numeric"),
    ("min_basket_amount", "numeric"),
    ("min_amount", "numeric"),
    ("max_amount", "numeric"),
    ("gift_count", "numeric"),
    ("daily_from", "text"),
    ("daily_to", "text"),
    ("coupon_code", "text"),
    ("is_active", "bool"),
    ("is_total", "bool"),
)
_CONDITIONS: Final = (
    ("needs_club", "bool"),
    ("needs_coupon", "bool"),
    ("needs_payment_means", "bool"),
    ("least_basket", "numeric"),
    ("least_purchase", "numeric"),
)
_KEY: Final = (("store_key", "int4"), ("promotion_id", "text"))
_PROMOTION_COLUMNS: Final = (
    *_KEY,
    ("published_at", "timestamptz"),
    ("source_row", "int8"),
    ("digest", "int8"),
    ("first_seen_at", "timestamptz"),
    ("ended_at", "timestamptz"),
    *_DETAILS,
    *_CONDITIONS,
)
_GROUP_COLUMNS: Final = (
    *_KEY,
    ("position", "int4"),
    ("group_id", "text"),
    ("min_purchase_amount", "numeric"),
    ("discount_type", "text"),
)
_ITEM_DETAILS: Final = (
    ("group_id", "text"),
    ("item_code", "text"),
    ("is_gift", "bool"),
    ("item_type", "int4"),
    ("reward_type", "text"),
    ("min_qty", "numeric"),
    ("max_qty", "numeric"),
    ("discount_rate", "numeric"),
    ("discounted_price", "numeric"),
    ("discounted_price_per_unit", "numeric"),
    ("is_weighted", "bool"),
    ("discount_type", "text"),
    ("discount_percent", "numeric"),
    ("discount_amount", "numeric"),
    ("gift_price", "numeric"),
)
_OFFER: Final = ("kind", "quantity", "per", "total", "unit_price", "percent", "amount", "discounted", "reason")
_ITEM_COLUMNS: Final = (
    *_KEY,
    ("position", "int4"),
    *_ITEM_DETAILS,
    ("offer_kind", "text"),
    ("offer_quantity", "numeric"),
    ("offer_per", "text"),
    ("offer_total", "numeric"),
    ("offer_unit_price", "numeric"),
    ("offer_percent", "numeric"),
    ("offer_amount", "numeric"),
    ("offer_discounted", "int4"),
    ("offer_reason", "text"),
)


@dataclass(frozen=True)
class PromotionRow:
    """A promotion of one file. `digest` is a hash of its content."""

    store_key: int
    batch: IngestBatch
    promotion: Promotion
    mark: Mark
    digest: int

    @property
    def key(self) -> tuple[int, str]:
        """The key in `promotions`."""
        return self.store_key, self.promotion.promotion_id


@dataclass(frozen=True)
class WrittenRow:
    """A row to write, with the time of the promotion's first publication and, if it has ended, of its end."""

    row: PromotionRow
    first_seen_at: datetime
    ended_at: datetime | None = None


def digest_of(promotion: Promotion) -> int:
    """A hash of a promotion's content, except its place in the file, as a signed 64-bit number."""
    content = msgspec.json.encode(msgspec.structs.replace(promotion, row=0))
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)


def write_promotions(cursor: Cursor, rows: Sequence[WrittenRow]) -> None:
    """Inserts promotions with their groups and items. None of them may be stored already."""
    copy_rows(cursor, "promotions", _PROMOTION_COLUMNS, map(_promotion_row, rows))
    copy_rows(cursor, "promotion_groups", _GROUP_COLUMNS, _group_rows(one.row for one in rows))
    copy_rows(cursor, "promotion_items", _ITEM_COLUMNS, _item_rows(one.row for one in rows))


def _promotion_row(written: WrittenRow) -> tuple[Any, ...]:
    row = written.row
    details = (getattr(row.promotion, name) for name, _ in _DETAILS)
    return (
        *row.key,
        *row.mark,
        row.digest,
        written.first_seen_at,
        written.ended_at,
        *details,
        *_conditions_row(row.promotion.conditions or conditions_of(row.promotion)),
    )


def _conditions_row(conditions: Conditions) -> tuple[Any, ...]:
    return (
        bool(conditions.club_ids),
        conditions.coupon,
        conditions.payment_means,
        conditions.least_basket,
        conditions.least_purchase,
    )


def _group_rows(rows: Iterable[PromotionRow]) -> Iterable[tuple[Any, ...]]:
    for row in rows:
        for position, group in enumerate(row.promotion.groups):
            yield (*row.key, position, group.group_id, group.min_purchase_amount, group.discount_type)


def _item_rows(rows: Iterable[PromotionRow]) -> Iterable[tuple[Any, ...]]:
    for row in rows:
        offers = [item.offer for item in row.promotion.items]
        if None in offers:  # a message of an older version, without offers
            offers = list(offers_of(row.promotion))
        for position, (item, offer) in enumerate(zip(row.promotion.items, offers, strict=True)):
            own = (getattr(item, name) for name, _ in _ITEM_DETAILS)
            yield (*row.key, position, *own, *(getattr(offer, name) for name in _OFFER))
