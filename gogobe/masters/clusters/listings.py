"""Blocking for goods without a usable barcode: the chains' listings, and the pairs worth comparing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.contrast import naming_mask
from gogobe.masters.codes.suffixes import related_pairs
from gogobe.masters.text.arrays import places_in_runs, run_starts
from gogobe.masters.text.facts import Facts
from gogobe.masters.vectors.index import ExactIndex

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]

NEAREST: Final = 50
"""Nearest listings by vector that are candidates for each listing."""
MAX_WITH_WORD: Final = 150
"""Listings that share a word are candidates if at most so many have it."""
_AT_ONCE: Final = 2_000


@dataclass(frozen=True)
class Listings:
    """n listings: their `facts`; `vectors` in the form that is indexed; hashes of their `chains`; the
    `numbers` of their codes (0 if a code is no number); `masters`, equal for listings known to be one product
    (a GTIN, or a person's decision); and `keys`, equal for equivalent names."""

    facts: Facts
    vectors: Floats
    chains: npt.NDArray[np.uint32]
    numbers: Longs
    masters: Longs
    keys: Longs

    def __len__(self) -> int:
        return len(self.masters)


@dataclass(frozen=True)
class Pairs:
    """Pairs of listings, the lower row in `first`."""

    first: Longs
    second: Longs

    def __len__(self) -> int:
        return len(self.first)

    def take(self, which: npt.NDArray[np.bool_]) -> Self:
        """A selection of the pairs."""
        return type(self)(self.first[which], self.second[which])


def neighbours(listings: Listings) -> Pairs:
    """The pairs of listings of two masters worth comparing: neighbours by vector, listings with a common rare
    word, and listings with related codes; of two chains or of one."""
    found = np.concatenate([_by_vector(listings), _by_word(listings), related_pairs(listings.numbers)])
    found.sort(axis=1)
    found = np.unique(found, axis=0)
    masters = listings.masters[found]
    found = found[masters[:, 0] != masters[:, 1]]
    return Pairs(found[:, 0], found[:, 1])


def _by_vector(listings: Listings) -> Longs:
    """Each listing with its nearest listings."""
    index = ExactIndex(listings.vectors)
    found = []
    for begin in range(0, len(listings), _AT_ONCE):
        rows = index.search(listings.vectors[begin : begin + _AT_ONCE], NEAREST + 1).rows
        asked = np.arange(begin, begin + len(rows))[:, None]
        found.append(np.stack(np.broadcast_arrays(asked, rows), axis=-1).reshape(-1, 2))
    pairs: Longs = np.concatenate(found) if found else np.zeros((0, 2), dtype=np.int64)
    kept: Longs = pairs[(pairs[:, 1] >= 0) & (pairs[:, 0] != pairs[:, 1])]
    return kept


def _by_word(listings: Listings) -> Longs:
    """Listings that share a naming word that few others have."""
    rows, places = np.nonzero(naming_mask(listings.facts))
    words = listings.facts.forms()[rows, places]
    order = np.lexsort((rows, words))
    rows, words = rows[order], words[order]
    begins = run_starts(words)
    counts = np.diff(begins, append=len(words))
    few = (counts > 1) & (counts <= MAX_WITH_WORD)
    begins, counts = begins[few], counts[few]
    # Each listing of a word with all listings after it.
    members = np.repeat(begins, counts) + places_in_runs(counts)
    behind = np.repeat(begins + counts, counts) - members - 1
    left = np.repeat(members, behind)
    right = left + 1 + places_in_runs(behind)
    return np.column_stack([rows[left], rows[right]])
