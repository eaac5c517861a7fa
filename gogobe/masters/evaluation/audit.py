"""Finds masters that cannot be one product, because their names, sizes, percentages or packs differ too much.

It checks existing links, of any matcher. An earlier matcher made one such master of 28 creams of one brand,
because their names have the same beginning.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.matching.features import FEATURES, compare
from gogobe.masters.snapshot.files import Snapshot

Longs = npt.NDArray[np.int64]

MIN_OVERLAP: Final = 0.2
"""Minimum rarity-weighted word overlap. Below it two names have nothing in common (in the better direction),
and three names or more have little in common (in both directions, on average over their pairs)."""
_PAIRS_AT_ONCE: Final = 50_000


class FlaggedMaster(msgspec.Struct, frozen=True):
    """A master with inconsistent names: the `reasons`, two of its names that show the first reason, and the
    number of its `names`."""

    master_id: int
    reasons: list[str]
    name: str
    other_name: str
    names: int


_DIFFERENCES: Final = (
    ("size_far", "sizes differ"),
    ("percents_differ", "percentages differ"),
    ("packs_differ", "numbers of pieces differ"),
    ("weighed_differs", "one is weighed, the other is not"),
)


def flag_inconsistent(snapshot: Snapshot) -> list[FlaggedMaster]:
    """All masters with inconsistent names, or with several items of one chain; those with most reasons
    first."""
    tables = snapshot.tables
    goes_by = tables.canonical[np.repeat(np.arange(len(tables.masters)), np.diff(tables.starts))]
    by_master = np.argsort(goes_by, kind="stable")
    first, second = (by_master[side] for side in _pairs_of(goes_by[by_master]))
    owners = goes_by[first]
    reasons: dict[int, dict[str, int]] = {}

    def note(rows: Longs, reason: str, pairs: Longs) -> None:
        for row, pair in zip(rows.tolist(), pairs.tolist(), strict=True):
            reasons.setdefault(row, {}).setdefault(reason, pair)

    alike = np.zeros(len(first), dtype=np.float64)
    for begin in range(0, len(first), _PAIRS_AT_ONCE):
        part = slice(begin, begin + _PAIRS_AT_ONCE)
        columns = _compared(snapshot, first[part], second[part])
        alike[part] = columns["all_words_found"]
        found = np.maximum(columns["words_of_item_found"], columns["words_of_candidate_found"])
        for name, reason in _DIFFERENCES:
            pairs = begin + np.flatnonzero(columns[name] > 0)
            note(owners[pairs], reason, pairs)
        pairs = begin + np.flatnonzero(found < MIN_OVERLAP)
        note(owners[pairs], "names have nothing in common", pairs)

    pair_counts = np.bincount(owners, minlength=len(tables.masters))
    means = np.bincount(owners, alike, len(tables.masters)) / np.maximum(pair_counts, 1)
    several = np.flatnonzero((pair_counts >= 3) & (means < MIN_OVERLAP))
    first_pairs = np.searchsorted(owners, several, sorter=(order := np.argsort(owners, kind="stable")))
    note(several, "names have little in common", order[first_pairs])
    same_chain = tables.name_chains[first] == tables.name_chains[second]
    twice = np.flatnonzero(same_chain & (tables.name_keys[first] != tables.name_keys[second]))
    note(owners[twice], "one chain sells several items as this one", twice)

    names = np.bincount(goes_by, minlength=len(tables.masters))
    flagged = [
        FlaggedMaster(
            master_id=int(tables.masters[row]),
            reasons=list(why),
            name=tables.label(int(first[next(iter(why.values()))])),
            other_name=tables.label(int(second[next(iter(why.values()))])),
            names=int(names[row]),
        )
        for row, why in reasons.items()
    ]
    return sorted(flagged, key=lambda one: (-len(one.reasons), one.master_id))


def _compared(snapshot: Snapshot, ours: Longs, theirs: Longs) -> dict[str, npt.NDArray[np.float32]]:
    """The features of pairs of names, given as rows, one column per feature."""
    compared = compare(
        snapshot.names,
        ours,
        snapshot.names,
        theirs,
        cosines=np.zeros(len(ours), dtype=np.float32),
        lexicon=snapshot.lexicon,
    )
    return dict(zip(FEATURES, compared.features.T, strict=True))


def _pairs_of(masters: Longs) -> tuple[Longs, Longs]:
    """The places of every two names of one master; the rows of a master are adjacent."""
    _, starts, counts = np.unique(masters, return_index=True, return_counts=True)
    first, second = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for size in np.unique(counts[counts > 1]).tolist():
        left, right = np.triu_indices(size, 1)
        begins = starts[counts == size]
        first.append((begins[:, None] + left).ravel())
        second.append((begins[:, None] + right).ravel())
    return np.concatenate(first), np.concatenate(second)
