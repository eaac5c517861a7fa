"""A file that is read again by a newer reader: the newest reading counts, what only an older one had is undone.

A reading is a file's content and the reader's version. When the first batch of a newer reading comes, the rows
that the older reading wrote, and that no later file has overwritten, are put back to what they were before it;
then the newer reading is loaded like any file. Batches of an older reading that come later are not taken.

What later files wrote is left alone, and so is its history: it has the old price as it was read then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from gogobe.database.connection import Cursor
from gogobe.database.load.marks import ROWS_OF_A_FILE, file_row_base
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Kind


@dataclass(frozen=True)
class Reading:
    """The reading of a file that the ledger counts."""

    version: int
    published_at: datetime
    published_known: bool
    store_key: int | None
    kind: Kind


_NEW_READING: Final = """
    UPDATE files SET reader_version = %(version)s, chain = %(chain)s, chain_id = %(chain_id)s,
        sub_chain_id = %(sub_chain_id)s, store_id = %(store_id)s, store_key = %(store_key)s, kind = %(kind)s,
        file = %(file)s, object_path = coalesce(%(object_path)s, object_path),
        published_at = %(published_at)s, published_known = %(published_known)s,
        state = 'loading', completed_at = NULL, announced = NULL, read = NULL, loaded = 0, unchanged = 0,
        stale = 0, refused = 0, ended = 0, batches_expected = NULL, batches_loaded = 0, batches_failed = 0,
        complete = NULL, is_whole = NULL, problems = '{}', unknown_elements = NULL
    WHERE content_sha256 = %(sha)s
"""

# Of the rows that the older reading wrote last: a price that it changed is what it was before, one that it was
# the first to have is removed, and one whose other fields it changed only counts as old again.
_TAKE_BACK_PRICES: Final = """
    WITH written AS (
        SELECT store_key, item_code, first_seen_at FROM prices
        WHERE store_key = %(store_key)s AND published_at = %(published_at)s
          AND source_row BETWEEN %(first_row)s AND %(last_row)s
    ), undone AS (
        DELETE FROM price_changes h USING written w
        WHERE h.store_key = w.store_key AND h.item_code = w.item_code AND h.changed_at = %(published_at)s
        RETURNING h.item_code, h.old_price
    ), removed AS (
        DELETE FROM prices p USING written w
        WHERE p.store_key = w.store_key AND p.item_code = w.item_code AND w.first_seen_at >= %(published_at)s
    )
    UPDATE prices p SET price = coalesce(u.old_price, p.price), published_at = w.first_seen_at, source_row = 0,
        unit_price = CASE WHEN u.item_code IS NULL THEN p.unit_price END,
        price_per_unit = CASE WHEN u.item_code IS NULL THEN p.price_per_unit END
    FROM written w LEFT JOIN undone u ON u.item_code = w.item_code
    WHERE p.store_key = w.store_key AND p.item_code = w.item_code AND w.first_seen_at < %(published_at)s
"""

_TAKE_BACK_PROMOTIONS: Final = """
    DELETE FROM promotions WHERE store_key = %(store_key)s AND published_at = %(published_at)s
      AND source_row BETWEEN %(first_row)s AND %(last_row)s AND first_seen_at >= %(published_at)s
"""
_AGE_PROMOTIONS: Final = """
    UPDATE promotions SET published_at = first_seen_at, source_row = 0
    WHERE store_key = %(store_key)s AND published_at = %(published_at)s
      AND source_row BETWEEN %(first_row)s AND %(last_row)s
"""

# What the older reading of a full file ended is decided anew, and so is which full file of its store is the
# newest.
_REOPEN: Final[Mapping[Kind, tuple[LiteralString, LiteralString]]] = {
    "pricefull": (
        "UPDATE prices SET ended_at = NULL WHERE store_key = %(store_key)s AND ended_at = %(published_at)s",
        "UPDATE stores SET prices_full_at = NULL, prices_full_row = NULL "
        "WHERE store_key = %(store_key)s AND prices_full_at = %(published_at)s "
        "AND prices_full_row BETWEEN %(first_row)s AND %(last_row)s",
    ),
    "promofull": (
        "UPDATE promotions SET ended_at = NULL WHERE store_key = %(store_key)s AND ended_at = %(published_at)s",
        "UPDATE stores SET promotions_full_at = NULL, promotions_full_row = NULL "
        "WHERE store_key = %(store_key)s AND promotions_full_at = %(published_at)s "
        "AND promotions_full_row BETWEEN %(first_row)s AND %(last_row)s",
    ),
}
_FORGET: Final = (
    "DELETE FROM refused_rows WHERE content_sha256 = %(sha)s",
    "DELETE FROM listed_codes WHERE content_sha256 = %(sha)s",
)


def newest_readings(
    cursor: Cursor,
    batches: Sequence[IngestBatch],
    counted: Mapping[str, Reading],
    store_keys: Mapping[str, int | None],
) -> tuple[list[IngestBatch], bool]:
    """The batches that belong to the newest reading of their file, and whether an older reading was undone for
    one of them, which may have changed what the stores' rows say of full files.

    `counted` is the reading of each file that the ledger counts, the file's line being held; `store_keys` are
    by batch id.
    """
    newest: dict[str, IngestBatch] = {}
    for batch in batches:
        best = newest.get(batch.content_sha256)
        if best is None or batch.reader_version > best.reader_version:
            newest[batch.content_sha256] = batch
    replaced = {sha: batch for sha, batch in newest.items() if batch.reader_version > counted[sha].version}
    for sha in sorted(replaced):
        _replace(cursor, replaced[sha], counted[sha], store_keys[replaced[sha].batch_id])
    versions = {sha: max(batch.reader_version, counted[sha].version) for sha, batch in newest.items()}
    current = [batch for batch in batches if batch.reader_version == versions[batch.content_sha256]]
    return current, bool(replaced)


def _replace(cursor: Cursor, batch: IngestBatch, old: Reading, store_key: int | None) -> None:
    """Undoes the older reading of a file and enters the one that the batch belongs to."""
    first_row = file_row_base(batch.content_sha256, published_known=old.published_known)
    values: dict[str, Any] = {
        "sha": batch.content_sha256,
        "store_key": old.store_key,
        "published_at": old.published_at,
        "first_row": first_row,
        "last_row": first_row + ROWS_OF_A_FILE - 1,
    }
    if old.store_key is not None:
        cursor.execute("SELECT 1 FROM stores WHERE store_key = %s FOR NO KEY UPDATE", (old.store_key,))
        undo = (_TAKE_BACK_PRICES, _TAKE_BACK_PROMOTIONS, _AGE_PROMOTIONS, *_REOPEN.get(old.kind, ()))
        for statement in undo:
            cursor.execute(statement, values)
    for statement in _FORGET:
        cursor.execute(statement, values)
    cursor.execute(
        _NEW_READING,
        {
            "sha": batch.content_sha256,
            "version": batch.reader_version,
            "chain": batch.chain,
            "chain_id": batch.chain_id,
            "sub_chain_id": batch.sub_chain_id,
            "store_id": batch.store_id,
            "store_key": store_key,
            "kind": batch.kind,
            "file": batch.file,
            "object_path": batch.s3_path,
            "published_at": batch.published_at,
            "published_known": batch.published_known,
        },
    )
