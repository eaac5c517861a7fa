"""Reprocessing: a file that is read again by a newer reader. Its newest reading counts, older ones are
undone.

A reading is a file's content and the reader's version. The first batch of a newer reading undoes the older
one: rows that it wrote and that no later file overwrote or confirmed get their previous state back. Then the
newer reading is loaded like any file. Batches of an older reading that arrive later are not loaded.

Rows of later files, and their history, stay as they are. If the store has a later complete full file, that
file decides which rows are current, so nothing is undone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gogobe.database.connection import Cursor
from gogobe.database.load.descriptions import undo_descriptions
from gogobe.database.load.marks import ROWS_OF_A_FILE, Mark, file_row_base
from gogobe.database.load.stores import LockedStore, StoreMovedError
from gogobe.database.load.subjects import TABLES, Subject, is_full, subject_of
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Kind


@dataclass(frozen=True)
class Reading:
    """The reading of a file that the ledger counts."""

    version: int
    published_at: datetime
    published_known: bool
    chain_id: str
    store_key: int | None
    kind: Kind


_NEW_READING: Final = """
    UPDATE files SET reader_version = %(version)s, chain = %(chain)s, chain_id = %(chain_id)s,
        sub_chain_id = %(sub_chain_id)s, store_id = %(store_id)s, store_key = %(store_key)s, kind = %(kind)s,
        file = %(file)s, object_path = coalesce(%(object_path)s, object_path),
        published_at = %(published_at)s, published_known = %(published_known)s,
        state = 'loading', completed_at = NULL, announced = NULL, read = NULL, loaded = 0, unchanged = 0,
        stale = 0, refused = 0, ended = 0, batches_expected = NULL, batches_loaded = 0, batches_failed = 0,
        complete = NULL, is_whole = NULL, problems = '{}', unknown_elements = NULL,
        unit_prices_off_basis = NULL, prices_compared = 0, prices_higher = 0, prices_lower = 0
    WHERE content_sha256 = %(sha)s
"""

# A full file does not write rows that it confirms. So a row is not undone if a newer full file lists its
# code.
_NOT_LISTED: Final = """
    {table}.{code} NOT IN (
        SELECT unnest(codes) FROM listed_codes l WHERE l.store_key = %(store_key)s
           AND l.subject = '{table}' AND (l.published_at, l.file_row) > (%(published_at)s, %(last_row)s))
"""
_WRITTEN: Final = f"""
    store_key = %(store_key)s AND published_at = %(published_at)s
    AND source_row BETWEEN %(first_row)s AND %(last_row)s AND {_NOT_LISTED}
"""

# A price that the older reading added is removed, a price that it changed gets its previous value back, and a
# row whose other fields it changed counts as old again.
_UNDO_PRICES: Final = f"""
    WITH written AS (
        SELECT store_key, item_code, first_seen_at FROM prices WHERE {_WRITTEN}
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
_REMOVE_PROMOTIONS: Final = f"""
    DELETE FROM promotions WHERE {_WRITTEN} AND first_seen_at >= %(published_at)s
"""
_AGE_PROMOTIONS: Final = f"""
    UPDATE promotions SET published_at = first_seen_at, source_row = 0 WHERE {_WRITTEN}
"""
_UNDO: Final = {"prices": (_UNDO_PRICES,), "promotions": (_REMOVE_PROMOTIONS, _AGE_PROMOTIONS)}

# The newer reading of a full file decides again what the file ends.
_REOPEN: Final = """
    UPDATE {table} SET ended_at = NULL WHERE store_key = %(store_key)s AND ended_at = %(published_at)s
"""

_EARLIER_FULL: Final = """
    SELECT published_at, content_sha256, reader_version FROM files
    WHERE store_key = %(store_key)s AND kind = %(kind)s AND state = 'loaded' AND published_known
      AND content_sha256 <> %(sha)s AND NOT 'lists_dropped' = ANY(problems)
    ORDER BY published_at DESC LIMIT 8
"""
_SET_MARK: Final = """
    UPDATE stores SET {full_at} = %(full_at)s, {full_row} = %(full_row)s WHERE store_key = %(store_key)s
"""
_FORGET: Final = (
    "DELETE FROM refused_rows WHERE content_sha256 = %(sha)s",
    "DELETE FROM listed_codes WHERE content_sha256 = %(sha)s",
)


def newest_readings(
    cursor: Cursor,
    batches: Sequence[IngestBatch],
    counted: Mapping[str, Reading],
    store_keys: Mapping[str, int | None],
    stores: Mapping[int, LockedStore],
) -> tuple[list[IngestBatch], bool]:
    """Returns the batches of the newest reading of their file, and whether an older reading was undone, which
    may have changed the marks of stores.

    `counted`: by content hash, the reading that the locked ledger row counts. `store_keys`: by batch id.
    `stores`: the locked stores. Raises StoreMovedError if the store of an older reading is not among them.
    """
    newest: dict[str, IngestBatch] = {}
    for batch in batches:
        best = newest.get(batch.content_sha256)
        if best is None or batch.reader_version > best.reader_version:
            newest[batch.content_sha256] = batch
    replaced = {sha: batch for sha, batch in newest.items() if batch.reader_version > counted[sha].version}
    for sha in sorted(replaced):
        batch, old = replaced[sha], counted[sha]
        if old.store_key is not None and old.store_key not in stores:
            raise StoreMovedError("a file that is read again moved to another store")
        _undo(cursor, sha, old, stores)
        _enter(cursor, batch, store_keys[batch.batch_id])
    versions = {sha: max(batch.reader_version, counted[sha].version) for sha, batch in newest.items()}
    current = [batch for batch in batches if batch.reader_version == versions[batch.content_sha256]]
    return current, bool(replaced)


def _undo(cursor: Cursor, sha: str, old: Reading, stores: Mapping[int, LockedStore]) -> None:
    """Undoes the writes and the ends of the older reading of a file."""
    first_row = file_row_base(sha, published_known=old.published_known)
    values: dict[str, Any] = {
        "sha": sha,
        "kind": old.kind,
        "store_key": old.store_key,
        "published_at": old.published_at,
        "first_row": first_row,
        "last_row": first_row + ROWS_OF_A_FILE - 1,
    }
    subject = subject_of(old.kind)
    if old.store_key is not None and subject is not None:
        last: Mark = (old.published_at, values["last_row"])
        if not stores[old.store_key].is_outdated(subject, last):
            for statement in _UNDO[subject]:
                cursor.execute(TABLES[subject].fill(statement), values)
            if is_full(old.kind):
                _undo_endings(cursor, subject, values, stores[old.store_key])
    if old.kind == "stores":
        first: Mark = (old.published_at, first_row)
        undo_descriptions(cursor, old.chain_id, first, (old.published_at, values["last_row"]))
    for statement in _FORGET:
        cursor.execute(statement, values)


def _undo_endings(cursor: Cursor, subject: Subject, values: dict[str, Any], store: LockedStore) -> None:
    """Reopens the rows that the older reading ended; the store's full file is again the one before it."""
    cursor.execute(TABLES[subject].fill(_REOPEN), values)
    mark = store.full[subject]
    if mark is None or mark < (values["published_at"], values["first_row"]):
        return
    cursor.execute(_EARLIER_FULL, values)
    earlier = ((at, file_row_base(sha, version)) for at, sha, version in cursor.fetchall())
    full_at, full_row = max(earlier, default=(None, None))
    cursor.execute(TABLES[subject].fill(_SET_MARK), values | {"full_at": full_at, "full_row": full_row})


def _enter(cursor: Cursor, batch: IngestBatch, store_key: int | None) -> None:
    """Resets the ledger row of a file to the reading of the batch."""
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
