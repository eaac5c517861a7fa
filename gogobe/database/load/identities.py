"""Resolves published names of stores to rows of `stores`, in the database, the same for all loaders.

`store_identities` has a row for every name (chain, sub-chain, number) by which files refer to a store, with
the evidence about it. Loaders of one chain take turns in adding evidence. A loader that adds some applies the
rule of `grouping` to the numbers concerned, and moves names and rows if the rule now gives another result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gogobe.database.connection import Cursor
from gogobe.database.load.descriptions import update_stores
from gogobe.database.load.grouping import Name, Placement, Rows, place
from gogobe.database.load.marks import Mark
from gogobe.database.load.moves import Change, apply_moves
from gogobe.database.load.store_ids import Number, StoreId


@dataclass(frozen=True)
class Evidence:
    """Evidence about a name: `is_sold` if prices or promotions are published under it; `listed`: the mark of
    the oldest Stores file that lists it.
    """

    is_sold: bool = False
    listed: Mark | None = None

    def __or__(self, other: Evidence) -> Evidence:
        """The combined evidence."""
        marks = [mark for mark in (self.listed, other.listed) if mark is not None]
        return Evidence(self.is_sold or other.is_sold, min(marks, default=None))


@dataclass(frozen=True)
class Identity:
    """The row of `stores` that a name means. `version` is the row's `identity_version`, which increases when
    a name leaves the row."""

    store_key: int
    version: int
    evidence: Evidence

    def knows(self, evidence: Evidence) -> bool:
        """Whether the evidence is already included."""
        return self.evidence == self.evidence | evidence


@dataclass
class _Known:
    """The names and rows of one number in the database."""

    names: dict[str, Name] = field(default_factory=dict)
    keys: dict[str, set[int]] = field(default_factory=dict)
    sub_chain_ids: dict[int, str] = field(default_factory=dict)
    versions: dict[int, int] = field(default_factory=dict)
    has_unnamed_row: bool = False

    def with_evidence(self, evidence: Mapping[str, Evidence]) -> list[Name]:
        """The names with the evidence of a load added."""
        names = dict(self.names)
        for sub_chain_id, new in evidence.items():
            before = names.get(sub_chain_id, Name(sub_chain_id))
            both = Evidence(before.is_sold, before.listed) | new
            names[sub_chain_id] = Name(sub_chain_id, both.is_sold, both.listed)
        return list(names.values())

    def rows(self) -> Rows:
        """The rows of `stores` as input of the rule."""
        keys = {name: frozenset(keys) for name, keys in self.keys.items()}
        sold = frozenset(name.sub_chain_id for name in self.names.values() if name.is_sold)
        return Rows(keys, sold, self.sub_chain_ids)


# A row without a name counts as that of its own natural key, and is merged into that name's row.
_READ: Final = """
    SELECT s.chain_id, s.store_id, coalesce(i.sub_chain_id, s.sub_chain_id), s.store_key, s.sub_chain_id,
           s.identity_version, i.store_key IS NULL, coalesce(i.is_sold, true), i.listed_at, i.listed_row
    FROM unnest(%s::text[], %s::text[]) AS wanted (chain_id, store_id)
    JOIN stores s ON s.chain_id = wanted.chain_id AND s.store_id = wanted.store_id
    LEFT JOIN store_identities i ON i.store_key = s.store_key
"""

_LOCK_CHAINS: Final = "SELECT 1 FROM chains WHERE chain_id = ANY(%s) ORDER BY chain_id FOR NO KEY UPDATE"

_WRITE_NAMES: Final = """
    INSERT INTO store_identities (chain_id, store_id, sub_chain_id, store_key, is_sold, listed_at, listed_row)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[], %s::integer[], %s::boolean[], %s::timestamptz[],
                         %s::bigint[])
    ON CONFLICT (chain_id, store_id, sub_chain_id) DO UPDATE SET
        store_key = excluded.store_key, is_sold = excluded.is_sold,
        listed_at = excluded.listed_at, listed_row = excluded.listed_row
"""


def decide(cursor: Cursor, evidence: Mapping[StoreId, Evidence]) -> dict[StoreId, Identity]:
    """Adds evidence and returns the rows that all names of the numbers concerned mean. The chains must be in
    `chains`; they are locked until the transaction ends."""
    cursor.execute(_LOCK_CHAINS, (sorted({store.chain_id for store in evidence}),))
    numbers: dict[Number, dict[str, Evidence]] = {}
    for store, one in evidence.items():
        numbers.setdefault(store.number, {})[store.sub_chain_id] = one
    known = _read(cursor, numbers)
    changes = []
    for number, new in sorted(numbers.items()):
        names = known[number].with_evidence(new)
        placements = place(names, known[number].rows())
        if _differs(known[number], names, placements):
            changes.append(_change(number, known[number], names, placements))
    if changes:
        _write_names(cursor, changes, apply_moves(cursor, changes))
        update_stores(cursor, [change.number for change in changes])
        known = _read(cursor, numbers)
    return {
        StoreId(chain_id, name.sub_chain_id, store_id): Identity(
            key, one.versions[key], Evidence(name.is_sold, name.listed)
        )
        for (chain_id, store_id), one in known.items()
        for name in one.names.values()
        for key in one.keys[name.sub_chain_id]
    }


def _read(cursor: Cursor, numbers: Iterable[Number]) -> dict[Number, _Known]:
    known = {number: _Known() for number in numbers}
    cursor.execute(_READ, ([chain_id for chain_id, _ in known], [store_id for _, store_id in known]))
    for chain_id, store_id, name, key, natural, version, unnamed, is_sold, *mark in cursor.fetchall():
        one = known[chain_id, store_id]
        one.has_unnamed_row |= unnamed
        listed = None if mark[0] is None else (mark[0], mark[1])
        before = one.names.get(name, Name(name))
        one.names[name] = Name(name, before.is_sold or is_sold, before.listed or listed)
        one.keys.setdefault(name, set()).add(key)
        one.sub_chain_ids[key] = natural
        one.versions[key] = version
    return known


def _change(number: Number, known: _Known, names: Sequence[Name], placements: Sequence[Placement]) -> Change:
    return Change(number, names, placements, known.keys, known.sub_chain_ids)


def _differs(known: _Known, names: Sequence[Name], placements: Iterable[Placement]) -> bool:
    """Whether the database differs from the names and placements."""
    if known.has_unnamed_row or {name.sub_chain_id: name for name in names} != known.names:
        return True
    return any(
        one.keep is None
        or one.merge
        or known.sub_chain_ids[one.keep] != one.sub_chain_id
        or any(known.keys.get(name) != {one.keep} for name in one.names)
        for one in placements
    )


def _write_names(cursor: Cursor, changes: Iterable[Change], keys: Mapping[tuple[Number, str], int]) -> None:
    """Writes the names with their evidence. `keys`: the row of each name."""
    rows = [
        (
            *change.number,
            name.sub_chain_id,
            keys[change.number, name.sub_chain_id],
            name.is_sold,
            *(name.listed or (None, None)),
        )
        for change in changes
        for name in change.names
    ]
    cursor.execute(_WRITE_NAMES, [list(column) for column in zip(*rows, strict=True)])
