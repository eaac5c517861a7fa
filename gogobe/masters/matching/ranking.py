"""From competing masters to one verdict an item: which master ranks first, and what speaks for taking it.

Being alike is not enough: where another master comes near, the first is likely its sibling, and where another
of the chain's items comes near, that one is likelier the master's. A second master that another item is
likelier to be is no alternative: it is spoken for.
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
BESIDE_CHAIN: Final = ("second_ahead_of_chain", "ahead_of_all", "ahead_of_all_free")
"""What depends on the chain's other items, in the logarithm of odds: how far the item is ahead of them at its
second master; how far ahead at its first of all masters and items that compete, together; and of those items
and its second master alone, counted only if no other item is more likely to be that master."""
VERDICT_FEATURES: Final = ("utility", "item_words", "item_has_brand", *_OF_FIRST, *BESIDE_CHAIN)
"""Features of an item, its first master, its second, and of what else the item's chain sells."""
_FIRST_COLUMNS: Final = [MASTER_FEATURES.index(name) for name in _OF_FIRST]
BESIDE: Final = len(VERDICT_FEATURES) - len(BESIDE_CHAIN)
"""The column from which on VERDICT_FEATURES are those of BESIDE_CHAIN."""
_FARTHEST: Final = np.float32(6)  # beyond it, in the logarithm of odds, it makes no difference any more
_FAR: Final = np.float32(3)


@dataclass(frozen=True)
class Ranked:
    """For each of n items its first and second master: places in what competes, -1 for none; their `utilities`
    (n, 2), -inf for none; `others` (n,) the logarithm of the summed odds of all masters but the first; and
    `features` (n, VERDICT_FEATURES), those of the chain's other items still 0."""

    first: Rows
    second: Rows
    utilities: Floats
    others: Floats
    features: Floats


@dataclass(frozen=True)
class Rivals:
    """A chain's other items at one master of each of n items: `best` (n,) is the utility of the likeliest,
    `altogether` (n,) the logarithm of their summed odds; -inf where there are none.

    Utilities are odds between the masters of one item. Between items they are only a measure, longer names
    having larger ones; the verdict learns what it is worth.
    """

    best: Floats
    altogether: Floats


def rank(count: int, competing: Competing, utilities: Floats, *, items: Facts, lexicon: Lexicon) -> Ranked:
    """Rank the masters that compete for each of `count` items by their utility (one for each that competes)."""
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
    features[asked, :BESIDE] = np.column_stack(
        [
            both[asked, 0],
            items.word_counts()[asked],
            owned.max(axis=1),
            competing.features[first[asked]][:, _FIRST_COLUMNS],
        ]
    )
    return Ranked(first, second, both, others, features)


def _log_of_rest(utilities: Floats, starts: Rows) -> Floats:
    """Of runs of utilities from `starts` on, largest first: the log of the summed odds of all but the first."""
    largest = utilities[starts]
    lengths = np.diff(starts, append=len(utilities))
    odds = np.exp(utilities - np.repeat(largest, lengths))
    odds[starts] = 0
    rest: Floats = (largest + np.log(np.maximum(np.add.reduceat(odds, starts), 1e-6))).astype(np.float32)
    return rest


def beside_chain(ranked: Ranked, rows: Rows, at_first: Rivals, at_second: Rivals) -> Floats:
    """The features BESIDE_CHAIN of the items in `rows`, given their rivals at their first and second master."""
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


def without_rivals(ranked: Ranked, rows: Rows) -> Floats:
    """The features BESIDE_CHAIN of the items in `rows` at best: nothing else of the chain comes near their
    first master, and their second is another item's."""
    no_rival = np.full(len(rows), -np.inf, dtype=np.float32)
    taken = np.full(len(rows), np.inf, dtype=np.float32)
    return beside_chain(ranked, rows, Rivals(no_rival, no_rival), Rivals(taken, taken))


def unknown_rivals(ranked: Ranked, rows: Rows) -> Floats:
    """The features BESIDE_CHAIN of the items in `rows` where too little is known of their chain: as if another
    of its items came as near to either master."""
    first, second = ranked.utilities[rows, 0], ranked.utilities[rows, 1]
    return beside_chain(ranked, rows, Rivals(first, first), Rivals(second, second))
