"""Prices: staged by COPY, merged if newer, with a history row for each changed price.

A row of a PriceFull that equals the stored row is not written: `listed_codes` and, once the file is complete,
the store's mark record that the file lists it. If the stored row is of unknown time, it is written.
docs/database.md explains why that is sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gogobe.database.connection import Cursor, Dialect, copy_rows
from gogobe.database.load.marks import RECENCY, mark_of, row_mark
from gogobe.database.load.recency import Key, NewerLists, merge_passes, select_current
from gogobe.database.load.stores import LockedStore
from gogobe.database.load.subjects import is_full
from gogobe.database.load.tallies import NewBatches, Tally
from gogobe.feeds.price_level import PRICE_LEVEL_FACTOR, PriceLevels
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Item

_Row = tuple[int, int, Item]
"""The number of a batch in its round, the key of its store, and one of its items."""

# Prices are staged as text: psycopg needs five times as long for a binary numeric.
STAGING: Final = """
    batch            smallint NOT NULL,
    store_key        integer NOT NULL,
    item_code        text NOT NULL,
    price            text NOT NULL,
    unit_price       text,
    unit_basis       text,
    price_per_unit   text,
    allow_discount   boolean,
    price_updated_at timestamptz,
    published_at     timestamptz NOT NULL,
    source_row       bigint NOT NULL,
    is_full          boolean NOT NULL
"""

_COLUMNS: Final = (
    ("batch", "int2"),
    ("store_key", "int4"),
    ("item_code", "text"),
    ("price", "text"),
    ("unit_price", "text"),
    ("unit_basis", "text"),
    ("price_per_unit", "text"),
    ("allow_discount", "bool"),
    ("price_updated_at", "timestamptz"),
    ("published_at", "timestamptz"),
    ("source_row", "int8"),
    ("is_full", "bool"),
)

# The outcome of a staged row: n(ew), c(hanged), s(ame: only the file is newer), o(lder than the stored row).
# The stores' rows are locked, so no other transaction writes these prices between reading and writing. OFFSET
# 0 forces a look-up for each row; otherwise the planner may join the whole table.
_MERGE: Final = f"""
    WITH compared AS MATERIALIZED (
        SELECT s.*, p.price AS old_price, p.first_seen_at, p.published_at = s.published_at AS again,
               CASE WHEN p.item_code IS NULL THEN 'n'
                    WHEN {RECENCY.format(row="p")} >= {RECENCY.format(row="s")} THEN 'o'
                    WHEN p.price = s.price AND p.ended_at IS NULL
                         AND p.unit_price IS NOT DISTINCT FROM s.unit_price
                         AND p.unit_basis IS NOT DISTINCT FROM s.unit_basis
                         AND p.price_per_unit IS NOT DISTINCT FROM s.price_per_unit
                         AND p.allow_discount IS NOT DISTINCT FROM s.allow_discount
                         AND p.price_updated_at IS NOT DISTINCT FROM s.price_updated_at THEN 's'
                    ELSE 'c' END AS outcome
        FROM (SELECT batch, store_key, item_code, price::numeric, unit_price::numeric, unit_basis,
                     price_per_unit::numeric, allow_discount, price_updated_at, published_at, source_row,
                     is_full FROM staged_prices) s
        LEFT JOIN LATERAL (
            SELECT * FROM prices p WHERE p.store_key = s.store_key AND p.item_code = s.item_code OFFSET 0
        ) p ON true
    ), added AS (
        INSERT INTO prices (store_key, item_code, price, unit_price, unit_basis, price_per_unit, allow_discount,
                            price_updated_at, published_at, source_row, first_seen_at)
        SELECT store_key, item_code, price, unit_price, unit_basis, price_per_unit, allow_discount,
               price_updated_at, published_at, source_row, published_at
        FROM compared WHERE outcome = 'n'
    ), updated AS (
        UPDATE prices p SET
            price = c.price, unit_price = c.unit_price, unit_basis = c.unit_basis,
            price_per_unit = c.price_per_unit, allow_discount = c.allow_discount,
            price_updated_at = c.price_updated_at, published_at = c.published_at,
            source_row = c.source_row, ended_at = NULL
        FROM compared c
        WHERE p.store_key = c.store_key AND p.item_code = c.item_code
          AND (c.outcome = 'c' OR (c.outcome = 's' AND (NOT c.is_full OR p.source_row < 0)))
    ), history AS (
        INSERT INTO price_changes (store_key, item_code, changed_at, old_price, new_price)
        SELECT store_key, item_code, published_at, old_price, price
        FROM compared WHERE outcome = 'c' AND price <> old_price AND first_seen_at < published_at
        ON CONFLICT (store_key, item_code, changed_at) DO UPDATE SET new_price = excluded.new_price
    )
    SELECT batch, outcome, count(*), count(*) FILTER (WHERE again AND outcome = 'c'),
           count(*) FILTER (WHERE outcome = 'c' AND price >= old_price * {PRICE_LEVEL_FACTOR}),
           count(*) FILTER (WHERE outcome = 'c' AND price * {PRICE_LEVEL_FACTOR} <= old_price)
    FROM compared GROUP BY batch, outcome
"""

# A file that repeats a code may revert the change that its earlier row had made.
_DROP_REVERTED: Final = """
    DELETE FROM price_changes h USING staged_prices s
    WHERE h.store_key = s.store_key AND h.item_code = s.item_code AND h.changed_at = s.published_at
      AND h.old_price = h.new_price
"""

# Rows of known time that came after the full file that ends them: kept as ended, so that a row of unknown
# time does not seem to be the newest one of its code. A stored row that has not ended is in that full file.
_KEEP_OUTDATED: Final = f"""
    WITH newest AS MATERIALIZED (
        SELECT DISTINCT ON (s.store_key, s.item_code)
               s.store_key, s.item_code, s.price::numeric, s.unit_price::numeric, s.unit_basis,
               s.price_per_unit::numeric, s.allow_discount, s.price_updated_at, s.published_at, s.source_row,
               store.prices_full_at AS ended_at
        FROM staged_prices s JOIN stores store ON store.store_key = s.store_key
        ORDER BY s.store_key, s.item_code, s.published_at DESC, s.source_row DESC
    ), history AS (
        INSERT INTO price_changes (store_key, item_code, changed_at, old_price, new_price)
        SELECT n.store_key, n.item_code, n.published_at, p.price, n.price
        FROM newest n JOIN prices p ON p.store_key = n.store_key AND p.item_code = n.item_code
        WHERE p.source_row >= 0 AND p.ended_at IS NOT NULL AND p.price <> n.price
          AND p.first_seen_at < n.published_at AND {RECENCY.format(row="p")} < {RECENCY.format(row="n")}
        ON CONFLICT (store_key, item_code, changed_at) DO UPDATE SET new_price = excluded.new_price
    )
    INSERT INTO prices AS p (store_key, item_code, price, unit_price, unit_basis, price_per_unit,
                             allow_discount, price_updated_at, published_at, source_row, first_seen_at,
                             ended_at)
    SELECT store_key, item_code, price, unit_price, unit_basis, price_per_unit, allow_discount,
           price_updated_at, published_at, source_row, published_at, ended_at FROM newest
    ON CONFLICT (store_key, item_code) DO UPDATE SET
        price = excluded.price, unit_price = excluded.unit_price, unit_basis = excluded.unit_basis,
        price_per_unit = excluded.price_per_unit, allow_discount = excluded.allow_discount,
        price_updated_at = excluded.price_updated_at, published_at = excluded.published_at,
        source_row = excluded.source_row,
        ended_at = CASE WHEN p.ended_at > excluded.published_at THEN p.ended_at ELSE excluded.ended_at END
    WHERE p.source_row < 0
       OR p.ended_at IS NOT NULL AND {RECENCY.format(row="p")} < {RECENCY.format(row="excluded")}
"""


class PriceMerger:
    """Merges prices, round after round of one transaction."""

    def __init__(self, cursor: Cursor, dialect: Dialect) -> None:
        self._cursor = cursor
        self._is_empty = dialect.empties_on_commit

    def load(self, new: NewBatches, store_keys: Mapping[str, int], stores: Mapping[int, LockedStore]) -> None:
        """Merges a round's prices and counts into their tallies. `store_keys` by batch id; `stores` are
        locked.
        """
        selected = select_current(self._cursor, new, store_keys, stores, "prices")
        batches = (
            _newest_rows(number, batch, new.tally(batch), store_keys[batch.batch_id], selected.lists)
            for number, batch in enumerate(selected.current)
        )
        for rows in merge_passes(batches):
            self._stage(selected.current, [rows[key] for key in sorted(rows)])
            _merge(self._cursor, selected.current, new)
        if selected.outdated:
            self._stage(
                selected.outdated,
                (
                    (number, store_keys[batch.batch_id], item)
                    for number, batch in enumerate(selected.outdated)
                    for item in batch.items
                ),
            )
            self._cursor.execute(_KEEP_OUTDATED)

    def _stage(self, batches: Sequence[IngestBatch], rows: Iterable[_Row]) -> None:
        if not self._is_empty:
            self._cursor.execute("DELETE FROM staged_prices")
        self._is_empty = False
        copy_rows(self._cursor, "staged_prices", _COLUMNS, _staged(batches, rows))


def _newest_rows(
    number: int, batch: IngestBatch, tally: Tally, store_key: int, lists: NewerLists
) -> dict[Key, _Row]:
    """One row for each code of a batch, its last. The others are counted: as unchanged where the next row has
    the same price, else as loaded; as stale if a newer full file lists the code.
    """
    newest: dict[Key, _Row] = {}
    listed = lists.codes_after(store_key, mark_of(batch))
    for item in batch.items:
        key = store_key, item.item_code
        if item.item_code in listed:
            tally.stale += 1
            continue
        if key in newest:
            if newest[key][2].price == item.price:
                tally.unchanged += 1
            else:
                tally.loaded += 1
        newest[key] = number, store_key, item
    return newest


def _merge(cursor: Cursor, batches: Sequence[IngestBatch], new: NewBatches) -> None:
    cursor.execute(_MERGE)
    corrected = 0
    for number, outcome, count, again, higher, lower in cursor.fetchall():
        tally = new.tally(batches[number])
        if outcome in ("s", "c"):
            tally.levels += PriceLevels(count, higher, lower)
        if outcome == "s":
            tally.unchanged += count
        elif outcome == "o":
            tally.stale += count
        else:
            tally.loaded += count
        corrected += again
    if corrected:
        cursor.execute(_DROP_REVERTED)


def _staged(batches: Sequence[IngestBatch], rows: Iterable[_Row]) -> Iterable[tuple[Any, ...]]:
    files = [(mark_of(batch), is_full(batch.kind)) for batch in batches]
    for number, store_key, item in rows:
        mark, full = files[number]
        yield (
            number,
            store_key,
            item.item_code,
            str(item.price),
            None if item.unit_price is None else str(item.unit_price),
            item.unit_basis,
            None if item.price_per_unit is None else str(item.price_per_unit),
            item.allow_discount,
            item.price_updated_at,
            *row_mark(mark, item.row),
            full,
        )
