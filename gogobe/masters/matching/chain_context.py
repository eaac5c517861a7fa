"""Chain context: the other items of a chain, which compete with an item for a master, and its range.

A chain lists a product once, and its siblings too. The larger an item's lead over all other items of its
chain, the more probable the match; if a sibling scores nearly as high, similarity is weak evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.matching.coverage import ChainCoverage, known_coverage
from gogobe.masters.snapshot.files import Masters
from gogobe.masters.text.facts import Facts
from gogobe.masters.vectors.index import ExactIndex

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]

RIVALS: Final = 8
"""A chain's items, those nearest to a master, that are compared with it."""
MIN_CHAIN_ITEMS: Final = 100
"""Minimum items of a chain for chain features; with fewer they count as unknown."""


@dataclass(frozen=True)
class Listing:
    """Items of one chain: their facts, their vectors in the form that is indexed, and their keys (GTIN, or
    computed id of chain and code). `masters` are the rows of the snapshot's masters that they belong to, as
    far as known: no other item of the chain can belong to these. `coverage` is the part of the chain's range
    that other chains sell."""

    facts: Facts
    vectors: Floats
    keys: Longs
    masters: Longs
    coverage: ChainCoverage

    def __len__(self) -> int:
        return len(self.keys)

    def nearest_to(self, masters: Floats) -> Longs:
        """The rows of the items nearest to each master's vector, (masters, RIVALS + 1), -1 for none. One more
        than is compared, since the item in question may be among them."""
        return ExactIndex(self.vectors).search(masters, RIVALS + 1).rows


def listing_of(masters: Masters, chain: int) -> Listing:
    """The items of a chain in a snapshot, given the chain's hash. The vector of an item is its master's."""
    names = np.flatnonzero(masters.tables.name_chains == chain)
    rows = np.searchsorted(masters.tables.starts, names, side="right") - 1
    vectors = masters.index.vectors[rows]
    coverage = known_coverage(masters, chain)
    return Listing(
        masters.names.take(names), vectors, masters.tables.name_keys[names], np.unique(rows), coverage
    )
