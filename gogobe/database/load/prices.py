"""Prices: staged by COPY, merged where newer, with a line of history where the price is another one.

A PriceFull's row that confirms what stands is not written again: that its file lists it stands in
`listed_codes` and, once the file is complete, in its store's mark. docs/database.md tells why that is sound.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gogobe.database.connection import Cursor, Dialect, copy_rows
from gogobe.database.load.ledger import CompletedFile, Taken, is_full
from gogobe.database.load.marks import mark_of
from gogobe.database.load.recency import NewerLists, take_current
from gogobe.database.load.stores import LockedStore
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Item

_Row = tuple[int, int, Item]
"""The number of a batch among those of its round, the key of its store, and one of its items."""

# Prices travel as text: psycopg needs five times as long for a binary numeric.
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

# What becomes of a staged row: n(ew), c(hanged), s(ame: only the file is newer), o(lder than what stands).
# The stores' rows are held, so between reading `prices` and writing it nobody else writes it. OFFSET 0 keeps
# the planner from a join with the whole table, which it holds to be cheaper than thousands of look-ups.
_MERGE: Final = """
    WITH compared AS MATERIALIZED (
        SELECT s.*, p.price AS old_price, p.first_seen_at, p.published_at = s.published_at AS again,
               CASE WHEN p.item_code IS NULL THEN 'n'
                    WHEN (p.source_row >= 0, p.published_at, p.source_row)
                         >= (s.source_row >= 0, s.published_at, s.source_row) THEN 'o'
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
          AND (c.outcome = 'c' OR (c.outcome = 's' AND NOT c.is_full))
    ), history AS (
        INSERT INTO price_changes (store_key, item_code, changed_at, old_price, new_price)
        SELECT store_key, item_code, published_at, old_price, price
        FROM compared WHERE outcome = 'c' AND price <> old_price AND first_seen_at < published_at
        ON CONFLICT (store_key, item_code, changed_at) DO UPDATE SET new_price = excluded.new_price
    )
    SELECT batch, outcome, count(*), count(*) FILTER (WHERE again AND outcome = 'c')
    FROM compared GROUP BY batch, outcome
"""

# A file that repeats a code may take back the change that its earlier row had made.
_DROP_TAKEN_BACK: Final = """
    DELETE FROM price_changes h USING staged_prices s
    WHERE h.store_key = s.store_key AND h.item_code = s.item_code AND h.changed_at = s.published_at
      AND h.old_price = h.new_price
"""

_END: Final = """
    UPDATE prices p SET ended_at = %(published_at)s
    WHERE p.store_key = %(store_key)s AND p.ended_at IS NULL
      AND (p.published_at, p.source_row) < (%(published_at)s, %(file_row)s)
      AND NOT EXISTS (
          SELECT 1 FROM (SELECT unnest(codes) AS code FROM listed_codes WHERE content_sha256 = %(file)s) listed
          WHERE listed.code = p.item_code)
"""


def load_prices(
    cursor: Cursor,
    dialect: Dialect,
    taken: Taken,
    store_keys: Mapping[str, int],
    stores: Mapping[int, LockedStore],
) -> None:
    """Merges the batches' prices and counts into their tallies. `store_keys` by batch id; `stores` are held."""
    rounds, lists = take_current(cursor, taken, store_keys, stores, "prices")
    for number, together in enumerate(rounds):
        if number > 0 or not dialect.empties_on_commit:
            cursor.execute("DELETE FROM staged_prices")
        _merge(cursor, together, _newest_rows(together, taken, store_keys, lists), taken)


def _newest_rows(
    batches: Sequence[IngestBatch], taken: Taken, store_keys: Mapping[str, int], lists: NewerLists
) -> list[_Row]:
    """One row for each store and code, the file's last, in the order of the key. The others are counted: as
    unchanged where the later row says the same, else as loaded, as if each batch had its own commit."""
    newest: dict[tuple[int, str], _Row] = {}
    for number, batch in enumerate(batches):
        store_key = store_keys[batch.batch_id]
        tally = taken.tallies[batch.batch_id]
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
    return [newest[key] for key in sorted(newest)]


def _merge(cursor: Cursor, batches: Sequence[IngestBatch], rows: Sequence[_Row], taken: Taken) -> None:
    copy_rows(cursor, "staged_prices", _COLUMNS, _staged(batches, rows))
    cursor.execute(_MERGE)
    corrected = 0
    for number, outcome, count, again in cursor.fetchall():
        tally = taken.tallies[batches[number].batch_id]
        if outcome == "s":
            tally.unchanged += count
        elif outcome == "o":
            tally.stale += count
        else:
            tally.loaded += count
        corrected += again
    if corrected:
        cursor.execute(_DROP_TAKEN_BACK)


def _staged(batches: Sequence[IngestBatch], rows: Sequence[_Row]) -> Iterable[tuple[Any, ...]]:
    files = [(*mark_of(batch), is_full(batch)) for batch in batches]
    for number, store_key, item in rows:
        published_at, file_row, full = files[number]
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
            published_at,
            file_row + item.row,
            full,
        )


def end_prices(cursor: Cursor, file: CompletedFile) -> int:
    """Marks as ended what the store had and the complete PriceFull no longer lists; returns how many."""
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
