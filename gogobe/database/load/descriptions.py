"""What Stores files say of stores: address, city, type and the like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from gogobe.database.connection import Cursor
from gogobe.database.load.marks import mark_of, recency, row_mark
from gogobe.database.load.tallies import Tally
from gogobe.records.messages import IngestBatch

Description = tuple[Any, ...]
"""`described_at`, `described_row` and the columns of `DESCRIPTION`."""

DESCRIPTION: Final = (
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

_READ: Final = """
    SELECT store_key, described_at, described_row, chain_name, sub_chain_name, bikoret_no,
           store_type, name, address, city, zip_code, latitude, longitude, updated_at
    FROM stores WHERE store_key = ANY(%s) AND described_at IS NOT NULL
"""

_WRITE: Final = """
    UPDATE stores SET described_at = %s, described_row = %s, chain_name = %s, sub_chain_name = %s,
        bikoret_no = %s, store_type = %s, name = %s, address = %s, city = %s, zip_code = %s, latitude = %s,
        longitude = %s, updated_at = %s
    WHERE store_key = %s
"""
_NOTHING: Final[Description] = (None,) * (2 + len(DESCRIPTION))


def read_descriptions(cursor: Cursor, store_keys: Sequence[int]) -> dict[int, Description]:
    """The descriptions of those stores that have one."""
    if not store_keys:
        return {}
    cursor.execute(_READ, (list(store_keys),))
    return {key: tuple(described) for key, *described in cursor.fetchall()}


def write_description(cursor: Cursor, store_key: int, description: Description | None) -> None:
    """Gives a store another description, or none."""
    cursor.execute(_WRITE, (*(description or _NOTHING), store_key))


def describe_stores(
    cursor: Cursor,
    batches: Iterable[IngestBatch],
    tallies: Mapping[str, Tally],
    keys_of: Mapping[str, Sequence[int]],
) -> None:
    """Writes what batches of Stores files say of their stores, where it is newer; counts into the batches'
    tallies. What a newer file leaves empty stays as it was. `keys_of`: the rows of `stores` of a batch's
    stores, by batch id. The rows are held."""
    ordered = sorted(batches, key=lambda batch: (batch.published_at, batch.content_sha256, batch.sequence))
    keys = {key for batch in ordered for key in keys_of[batch.batch_id]}
    known = read_descriptions(cursor, sorted(keys))
    changed: dict[int, Description] = {}
    for batch in ordered:
        tally = tallies[batch.batch_id]
        for row, key in zip(batch.stores, keys_of[batch.batch_id], strict=True):
            mark = row_mark(mark_of(batch), row.row)
            before = known.get(key, _NOTHING)
            if before[0] is not None and recency(mark) < recency((before[0], before[1])):
                tally.stale += 1
                continue
            told = (getattr(row, name) for name in DESCRIPTION)
            after = tuple(new if new is not None else old for new, old in zip(told, before[2:], strict=True))
            if after == before[2:] and before[1]:
                tally.unchanged += 1
            else:
                tally.loaded += 1
            known[key] = changed[key] = (*mark, *after)
    cursor.executemany(_WRITE, [(*changed[key], key) for key in sorted(changed)])
