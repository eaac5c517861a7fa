"""Promotions with their groups and items: a changed promotion is replaced as a whole, an unchanged one is not
written.

Stored promotions are compared by a digest of their content. They are few, so Python compares them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from gogobe.database.connection import Cursor
from gogobe.database.load.marks import Mark, mark_of, recency, row_mark
from gogobe.database.load.promotion_rows import PromotionRow, WrittenRow, digest_of, write_promotions
from gogobe.database.load.recency import Key, NewerLists, merge_passes, select_current
from gogobe.database.load.stores import LockedStore
from gogobe.database.load.subjects import is_full
from gogobe.database.load.tallies import NewBatches, Tally
from gogobe.records.messages import IngestBatch

_STORED: Final = """
    SELECT p.store_key, p.promotion_id, p.published_at, p.source_row, p.digest, p.first_seen_at,
           p.ended_at
    FROM unnest(%s::integer[], %s::text[]) AS wanted (store_key, promotion_id)
    JOIN promotions p USING (store_key, promotion_id)
"""

# Groups and items are deleted with their promotion.
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


class _Stored(NamedTuple):
    mark: Mark
    digest: int
    first_seen_at: datetime
    ended_at: datetime | None


def load_promotions(
    cursor: Cursor, new: NewBatches, store_keys: Mapping[str, int], stores: Mapping[int, LockedStore]
) -> None:
    """Writes new and changed promotions and counts the rows into the batches' tallies. `store_keys` by batch
    id; `stores` are locked."""
    selected = select_current(cursor, new, store_keys, stores, "promotions")
    batches = (_newest_rows(batch, new.tally(batch), store_keys, selected.lists) for batch in selected.current)
    for rows in merge_passes(batches):
        _merge(cursor, new, rows)
    if selected.outdated:
        _keep_outdated(cursor, selected.outdated, store_keys, stores)


def _newest_rows(
    batch: IngestBatch, tally: Tally, store_keys: Mapping[str, int], lists: NewerLists
) -> dict[Key, PromotionRow]:
    """One row for each promotion of a batch, its last; other rows and rows of a newer list are counted."""
    newest: dict[Key, PromotionRow] = {}
    listed = lists.codes_after(store_keys[batch.batch_id], mark_of(batch))
    for row in _rows_of(batch, store_keys):
        if row.promotion.promotion_id in listed:
            tally.stale += 1
            continue
        if (replaced := newest.get(row.key)) is not None:
            if replaced.digest == row.digest:
                tally.unchanged += 1
            else:
                tally.loaded += 1
        newest[row.key] = row
    return newest


def _rows_of(batch: IngestBatch, store_keys: Mapping[str, int]) -> Iterable[PromotionRow]:
    store_key, file = store_keys[batch.batch_id], mark_of(batch)
    for promotion in batch.promotions:
        mark = row_mark(file, promotion.row)
        yield PromotionRow(store_key, batch, promotion, mark, digest_of(promotion))


def _stored(cursor: Cursor, keys: Sequence[Key]) -> dict[Key, _Stored]:
    cursor.execute(_STORED, _columns(keys))
    return {
        (key, promotion_id): _Stored((at, row), *rest)
        for key, promotion_id, at, row, *rest in cursor.fetchall()
    }


def _columns(keys: Sequence[Key]) -> tuple[list[int], list[str]]:
    return [store_key for store_key, _ in keys], [promotion_id for _, promotion_id in keys]


def _merge(cursor: Cursor, new: NewBatches, rows: Mapping[Key, PromotionRow]) -> None:
    stored = _stored(cursor, sorted(rows))
    replaced: list[Key] = []
    written: list[WrittenRow] = []
    touched: list[PromotionRow] = []
    for key in sorted(rows):
        row, before = rows[key], stored.get(key)
        tally = new.tally(row.batch)
        if before is None:
            tally.loaded += 1
            written.append(WrittenRow(row, row.mark[0]))
        elif recency(row.mark) <= recency(before.mark):
            tally.stale += 1
        elif before.digest == row.digest and before.ended_at is None:
            tally.unchanged += 1
            if not is_full(row.batch.kind) or before.mark[1] < 0:
                touched.append(row)
        else:
            tally.loaded += 1
            replaced.append(key)
            written.append(WrittenRow(row, before.first_seen_at))
    _write(cursor, replaced, written)
    if touched:
        moments, source_rows = zip(*(row.mark for row in touched), strict=True)
        cursor.execute(_TOUCH, (*_columns([row.key for row in touched]), list(moments), list(source_rows)))


def _keep_outdated(
    cursor: Cursor,
    batches: Iterable[IngestBatch],
    store_keys: Mapping[str, int],
    stores: Mapping[int, LockedStore],
) -> None:
    """Keeps promotions of known time that came after the full file that ends them, so that a row of unknown
    time does not seem to be the newest one of its promotion. A stored row that has not ended is in that file.
    """
    newest: dict[Key, PromotionRow] = {}
    for batch in batches:
        newest |= {row.key: row for row in _rows_of(batch, store_keys)}
    stored = _stored(cursor, sorted(newest))
    replaced = [
        key
        for key, before in stored.items()
        if before.mark[1] < 0
        or (before.ended_at is not None and recency(before.mark) < recency(newest[key].mark))
    ]
    written = []
    for key in sorted({*newest.keys() - stored.keys(), *replaced}):
        row, full, before = newest[key], stores[key[0]].full["promotions"], stored.get(key)
        assert full is not None, "an outdated batch has a newer full file"
        first_seen_at, ended_at = row.mark[0], full[0]
        if before is not None:
            first_seen_at = before.first_seen_at
            if before.ended_at is not None and before.ended_at > row.mark[0]:
                ended_at = before.ended_at
        written.append(WrittenRow(row, first_seen_at, ended_at))
    _write(cursor, replaced, written)


def _write(cursor: Cursor, replaced: Sequence[Key], written: Sequence[WrittenRow]) -> None:
    if replaced:
        cursor.execute(_DELETE, _columns(replaced))
    if written:
        write_promotions(cursor, written)
