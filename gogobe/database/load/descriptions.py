"""Descriptions of stores from Stores files: address, city, type and other fields.

`store_descriptions` has, for each published name, every distinct description with the marks of the oldest and
the newest file that contains it. `stores` has the merged description: each field's value from the newest file
that has one. So the result does not depend on the order in which files are loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import msgspec

from gogobe.database.connection import Cursor
from gogobe.database.load.marks import Mark, mark_of, recency, row_mark
from gogobe.database.load.store_ids import Number, StoreId, described_store_id
from gogobe.database.load.tallies import Tally
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Store

FIELDS: Final[tuple[LiteralString, ...]] = (
    "chain_name",
    "sub_chain_name",
    "bikoret_no",
    "store_type",
    "name",
    "address",
    "city",
    "zip_code",
    "latitude",
    "longitude",
    "updated_at",
)
Fields = tuple[Any, ...]
"""The values of `FIELDS`, None if a file has none."""

_NONE: Final[Fields] = (None,) * len(FIELDS)
_COLUMNS: Final[LiteralString] = ", ".join(FIELDS)

_READ: Final[LiteralString] = f"""
    SELECT chain_id, sub_chain_id, store_id, digest, first_at, first_row, last_at, last_row, {_COLUMNS}
    FROM unnest(%s::text[], %s::text[]) AS wanted (chain_id, store_id)
    JOIN store_descriptions USING (chain_id, store_id)
"""

_WRITE: Final[LiteralString] = f"""
    INSERT INTO store_descriptions (chain_id, sub_chain_id, store_id, digest,
                                    first_at, first_row, last_at, last_row, {_COLUMNS})
    VALUES ({", ".join(["%s"] * (8 + len(FIELDS)))})
    ON CONFLICT (chain_id, store_id, sub_chain_id, digest) DO UPDATE SET
        first_at = excluded.first_at, first_row = excluded.first_row,
        last_at = excluded.last_at, last_row = excluded.last_row
"""

_READ_STORES: Final[LiteralString] = f"""
    SELECT i.chain_id, i.sub_chain_id, i.store_id, i.store_key, s.described_at, s.described_row,
           {", ".join("s." + field for field in FIELDS)}
    FROM unnest(%s::text[], %s::text[]) AS wanted (chain_id, store_id)
    JOIN store_identities i ON i.chain_id = wanted.chain_id AND i.store_id = wanted.store_id
    JOIN stores s ON s.store_key = i.store_key
"""

_WRITE_STORE: Final[LiteralString] = f"""
    UPDATE stores SET described_at = %s, described_row = %s, {", ".join(field + " = %s" for field in FIELDS)}
    WHERE store_key = %s
"""

# Undoes the older reading of a Stores file: descriptions that no other file has are removed.
_OF_READING: Final = (
    "({at}, {row}) BETWEEN (%(published_at)s, %(first_row)s) AND (%(published_at)s, %(last_row)s)"
)
_FIRST: Final = _OF_READING.format(at="first_at", row="first_row")
_LAST: Final = _OF_READING.format(at="last_at", row="last_row")
_UNDO: Final = (
    f"DELETE FROM store_descriptions WHERE chain_id = %(chain_id)s AND {_FIRST} AND {_LAST} RETURNING store_id",
    "UPDATE store_descriptions SET last_at = first_at, last_row = first_row "
    f"WHERE chain_id = %(chain_id)s AND {_LAST} RETURNING store_id",
    "UPDATE store_descriptions SET first_at = last_at, first_row = last_row "
    f"WHERE chain_id = %(chain_id)s AND {_FIRST} RETURNING store_id",
)


@dataclass(frozen=True)
class Description:
    """One description of a store, with the marks of the oldest and of the newest file that contains it."""

    first: Mark
    last: Mark
    fields: Fields


@dataclass(frozen=True)
class MergedDescription:
    """The merge of several descriptions of a store: the newest mark, and the newest value of each field."""

    mark: Mark | None = None
    fields: Fields = _NONE


def merge(descriptions: Iterable[Description]) -> MergedDescription:
    """The newest value of each field. A field that a newer file leaves empty keeps its value."""
    newest_first = sorted(descriptions, key=lambda one: recency(one.last), reverse=True)
    if not newest_first:
        return MergedDescription()
    columns = zip(*(one.fields for one in newest_first), strict=True)
    fields = tuple(next((value for value in column if value is not None), None) for column in columns)
    return MergedDescription(newest_first[0].last, fields)


def add(descriptions: dict[int, Description], mark: Mark, fields: Fields) -> None:
    """Adds a row's description to those of a store, which are by digest."""
    digest = _digest(fields)
    before = descriptions.get(digest)
    marks = [mark] if before is None else [mark, before.first, before.last]
    descriptions[digest] = Description(min(marks, key=recency), max(marks, key=recency), fields)


def _digest(fields: Fields) -> int:
    content = msgspec.json.encode(fields)
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "big", signed=True)


def describe_stores(cursor: Cursor, batches: Iterable[IngestBatch], tallies: Mapping[str, Tally]) -> None:
    """Writes the descriptions in batches of Stores files and counts the rows into the batches' tallies. The
    stores are locked.

    A row counts as stale if it is older than the store's newest description and changes no field.
    """
    rows = [
        (
            tallies[batch.batch_id],
            described_store_id(batch, row),
            row_mark(mark_of(batch), row.row),
            _fields_of(row),
        )
        for batch in batches
        for row in batch.stores
    ]
    if not rows:
        return
    numbers = {name.number for _, name, _, _ in rows}
    known = _read(cursor, numbers)
    for tally, name, mark, fields in rows:
        descriptions = known.setdefault(name, {})
        before = merge(descriptions.values())
        add(descriptions, mark, fields)
        if before.mark is None or merge(descriptions.values()).fields != before.fields:
            tally.loaded += 1
        elif recency(mark) < recency(before.mark):
            tally.stale += 1
        else:
            tally.unchanged += 1
    cursor.executemany(
        _WRITE,
        [
            (name.chain_id, name.sub_chain_id, name.store_id, digest, *one.first, *one.last, *one.fields)
            for name in sorted({name for _, name, _, _ in rows})
            for digest, one in sorted(known[name].items())
        ],
    )
    update_stores(cursor, numbers)


def _fields_of(row: Store) -> Fields:
    return tuple(getattr(row, field) for field in FIELDS)


def _read(cursor: Cursor, numbers: Iterable[Number]) -> dict[StoreId, dict[int, Description]]:
    cursor.execute(_READ, _columns(numbers))
    known: dict[StoreId, dict[int, Description]] = {}
    for chain_id, sub_chain_id, store_id, digest, *marks in cursor.fetchall():
        first, last, fields = (marks[0], marks[1]), (marks[2], marks[3]), tuple(marks[4:])
        name = StoreId(chain_id, sub_chain_id, store_id)
        known.setdefault(name, {})[digest] = Description(first, last, fields)
    return known


def _columns(numbers: Iterable[Number]) -> tuple[list[str], list[str]]:
    ordered = sorted(numbers)
    return [chain_id for chain_id, _ in ordered], [store_id for _, store_id in ordered]


def update_stores(cursor: Cursor, numbers: Iterable[Number]) -> None:
    """Writes the merged descriptions of the stores with these numbers into `stores`, where they differ. The
    stores whose descriptions or names changed are locked."""
    ordered = sorted(numbers)
    known = _read(cursor, ordered)
    cursor.execute(_READ_STORES, _columns(ordered))
    shown: dict[int, tuple[Any, ...]] = {}
    descriptions: dict[int, list[Description]] = {}
    for chain_id, sub_chain_id, store_id, store_key, *values in cursor.fetchall():
        shown[store_key] = tuple(values)
        name = StoreId(chain_id, sub_chain_id, store_id)
        descriptions.setdefault(store_key, []).extend(known.get(name, {}).values())
    merged = {key: merge(found) for key, found in descriptions.items()}
    wanted = {key: (*(one.mark or (None, None)), *one.fields) for key, one in merged.items()}
    changed = [(*wanted[key], key) for key in sorted(wanted) if wanted[key] != shown[key]]
    if changed:
        cursor.executemany(_WRITE_STORE, changed)


def undo_descriptions(cursor: Cursor, chain_id: str, first: Mark, last: Mark) -> None:
    """Removes the descriptions of a Stores file's readings, from the first `source_row` to the last. The
    file's stores are locked."""
    values = {"chain_id": chain_id, "published_at": first[0], "first_row": first[1], "last_row": last[1]}
    numbers: set[Number] = set()
    for statement in _UNDO:
        cursor.execute(statement, values)
        numbers |= {(chain_id, store_id) for (store_id,) in cursor.fetchall()}
    if numbers:
        update_stores(cursor, numbers)
