"""Shows what loading a file would change: the load runs in a transaction that is rolled back.

It executes the load itself, so the result is exact. Until the end it holds the same locks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import msgspec

from gogobe.database.connection import Connection, Cursor, dialect_of
from gogobe.database.load.sent import SentHashes
from gogobe.database.load.stores import StoreKeys
from gogobe.database.load.subjects import TABLES
from gogobe.database.load.transaction import create_staging_tables, load_in_transaction
from gogobe.records.messages import IngestBatch


class RowChange(msgspec.Struct, frozen=True):
    """A row that would change: the fields that differ, before and after (None: no row)."""

    table: str
    key: list[str]
    kind: str
    old: dict[str, Any] | None
    new: dict[str, Any] | None


@dataclass
class Changes:
    """The number of rows that would change, by table and kind (added, removed, ended, reopened, changed), and
    the first of them."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    first: list[RowChange] = field(default_factory=list)


class _Compared(NamedTuple):
    """A table that is compared: the statement selects `key` (text[]) and `state` (jsonb)."""

    table: str
    select: bytes


# When a row was written, and by which file, does not count as a change.
_SOLD: Final = """
    SELECT ARRAY[s.chain_id, s.sub_chain_id, s.store_id, p.{code}] AS key,
           to_jsonb(p) - ARRAY['store_key', '{code}', 'published_at', 'source_row', 'first_seen_at'] AS state
    FROM {table} p JOIN stores s ON s.store_key = p.store_key WHERE p.store_key = ANY(%(store_keys)s)
"""
_TABLES: Final = (
    *(_Compared(subject.table, subject.fill(_SOLD)) for subject in TABLES.values()),
    _Compared(
        "master_aliases",
        b"""
        SELECT ARRAY[a.chain_id, a.item_code] AS key, jsonb_strip_nulls(to_jsonb(a) - ARRAY[
                   'chain_id', 'item_code', 'described_on', 'description_rank', 'first_seen_at', 'decided_at'])
               AS state
        FROM master_aliases a WHERE a.chain_id = ANY(%(chain_ids)s)
        """,
    ),
    _Compared(
        "stores",
        b"""
        SELECT ARRAY[s.chain_id, s.sub_chain_id, s.store_id] AS key, jsonb_strip_nulls(to_jsonb(s) - ARRAY[
                   'store_key', 'described_at', 'described_row', 'prices_full_at', 'prices_full_row',
                   'promotions_full_at', 'promotions_full_row', 'identity_version']) AS state
        FROM stores s WHERE s.chain_id = ANY(%(chain_ids)s)
        """,
    ),
)
_STORES_OF_FILE: Final = """
    SELECT store_key FROM files WHERE content_sha256 = %(sha)s AND store_key IS NOT NULL
    UNION SELECT store_key FROM store_identities WHERE chain_id = ANY(%(chain_ids)s) AND store_id = %(store_id)s
"""
_CHAINS_OF_FILE: Final = "SELECT chain_id FROM files WHERE content_sha256 = %s"


def preview_file(
    connection: Connection, portions: Iterable[Sequence[IngestBatch]], most: int, found: Changes
) -> None:
    """Adds to `found` what loading one file would change, with up to `most` rows as examples. `portions` are
    its batches, a list per load. The database is left unchanged. Raises psycopg.Error."""
    dialect = replace(dialect_of(connection), empties_on_commit=False)  # its commits are savepoints
    keys, sent, before = StoreKeys(), SentHashes(), None
    with connection.transaction(force_rollback=True), connection.cursor() as cursor:
        create_staging_tables(connection, dialect)
        for batches in portions:
            if before is None:
                before = _Before(cursor, batches[0])
            rows = keys.ensure(connection, batches)
            before.store_keys |= set(rows.sold.values())
            load_in_transaction(cursor, dialect, batches, rows, sent)
        if before is not None:
            before.compare(cursor, most, found)


class _Before:
    """The rows that a file may change, as they were before it is loaded."""

    def __init__(self, cursor: Cursor, batch: IngestBatch) -> None:
        former = [row[0] for row in cursor.execute(_CHAINS_OF_FILE, (batch.content_sha256,))]
        self._chain_ids = sorted({batch.chain_id, *former})
        named = {"sha": batch.content_sha256, "chain_ids": self._chain_ids, "store_id": batch.store_id}
        self.store_keys = {row[0] for row in cursor.execute(_STORES_OF_FILE, named)}
        self._states = {one.table: self._read(cursor, one) for one in _TABLES}

    def compare(self, cursor: Cursor, most: int, found: Changes) -> None:
        """Adds the differences to the rows as they are now."""
        for one in _TABLES:
            old, new = self._states[one.table], self._read(cursor, one)
            for key in sorted(old.keys() | new.keys()):
                if old.get(key) != new.get(key):
                    change = _change(one.table, key, old.get(key), new.get(key))
                    found.counts[one.table, change.kind] += 1
                    if len(found.first) < most:
                        found.first.append(change)

    def _read(self, cursor: Cursor, table: _Compared) -> dict[tuple[str, ...], dict[str, Any]]:
        values = {"store_keys": sorted(self.store_keys), "chain_ids": self._chain_ids}
        return {tuple(key): state for key, state in cursor.execute(table.select, values)}


def _change(
    table: str, key: tuple[str, ...], old: dict[str, Any] | None, new: dict[str, Any] | None
) -> RowChange:
    if old is None or new is None:
        return RowChange(table, list(key), "added" if old is None else "removed", old, new)
    names = [name for name in old | new if old.get(name) != new.get(name)]
    kind = "changed"
    if "ended_at" in names and (old.get("ended_at") is None) != (new.get("ended_at") is None):
        kind = "ended" if old.get("ended_at") is None else "reopened"
    part = [{name: state.get(name) for name in names} for state in (old, new)]
    return RowChange(table, list(key), kind, *part)
