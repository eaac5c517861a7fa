"""Masters that cannot be one product: their names, sizes, percentages or packs are too far apart.

A check on what has been linked already, whoever linked it: it was such a master, of 28 different creams of one
brand, that an earlier matcher made because their names begin alike.
"""

from __future__ import annotations

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.pairs import FEATURES, compare
from gogobe.masters.snapshot import Snapshot

Longs = npt.NDArray[np.int64]

NAMES_APART: Final = 0.2
"""Below this share of words found, by rarity, either way round, two names say nothing of each other."""
_AT_ONCE: Final = 50_000


class FlaggedMaster(msgspec.Struct, frozen=True):
    """A master whose names do not go together: how, and the two names that are furthest apart."""

    master_id: int
    reasons: list[str]
    name: str
    other_name: str
    names: int


_REASONS: Final = (
    ("size_far", "sizes differ"),
    ("percents_differ", "percentages differ"),
    ("packs_differ", "numbers of pieces differ"),
    ("weighed_differs", "one is weighed, the other is not"),
)


def flag_far_apart(snapshot: Snapshot) -> list[FlaggedMaster]:
    """All masters with two names that are too far apart, those with most reasons first."""
    tables = snapshot.tables
    goes_by = tables.canonical[np.repeat(np.arange(len(tables.masters)), np.diff(tables.starts))]
    by_master = np.argsort(goes_by, kind="stable")
    first, second = _pairs_of(goes_by[by_master])
    flagged: dict[int, FlaggedMaster] = {}
    sizes = np.bincount(goes_by, minlength=len(tables.masters))
    for begin in range(0, len(first), _AT_ONCE):
        ours, theirs = by_master[first[begin : begin + _AT_ONCE]], by_master[second[begin : begin + _AT_ONCE]]
        compared = compare(
            snapshot.names,
            ours,
            snapshot.names,
            theirs,
            cosines=np.zeros(len(ours), dtype=np.float32),
            lexicon=snapshot.lexicon,
        )
        columns = dict(zip(FEATURES, compared.features.T, strict=True))
        found = np.maximum(columns["words_of_item_found"], columns["words_of_candidate_found"])
        apart = np.stack([columns[name] > 0 for name, _ in _REASONS] + [found < NAMES_APART], axis=1)
        for pair in np.flatnonzero(apart.any(axis=1)).tolist():
            reasons = [reason for (_, reason), holds in zip(_REASONS, apart[pair], strict=False) if holds]
            reasons += ["names have nothing in common"] * bool(apart[pair, -1])
            row = int(goes_by[ours[pair]])
            if row not in flagged or len(reasons) > len(flagged[row].reasons):
                flagged[row] = FlaggedMaster(
                    master_id=int(tables.masters[row]),
                    reasons=reasons,
                    name=tables.label(int(ours[pair])),
                    other_name=tables.label(int(theirs[pair])),
                    names=int(sizes[row]),
                )
    return sorted(flagged.values(), key=lambda one: (-len(one.reasons), one.master_id))


def _pairs_of(masters: Longs) -> tuple[Longs, Longs]:
    """The places of every two names that have the same master; masters stand together."""
    _, starts, counts = np.unique(masters, return_index=True, return_counts=True)
    first, second = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for size in np.unique(counts[counts > 1]).tolist():
        left, right = np.triu_indices(size, 1)
        begins = starts[counts == size]
        first.append((begins[:, None] + left).ravel())
        second.append((begins[:, None] + right).ravel())
    return np.concatenate(first), np.concatenate(second)
