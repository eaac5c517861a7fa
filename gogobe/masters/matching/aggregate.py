"""Aggregation of pair features by master: one row of features for an item and all names of a master.

A master has a name from each chain that sells it. One name may be cut short, another may lack the brand. So
each feature is aggregated by its maximum and by its mean, and a word of the item is missing only if no name
has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.matching.features import FEATURES, Comparison
from gogobe.masters.snapshot.files import Tables
from gogobe.masters.snapshot.lexicon import Lexicon
from gogobe.masters.text.facts import Facts

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_OF_MASTER: Final = (
    "odds_of_words_altogether",  # summed log odds of the item's words that any of the master's names has
    "odds_of_missing_altogether",  # summed log odds of words that no name has
    "worst_missing_altogether",  # the minimum over words that no name has
    "chains",  # the share of all chains that sell the master
    "company_across_chains",  # log of the share of its company's other masters that several chains sell
)
MASTER_FEATURES: Final = (
    *(f"largest_{name}" for name in FEATURES),
    *(f"mean_{name}" for name in FEATURES),
    *_OF_MASTER,
)
"""Features of an item and a master: the maximum and the mean over its names, and features of all names
together."""


@dataclass(frozen=True)
class Candidates:
    """The pairs of a batch: pair i is item `items[i]` with `names[i]`, a row of the candidates' facts and a
    name of master `masters[i]`. Pairs are sorted by item, then master."""

    items: Rows
    names: Rows
    masters: Rows


@dataclass(frozen=True)
class Competing:
    """k masters that compete for items, in the order of item and master: item `items[i]` (a row) with master
    `masters[i]` (a row), whose names are the pairs from `starts[i]`; `features` are (k, MASTER_FEATURES)."""

    items: Rows
    masters: Rows
    starts: Rows
    features: Floats

    def __len__(self) -> int:
        return len(self.items)


def aggregate_names(
    candidates: Candidates, comparison: Comparison, items: Facts, *, lexicon: Lexicon, tables: Tables
) -> Competing:
    """Aggregate the features of names by master; `candidates.items` are rows of the facts `items`."""
    features = comparison.features
    if not len(features):
        nothing = np.zeros(0, dtype=np.int64)
        return Competing(nothing, nothing, nothing, np.zeros((0, len(MASTER_FEATURES)), dtype=np.float32))
    boundary = np.ones(len(features), dtype=np.bool_)
    boundary[1:] = np.diff(candidates.items).astype(bool) | np.diff(candidates.masters).astype(bool)
    starts = np.flatnonzero(boundary)
    item_of, master_of = candidates.items[starts], candidates.masters[starts]
    names = np.diff(starts, append=len(features)).astype(np.float32)

    found = np.maximum.reduceat(comparison.item_found, starts, axis=0)
    odds_found, odds_missing = lexicon.odds_of(items.words[item_of], found)
    of_master = np.column_stack(
        [
            odds_found.sum(axis=1),
            odds_missing.sum(axis=1),
            odds_missing.min(axis=1, initial=0),
            tables.chains[master_of],
            np.log(tables.company_across[master_of]),
        ]
    )
    aggregated = np.concatenate(
        [
            np.maximum.reduceat(features, starts, axis=0),
            np.add.reduceat(features, starts, axis=0) / names[:, None],
            of_master,
        ],
        axis=1,
    )
    return Competing(item_of, master_of, starts, aggregated.astype(np.float32))
