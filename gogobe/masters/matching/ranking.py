"""Ranking of the candidate masters of an item, and the features of the verdict on the first.

Similarity alone is not enough. Where another master scores nearly as high, the first may be its sibling. Where
another of the chain's items scores nearly as high for the master, that item may be the match. A second master
that another item matches better is no alternative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.matching.aggregate import MASTER_FEATURES, Competing
from gogobe.masters.snapshot.lexicon import Lexicon
from gogobe.masters.text.facts import Facts

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_OF_FIRST: Final = (
    "largest_brand_confirmed",
    "largest_size_same",
    "mean_odds_of_item_missing",
    "chains",
    "company_across_chains",
)
CHAIN_FEATURES: Final = ("second_ahead_of_chain", "ahead_of_all", "ahead_of_all_free")
"""Features from the chain's other items, as differences of log odds: the lead of the item over them at its
second master; its lead at its first master over all competing masters and items; and its lead over those
items and the second master alone, which counts only as far as no other item matches it better."""
COVERAGE_FEATURES: Final = ("company_coverage", "maker_coverage")
"""The logarithm of the share of the chain's items that other chains sell: of the items of the first master's
company, and of the items with the same maker (`coverage.py`)."""
VERDICT_FEATURES: Final = (
    "utility",
    "item_words",
    "item_has_brand",
    *_OF_FIRST,
    *COVERAGE_FEATURES,
    *CHAIN_FEATURES,
)
"""Features of an item, its first and its second master, and the other items of its chain."""
_FIRST_COLUMNS: Final = [MASTER_FEATURES.index(name) for name in _OF_FIRST]
FIRST_COVERAGE: Final = VERDICT_FEATURES.index(COVERAGE_FEATURES[0])
"""The column from which on VERDICT_FEATURES are COVERAGE_FEATURES."""
FIRST_CHAIN_FEATURE: Final = len(VERDICT_FEATURES) - len(CHAIN_FEATURES)
"""The column of VERDICT_FEATURES at which CHAIN_FEATURES start."""
_FARTHEST: Final = np.float32(6)  # log odds at which differences are clipped
_FAR: Final = np.float32(3)


@dataclass(frozen=True)
class Ranked:
    """For each of n items its first and second master, as places in what competes, -1 for none; their
    `utilities` (n, 2), -inf for none; `others` (n,) the log of the summed odds of all masters but the first;
    and `features` (n, VERDICT_FEATURES), with 0 in those of the chain's other items."""

    first: Rows
    second: Rows
    utilities: Floats
    others: Floats
    features: Floats

    def ahead_of_second(self, item: int) -> float:
        """By how much an item's first master is ahead of its second; infinite where there is no second."""
        first, second = self.utilities[item].tolist()
        return float(first - second)


@dataclass(frozen=True)
class Rivals:
    """A chain's other items at one master of each of n items: `best` (n,) is the highest utility,
    `altogether` (n,) the log of their summed odds; -inf if there are none.

    Utilities are comparable between the masters of one item. Between items they are only a rough measure,
    since longer names have higher ones; the verdict's weights account for that.
    """

    best: Floats
    altogether: Floats


def rank(count: int, competing: Competing, utilities: Floats, *, items: Facts, lexicon: Lexicon) -> Ranked:
    """Rank the masters that compete for each of `count` items by their `utilities`, one per competing
    master."""
    first, second = np.full((2, count), -1, dtype=np.int64)
    both = np.full((count, 2), -np.inf, dtype=np.float32)
    others = np.full(count, -np.inf, dtype=np.float32)
    features = np.zeros((count, len(VERDICT_FEATURES)), dtype=np.float32)
    if not len(competing):
        return Ranked(first, second, both, others, features)
    order = np.lexsort((competing.masters, -utilities, competing.items))
    asked, at = np.unique(competing.items[order], return_index=True)
    end = np.append(at[1:], len(order))
    several = at + 1 < end
    first[asked] = order[at]
    second[asked[several]] = order[at[several] + 1]
    both[asked, 0] = utilities[first[asked]]
    both[asked[several], 1] = utilities[second[asked[several]]]
    others[asked] = _log_of_rest(utilities[order], at)

    words = np.concatenate([items.words[asked], items.brands[asked]], axis=1)
    _, owned = lexicon.ownership(words)
    features[asked, :FIRST_COVERAGE] = np.column_stack(
        [
            both[asked, 0],
            items.word_counts()[asked],
            owned.max(axis=1),
            competing.features[first[asked]][:, _FIRST_COLUMNS],
        ]
    )
    return Ranked(first, second, both, others, features)


def _log_of_rest(utilities: Floats, starts: Rows) -> Floats:
    """For runs of utilities from `starts`, highest first: the log of the summed odds of all but the first."""
    largest = utilities[starts]
    lengths = np.diff(starts, append=len(utilities))
    odds = np.exp(utilities - np.repeat(largest, lengths))
    odds[starts] = 0
    rest: Floats = (largest + np.log(np.maximum(np.add.reduceat(odds, starts), 1e-6))).astype(np.float32)
    return rest


def chain_features(ranked: Ranked, rows: Rows, at_first: Rivals, at_second: Rivals) -> Floats:
    """CHAIN_FEATURES of the items in `rows`, given their rivals at their first and second master."""
    first, second = ranked.utilities[rows, 0], ranked.utilities[rows, 1]
    has_second = ranked.second[rows] >= 0
    second_ahead = np.full(len(rows), -_FARTHEST)
    second_ahead[has_second] = second[has_second] - at_second.best[has_second]
    free = np.full(len(rows), -np.inf)
    free[has_second] = 2 * second[has_second] - np.logaddexp(second, at_second.altogether)[has_second]
    return np.column_stack(
        [
            np.clip(second_ahead, -_FARTHEST, _FARTHEST),
            np.clip(first - np.logaddexp(ranked.others[rows], at_first.altogether), -_FAR, _FAR),
            np.clip(first - np.logaddexp(at_first.altogether, free), -_FAR, _FAR),
        ]
    ).astype(np.float32)


def chain_features_without_rivals(ranked: Ranked, rows: Rows) -> Floats:
    """CHAIN_FEATURES of the items in `rows` in the best case: no other item of the chain competes for the
    first master, and the second belongs to another item."""
    none = np.full(len(rows), -np.inf, dtype=np.float32)
    claimed = np.full(len(rows), np.inf, dtype=np.float32)
    return chain_features(ranked, rows, Rivals(none, none), Rivals(claimed, claimed))


def chain_features_unknown(ranked: Ranked, rows: Rows) -> Floats:
    """CHAIN_FEATURES of the items in `rows` if too little is known of their chain: as if another item scored
    the same at either master."""
    first, second = ranked.utilities[rows, 0], ranked.utilities[rows, 1]
    return chain_features(ranked, rows, Rivals(first, first), Rivals(second, second))
