"""The rule for which published names of a store's number mean one store, independent of the order of files.

A chain's files name a store by sub-chain and number, and do not always agree on the sub-chain. A name is sold
if price or promotion files use it, and listed if Stores files do. The rule, in this order:

1. A name that is both sold and listed means its own store.
2. A sold name of sub-chain 0 that no Stores file lists means the number's home: the name that is listed by
   the oldest of the Stores files that list the number. If that file lists it under several sub-chains, there
   is no home. (A file that names no sub-chain has sub-chain 0 too.)
3. Any other sold name that no Stores file lists means the only name that is listed, if it is itself the only
   name that is sold.
4. Every other name is a store of its own.

Only the second rule merges two names that are both sold, and later files do not change its evidence, the
oldest list. So stores whose prices were merged are hardly ever separated again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gogobe.database.load.marks import Mark

NO_SUB_CHAIN: Final = "0"


@dataclass(frozen=True)
class Name:
    """A sub-chain under which a chain's files name one of its store numbers. `is_sold`: price or promotion
    files use it; `listed`: the mark of the oldest Stores file that does."""

    sub_chain_id: str
    is_sold: bool = False
    listed: Mark | None = None


@dataclass(frozen=True)
class Placement:
    """A group of names that mean one store. `sub_chain_id` is that of the listed name, or else of the sold
    one. `keep` is the row of `stores` that it gets, None for a new one; the rows `merge` are merged into
    it."""

    names: tuple[str, ...]
    sub_chain_id: str
    keep: int | None = None
    merge: tuple[int, ...] = ()


@dataclass(frozen=True)
class Rows:
    """The rows of `stores` of a number: the rows of each name, the names that were sold before (their prices
    are in their rows), and the sub-chain in the natural key of each row."""

    of_name: Mapping[str, frozenset[int]] = field(default_factory=dict)
    sold_before: frozenset[str] = frozenset()
    sub_chain_ids: Mapping[int, str] = field(default_factory=dict)


def group(names: Iterable[Name]) -> list[tuple[str, ...]]:
    """The names of one number, grouped by store, in the order of the stores' natural keys."""
    known = {name.sub_chain_id: name for name in names}
    listed = {sub_chain_id: name.listed for sub_chain_id, name in known.items() if name.listed is not None}
    sold = [sub_chain_id for sub_chain_id, name in known.items() if name.is_sold]
    groups = {sub_chain_id: {sub_chain_id} for sub_chain_id in known}
    for sub_chain_id in sold:
        if sub_chain_id in listed:
            continue
        meant = None
        if sub_chain_id == NO_SUB_CHAIN:
            meant = _home(listed)
        elif sold == [sub_chain_id] and len(listed) == 1:
            (meant,) = listed
        if meant is not None:
            groups[meant] |= groups.pop(sub_chain_id)
    return [tuple(sorted(groups[sub_chain_id])) for sub_chain_id in sorted(groups)]


def _home(listed: Mapping[str, Mark]) -> str | None:
    """The name that the oldest Stores file lists; None if that lists several, or none does."""
    oldest = min(listed.values(), default=None)
    first = [sub_chain_id for sub_chain_id, mark in listed.items() if mark == oldest]
    return first[0] if len(first) == 1 else None


def place(names: Sequence[Name], rows: Rows) -> list[Placement]:
    """The groups of a number's names with the rows of `stores` that they get.

    A row goes to the group of a name that was sold before and refers to it, since its prices belong there. If
    there are several such groups, or none, it goes to the one with the row's own natural key, or else the
    first.
    """
    listed = {name.sub_chain_id for name in names if name.listed is not None}
    groups = group(names)
    owned: dict[tuple[str, ...], list[int]] = {}
    for key in sorted(rows.sub_chain_ids):
        pointing = {name for name, keys in rows.of_name.items() if key in keys}
        wanted = pointing & rows.sold_before or pointing or {rows.sub_chain_ids[key]}
        claiming = [together for together in groups if wanted & set(together)]
        natural = [together for together in claiming if rows.sub_chain_ids[key] in together]
        owned.setdefault((natural or claiming or groups)[0], []).append(key)
    placed = []
    for together in groups:
        sub_chain_id = next((name for name in together if name in listed), together[0])
        own = owned.get(together, [])
        placed.append(Placement(together, sub_chain_id, own[0] if own else None, tuple(own[1:])))
    return placed
