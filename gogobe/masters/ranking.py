"""From compared pairs to one verdict an item: which master ranks first, and what speaks for taking it.

A candidate is one name of a master, and a master often has several, one from each chain. Words are held
against all of a master's names together, and against the masters it competes with: where another candidate has
the very word that the first one lacks ("zero", "mango"), the first is likely its sibling.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.facts import Facts
from gogobe.masters.lexicon import Lexicon
from gogobe.masters.pairs import FEATURES, Comparison

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

_ACROSS: Final = (
    "score",
    "ahead_of_second",
    "ahead_of_second_capped",
    "crowd",  # ln of the sum over all candidates of e**(score - first)
    "mean_score_of_names",
    "least_score_of_names",
    "item_words_missing",  # in all of the master's names together, by rarity and by how surely they are kept
    "item_word_missing_most",
    "master_words_missing",  # of the master's name that fits best
    "master_words_missing_mean",
    "rival_has_missing",  # another candidate has the word that this one lacks
    "rival_lacks_surplus",  # another candidate does without the word that this one has and the item does not
    "sold_by_one_chain",
    "sold_by_two_chains",
    "company_across_chains",  # what part of its company's other masters several chains sell
)
VERDICT_FEATURES: Final = (*_ACROSS, *FEATURES)
_RIVALS_WITHIN: Final = 6.0  # candidates scored lower than this below the first are no rivals


@dataclass(frozen=True)
class Candidates:
    """The pairs of a batch: pair i is item `items[i]` with `names[i]`, a row of the candidates' facts, which is
    one of master `masters[i]`. Pairs are sorted by item, then master."""

    items: Rows
    names: Rows
    masters: Rows


@dataclass(frozen=True)
class Reach:
    """How widely masters are sold, by master: `chains` that sell it, and the part of its company's other
    masters that more than one chain sells (`company_across`)."""

    chains: Floats
    company_across: Floats


@dataclass(frozen=True)
class Verdicts:
    """For each of n items the best master and why: `master` (-1 where there is no candidate), `pair` that of
    its best name, `second` the next master (-1 if none), `features` (n, verdict features)."""

    master: Rows
    pair: Rows
    second: Rows
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
    reach: Reach,
) -> Verdicts:
    """Rank the masters of each of `count` items by their best name's score."""
    verdicts = Verdicts(
        master=np.full(count, -1, dtype=np.int64),
        pair=np.full(count, -1, dtype=np.int64),
        second=np.full(count, -1, dtype=np.int64),
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
    verdicts.master[answered] = group_master[first]
    verdicts.pair[answered] = best_pair[first]
    verdicts.second[answered] = np.where(has_second, group_master[second], -1)

    first_score = np.full(count, -np.inf, dtype=np.float32)
    first_score[answered] = best[first]
    ahead = np.where(has_second, best[first] - best[second], np.float32(10.0))
    crowd = np.log(np.add.reduceat(np.exp(best[order] - first_score[group_item[order]]), at))
    sizes = np.diff(groups, append=len(scores))
    mean = np.add.reduceat(scores, groups) / sizes
    least = np.minimum.reduceat(scores, groups)
    words = _word_evidence(
        candidates, comparison, groups, first, best >= first_score[group_item] - _RIVALS_WITHIN,
        items=items, names=names, lexicon=lexicon, best_pair=best_pair,
    )  # fmt: skip
    chains = reach.chains[group_master[first]]
    verdicts.features[answered] = np.column_stack(
        [
            best[first],
            ahead,
            np.minimum(ahead, 3.0),
            crowd,
            mean[first],
            least[first],
            *words,
            chains == 1,
            chains == 2,
            np.log(reach.company_across[group_master[first]]),
            comparison.features[best_pair[first]],
        ]
    )
    return verdicts


def _word_evidence(
    candidates: Candidates,
    comparison: Comparison,
    groups: Rows,
    first: Rows,
    rival: npt.NDArray[np.bool_],
    *,
    items: Facts,
    names: Facts,
    lexicon: Lexicon,
    best_pair: Rows,
) -> list[Floats]:
    """What the words say of each first group, all its names taken together and its rivals beside it."""
    found = np.maximum.reduceat(comparison.item_found, groups, axis=0)
    group_item = candidates.items[groups]
    item_of = group_item[first]
    item_words = items.words[item_of]
    top = best_pair[first]
    company = names.company[candidates.names[top]]
    weight = lexicon.rarity_of(item_words) * lexicon.kept_of(item_words)
    missing = weight * (1 - found[first]) * (1 - lexicon.share_of(item_words, company))

    # For each pair, how much of the candidate's name the item lacks, by rarity and how surely it is kept.
    name_words = names.words[candidates.names]
    name_weight = lexicon.rarity_of(name_words) * lexicon.kept_of(name_words)
    name_weight *= 1 - lexicon.share_of(name_words, names.company[candidates.names])
    surplus = (name_weight * (1 - comparison.candidate_found)).sum(axis=1)
    sizes = np.diff(groups, append=len(surplus))
    mean_surplus = np.add.reduceat(surplus, groups) / sizes

    items_with = np.full(int(candidates.items.max()) + 1, -1, dtype=np.int64)
    items_with[item_of] = np.arange(len(first))
    owner = items_with[group_item]
    is_rival = rival.copy()
    is_rival[first] = False
    rivals_found = np.zeros_like(missing)
    np.maximum.at(rivals_found, owner[is_rival], found[is_rival])
    least_surplus = np.full(len(first), np.inf, dtype=np.float32)
    group_surplus = np.minimum.reduceat(surplus, groups)
    np.minimum.at(least_surplus, owner[is_rival], group_surplus[is_rival])
    return [
        missing.sum(axis=1),
        missing.max(axis=1),
        surplus[top],
        mean_surplus[first],
        (missing * rivals_found).max(axis=1),
        np.clip(surplus[top] - least_surplus, 0, None),
    ]
