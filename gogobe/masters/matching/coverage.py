"""Coverage: the share of a chain's range that other chains sell, by company and by maker.

A chain's own label is sold by no other chain, and the products of a large maker by most. So the more of the
chain's other items of the same company, or with the same maker's name, have a master, the more probably an
item's best candidate is right. Chains differ in coverage, and no threshold on similarity accounts for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.snapshot.files import Masters, Tables
from gogobe.masters.snapshot.lexicon import company_of
from gogobe.masters.text.facts import Facts

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]
Groups = npt.NDArray[np.uint32]

FOUND_BY_NAME: Final = 0.75
"""About the share of items with a master whose best candidate by name is that master."""
UNKNOWN_SHARE: Final = 0.2
"""The share for a chain with too few known items: that of a chain with a large own label."""
_PRIOR: Final = 4.0  # pseudo-counts of the overall share
_LEAST: Final = 0.01


@dataclass(frozen=True)
class Coverage:
    """Counts by group of items: `groups` ascending, the `items` of each, and the `matched` ones among them (a
    sum of probabilities); the `overall` share of matched items of the chain; and the `keys` of the items that
    may be queries."""

    groups: Groups
    matched: Doubles
    items: Longs
    overall: float
    keys: Longs

    @classmethod
    def of(cls, groups: Groups, chances: Doubles, keys: Longs | None = None) -> Self:
        """The coverage of a chain's items: the group of each, 0 if it has none, and the probability
        (`chances`) that another chain sells it. `keys` are given if the items may be queries."""
        known, place = np.unique(groups, return_inverse=True)
        overall = float(chances.mean()) if len(chances) else UNKNOWN_SHARE
        matched = np.bincount(place, chances, len(known)).astype(np.float64)
        counts = np.bincount(place, minlength=len(known))
        asked = np.zeros(0, dtype=np.int64) if keys is None else keys
        return cls(known, matched, counts, max(overall, _LEAST), asked)

    @classmethod
    def unknown(cls) -> Self:
        """The coverage of an unknown chain."""
        return cls.of(np.zeros(0, dtype=np.uint32), np.zeros(0))

    def log_shares(self, groups: Groups, chances: Doubles, keys: Longs) -> Floats:
        """The logarithm of the share of each item's group, smoothed towards the overall share, without the
        item itself. `groups`, `chances` and `keys` (n,) are the items' as in `of`."""
        shares = np.full(len(groups), self.overall)
        if len(self.groups):
            place = np.minimum(np.searchsorted(self.groups, groups), len(self.groups) - 1)
            counted = (self.groups[place] == groups) & (groups != 0)
            itself = counted & np.isin(keys, self.keys)
            matched = np.where(counted, self.matched[place], 0.0) - np.where(itself, chances, 0.0)
            items = np.where(counted, self.items[place], 0) - itself
            shares = (np.maximum(matched, 0) + _PRIOR * self.overall) / (items + _PRIOR)
        logs: Floats = np.log(np.maximum(shares, _LEAST)).astype(np.float32)
        return logs


@dataclass(frozen=True)
class ChainCoverage:
    """A chain's coverage by the company prefix of its GTINs, and by the first word of the maker's name."""

    company: Coverage
    maker: Coverage

    @classmethod
    def unknown(cls) -> Self:
        """The coverage of an unknown chain."""
        return cls(Coverage.unknown(), Coverage.unknown())


def companies_of(tables: Tables, rows: Longs) -> Groups:
    """The company of the GTIN of each master in `rows`; 0 for a master without one, and for row -1."""
    known = rows >= 0
    ids = np.zeros(len(rows), dtype=np.int64)
    ids[known] = tables.masters[rows[known]]
    return company_of(np.where(ids < FIRST_COMPUTED_ID, ids, 0))


def makers_of(items: Facts) -> Groups:
    """The first word of each item's maker, 0 if it has none."""
    makers: Groups = items.brands[:, 0]
    return makers


def known_coverage(masters: Masters, chain: int) -> ChainCoverage:
    """The coverage of a chain in a snapshot, given the chain's hash, by the GTINs of its items."""
    tables = masters.tables
    names = np.flatnonzero(tables.name_chains == chain)
    rows = np.searchsorted(tables.starts, names, side="right") - 1
    numbered = tables.masters[rows] < FIRST_COMPUTED_ID
    names, rows = names[numbered], rows[numbered]
    if not len(names):
        return ChainCoverage.unknown()
    elsewhere = np.add.reduceat((tables.name_chains != chain).astype(np.int64), tables.starts[:-1])
    chances = np.where(elsewhere[rows] > 0, FOUND_BY_NAME, 0.0)
    return ChainCoverage(
        Coverage.of(companies_of(tables, rows), chances),
        Coverage.of(makers_of(masters.names.take(names)), chances),
    )
