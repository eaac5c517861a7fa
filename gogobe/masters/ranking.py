"""From compared pairs to one verdict an item: which master ranks first, and what speaks for taking it.

A candidate is one name of a master, and a master often has several, one from each chain. Words are held
against all of a master's names together, and its score against that of the masters it competes with: where
another comes near, the first is likely its sibling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.facts import Facts
from gogobe.masters.lexicon import Lexicon
from gogobe.masters.pairs import FEATURES, Comparison
from gogobe.masters.snapshot import Tables

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_OF_MASTER: Final = (
    "ahead_of_second",  # how far its score is above the next master's, at most 3
    "mean_score_of_names",
    "item_word_missing_most",  # in all of the master's names together, by rarity and by how surely it is kept
    "company_across_chains",  # what part of its company's other masters several chains sell
)
_OF_PAIR: Final = ("brand_shared", "brand_confirmed", "size_same")
VERDICT_FEATURES: Final = (*_OF_MASTER, *_OF_PAIR, "ahead_of_chain")
"""Features of an item's first master, of its best name, and of what else the item's chain sells."""
AHEAD_OF_CHAIN: Final = VERDICT_FEATURES.index("ahead_of_chain")
LARGEST_LEAD: Final = 1.5
_PAIR_COLUMNS: Final = [FEATURES.index(name) for name in _OF_PAIR]
_LARGEST_LEAD_OF_MASTER: Final = 3.0


@dataclass(frozen=True)
class Candidates:
    """The pairs of a batch: pair i is item `items[i]` with `names[i]`, a row of the candidates' facts, which is
    one of master `masters[i]`. Pairs are sorted by item, then master."""

    items: Rows
    names: Rows
    masters: Rows


@dataclass(frozen=True)
class Verdicts:
    """For each of n items the best master and why: `masters` (rows, -1 where there is no candidate), `pair` its
    best name's, `scores` that name's score, `features` (n, verdict features), that of the chain's other items
    still 0."""

    masters: Rows
    pair: Rows
    scores: Floats
    features: Floats


def rank(
    count: int,
    candidates: Candidates,
    scores: Floats,
    comparison: Comparison,
    *,
    items: Facts,
    names: Facts,
    lexicon: Lexicon,
    tables: Tables,
) -> Verdicts:
    """Rank the masters of each of `count` items by their best name's score."""
    verdicts = Verdicts(
        masters=np.full(count, -1, dtype=np.int64),
        pair=np.full(count, -1, dtype=np.int64),
        scores=np.zeros(count, dtype=np.float32),
        features=np.zeros((count, len(VERDICT_FEATURES)), dtype=np.float32),
    )
    if not len(scores):
        return verdicts
    boundary = np.ones(len(scores), dtype=np.bool_)
    boundary[1:] = np.diff(candidates.items).astype(bool) | np.diff(candidates.masters).astype(bool)
    groups = np.flatnonzero(boundary)
    group_item, group_master = candidates.items[groups], candidates.masters[groups]
    best = np.maximum.reduceat(scores, groups)
    group_of = np.cumsum(boundary) - 1
    by_score = np.lexsort((-scores, group_of))
    best_pair = by_score[groups]

    order = np.lexsort((group_master, -best, group_item))
    answered, at = np.unique(group_item[order], return_index=True)
    last = np.append(at[1:], len(order))
    first = order[at]
    has_second = at + 1 < last
    second = order[np.minimum(at + 1, last - 1)]
    verdicts.masters[answered] = group_master[first]
    verdicts.pair[answered] = best_pair[first]

    ahead = np.where(has_second, best[first] - best[second], np.float32(_LARGEST_LEAD_OF_MASTER))
    sizes = np.diff(groups, append=len(scores))
    verdicts.features[answered] = np.column_stack(
        [
            np.minimum(ahead, _LARGEST_LEAD_OF_MASTER),
            (np.add.reduceat(scores, groups) / sizes)[first],
            _word_missing(candidates, comparison, groups, first, items=items, names=names, lexicon=lexicon),
            np.log(tables.company_across[group_master[first]]),
            comparison.features[best_pair[first]][:, _PAIR_COLUMNS],
            np.zeros(len(first)),
        ]
    )
    verdicts.scores[answered] = best[first]
    return verdicts


def _word_missing(
    candidates: Candidates,
    comparison: Comparison,
    groups: Rows,
    first: Rows,
    *,
    items: Facts,
    names: Facts,
    lexicon: Lexicon,
) -> Floats:
    """For each first group how much the word tells that all its names lack most: most does a rare one, that is
    in every chain's name of a product that has it, and that is not the brand."""
    found = np.maximum.reduceat(comparison.item_found, groups, axis=0)[first]
    words = items.words[candidates.items[groups[first]]]
    companies = names.company[candidates.names[groups[first]]]
    kept = lexicon.kept_of(words) * (1 - lexicon.share_of(words, companies))
    missing: Floats = (lexicon.rarity_of(words) * kept * (1 - found)).max(axis=1)
    return missing
