"""Promotions with their groups and items: what changed is replaced whole, what did not is not touched.

What stands is compared by a digest of the promotion's content; there are few enough of them to decide here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from gogobe.database.connection import Cursor, copy_rows
from gogobe.database.load.ledger import CompletedFile, Taken, is_full
from gogobe.database.load.marks import mark_of, recency
from gogobe.database.load.recency import take_current
from gogobe.database.load.stores import LockedStore
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

_STANDING: Final = """
    SELECT p.store_key, p.promotion_id, p.published_at, p.source_row, p.digest, p.first_seen_at,
           p.ended_at IS NOT NULL
    FROM unnest(%s::integer[], %s::text[]) AS wanted (store_key, promotion_id)
    JOIN promotions p USING (store_key, promotion_id)
"""

# Groups and items go with their promotion.
_DELETE: Final = """
    DELETE FROM promotions p USING unnest(%s::integer[], %s::text[]) AS old (store_key, promotion_id)
    WHERE p.store_key = old.store_key AND p.promotion_id = old.promotion_id
"""

_TOUCH: Final = """
    UPDATE promotions p SET published_at = newer.published_at, source_row = newer.source_row
    FROM unnest(%s::integer[], %s::text[], %s::timestamptz[], %s::bigint[])
      AS newer (store_key, promotion_id, published_at, source_row)
    WHERE p.store_key = newer.store_key AND p.promotion_id = newer.promotion_id
"""

_END: Final = """
    UPDATE promotions p SET ended_at = %(published_at)s
    WHERE p.store_key = %(store_key)s AND p.ended_at IS NULL
      AND (p.published_at, p.source_row) < (%(published_at)s, %(file_row)s)
      AND NOT EXISTS (
          SELECT 1 FROM (SELECT unnest(codes) AS code FROM listed_codes WHERE content_sha256 = %(file)s) listed
          WHERE listed.code = p.promotion_id)
"""


@dataclass(frozen=True)
class _Offered:
    """A promotion as one file has it."""

    store_key: int
    batch: IngestBatch
    promotion: Promotion
    published_at: datetime
    source_row: int
    digest: int

    @property
    def key(self) -> tuple[int, str]:
        return self.store_key, self.promotion.promotion_id


def load_promotions(
    cursor: Cursor, taken: Taken, store_keys: Mapping[str, int], stores: Mapping[int, LockedStore]
) -> None:
    """Writes the batches' promotions where they are new or changed and counts into the batches' tallies.
    `store_keys` by batch id; `stores` are held."""
    rounds, lists = take_current(cursor, taken, store_keys, stores, "promotions")
    for together in rounds:
        offered: dict[tuple[int, str], _Offered] = {}
        for batch in together:
            store_key = store_keys[batch.batch_id]
            listed = lists.codes_after(store_key, mark_of(batch))
            for promotion in batch.promotions:
                if promotion.promotion_id in listed:
                    taken.tallies[batch.batch_id].stale += 1
                    continue
                row = _offer(store_key, batch, promotion)
                if row.key in offered:
                    _count_beaten(taken, offered[row.key], row)
                offered[row.key] = row
        _merge(cursor, taken, offered)


def _offer(store_key: int, batch: IngestBatch, promotion: Promotion) -> _Offered:
    published_at, file_row = mark_of(batch)
    content = msgspec.json.encode(msgspec.structs.replace(promotion, row=0))
    digest = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)
    return _Offered(store_key, batch, promotion, published_at, file_row + promotion.row, digest)


def _count_beaten(taken: Taken, beaten: _Offered, by: _Offered) -> None:
    tally = taken.tallies[beaten.batch.batch_id]
    if beaten.digest == by.digest:
        tally.unchanged += 1
    else:
        tally.loaded += 1


def _merge(cursor: Cursor, taken: Taken, offered: Mapping[tuple[int, str], _Offered]) -> None:
    if not offered:
        return
    keys = sorted(offered)
    cursor.execute(_STANDING, ([key for key, _ in keys], [promotion for _, promotion in keys]))
    standing = {(key, promotion): rest for key, promotion, *rest in cursor.fetchall()}
    first_seen: dict[tuple[int, str], datetime] = {}
    replaced, written, touched = [], [], []
    for key in keys:
        row = offered[key]
        tally = taken.tallies[row.batch.batch_id]
        if key not in standing:
            written.append(row)
            tally.loaded += 1
            continue
        published_at, old_row, digest, seen_at, is_ended = standing[key]
        if recency(row.published_at, row.source_row) <= recency(published_at, old_row):
            tally.stale += 1
        elif digest == row.digest and not is_ended:
            tally.unchanged += 1
            if not is_full(row.batch):
                touched.append(row)
        else:
            tally.loaded += 1
            replaced.append(key)
            written.append(row)
            first_seen[key] = seen_at
    if replaced:
        cursor.execute(_DELETE, ([key for key, _ in replaced], [promotion for _, promotion in replaced]))
    if touched:
        _touch(cursor, touched)
    if written:
        _write(cursor, written, first_seen)


def _touch(cursor: Cursor, rows: Sequence[_Offered]) -> None:
    cursor.execute(
        _TOUCH,
        (
            [row.store_key for row in rows],
            [row.promotion.promotion_id for row in rows],
            [row.published_at for row in rows],
            [row.source_row for row in rows],
        ),
    )


def _write(cursor: Cursor, rows: Sequence[_Offered], first_seen: Mapping[tuple[int, str], datetime]) -> None:
    copy_rows(cursor, "promotions", _PROMOTION_COLUMNS, (_promotion_row(row, first_seen) for row in rows))
    copy_rows(cursor, "promotion_groups", _GROUP_COLUMNS, _group_rows(rows))
    copy_rows(cursor, "promotion_items", _ITEM_COLUMNS, _item_rows(rows))


def _promotion_row(row: _Offered, first_seen: Mapping[tuple[int, str], datetime]) -> tuple[Any, ...]:
    seen_at = first_seen.get(row.key, row.published_at)
    details = (getattr(row.promotion, name) for name, _ in _DETAILS)
    return (
        *row.key,
        row.published_at,
        row.source_row,
        row.digest,
        seen_at,
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


def _group_rows(rows: Iterable[_Offered]) -> Iterable[tuple[Any, ...]]:
    for row in rows:
        for position, group in enumerate(row.promotion.groups):
            yield (*row.key, position, group.group_id, group.min_purchase_amount, group.discount_type)


def _item_rows(rows: Iterable[_Offered]) -> Iterable[tuple[Any, ...]]:
    for row in rows:
        offers = [item.offer for item in row.promotion.items]
        if None in offers:  # a message from before offers were part of it
            offers = list(offers_of(row.promotion))
        for position, (item, offer) in enumerate(zip(row.promotion.items, offers, strict=True)):
            own = (getattr(item, name) for name, _ in _ITEM_DETAILS)
            yield (*row.key, position, *own, *(getattr(offer, name) for name in _OFFER))


def end_promotions(cursor: Cursor, file: CompletedFile) -> int:
    """Marks as ended what the store had and the complete PromoFull no longer lists; returns how many."""
    cursor.execute(
        _END,
        {
            "store_key": file.store_key,
            "published_at": file.published_at,
            "file_row": file.mark[1],
            "file": file.content_sha256,
        },
    )
    return cursor.rowcount
