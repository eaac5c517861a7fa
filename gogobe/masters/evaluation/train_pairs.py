"""Training of the pair model without labels.

Positive examples are pairs of two chains with related codes (a GTIN of goods sold by weight, or the end of a
supplier's number), and pairs with the same words, unique in either chain. A chain lists a product once, so
pairs of its own listings are negative, and so are a chain's other listings next to a match. Self-training
follows: pairs that are each other's best by a margin are positive in the next round (Yarowsky 1995).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.build import learn_encoder
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.cluster import listings_of, loose_rows, word_costs_of
from gogobe.masters.build.gather import gather
from gogobe.masters.build.shared_qualities import share_qualities
from gogobe.masters.clusters.contrast import learn_word_costs
from gogobe.masters.clusters.listings import Listings, Pairs, neighbours
from gogobe.masters.clusters.pair_features import DIRECTIONS, PAIR_FEATURES, compare_names
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.codes.suffixes import CODE_RELATIONS, UNRELATED, code_relations
from gogobe.masters.models.logistic import Logistic, fit_logistic
from gogobe.masters.snapshot.word_costs import WordCosts

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Longs = npt.NDArray[np.int64]

_ROUNDS: Final = 6
_SIBLING_COUNTS: Final = 0.3  # weight of a pair of one chain as an example; a pair of two chains has 1
_TAKEN_FROM: Final = -0.5  # minimum log odds of a positive pair
_AHEAD: Final = 0.7  # and its minimum lead over its rivals
_RIDGE: Final = 2.0
_MAX_CODE_WEIGHT: Final = 8.0
_FARTHEST: Final = 8.0  # scores are clipped at it
_NOTHING: Final = -20.0
JOIN_FROM: Final = 0.8
REVIEW_FROM: Final = -1.7


@dataclass(frozen=True)
class _Examples:
    """Pairs of two chains' listings, and pairs of one chain's (`siblings`), with their features."""

    pairs: Pairs
    features: Floats
    siblings: Floats
    chains: Longs
    same_words: Bools
    relation: npt.NDArray[np.int8]

    def same_code(self) -> Bools:
        said: Bools = self.relation != UNRELATED
        return said


def learn_pairs_of(rows: Iterable[CatalogueRow]) -> PairModel:
    """Fit a model to the goods without a usable barcode among the rows. Raises ValueError as `learn_pairs`."""
    names = gather(rows)
    rows = loose_rows(names)
    names = share_qualities(names, rows)
    listings = listings_of(names, rows, learn_encoder(names))
    return learn_pairs(listings, word_costs_of(names, listings))


def learn_pairs(listings: Listings, costs: WordCosts | None = None) -> PairModel:
    """Fit a model to listings of several chains. Word costs are learned from the listings unless given.
    Deterministic. Raises ValueError if no two chains' listings seem to be one product."""
    costs = costs or learn_word_costs(listings.facts, listings.chains)
    examples = _examples(listings, costs)
    name_model, taken = _fit_names(examples)
    calibrated = _calibrate(name_model, examples, taken)
    odds = calibrated.logits(examples.features)
    return PairModel(calibrated, _weigh_relations(odds, examples.relation), JOIN_FROM, REVIEW_FROM)


def _examples(listings: Listings, costs: WordCosts) -> _Examples:
    _, chains = np.unique(listings.chains, return_inverse=True)
    found = neighbours(listings)
    across = chains[found.first] != chains[found.second]
    pairs, within = found.take(across), found.take(~across)
    keys = listings.keys
    others = within.take(keys[within.first] != keys[within.second])
    facts = listings.facts
    return _Examples(
        pairs=pairs,
        features=compare_names(facts, pairs.first, facts, pairs.second, costs=costs),
        siblings=compare_names(facts, others.first, facts, others.second, costs=costs),
        chains=chains,
        same_words=keys[pairs.first] == keys[pairs.second],
        relation=code_relations(listings.numbers[pairs.first], listings.numbers[pairs.second]),
    )


def _fit_names(examples: _Examples) -> tuple[Logistic, Bools]:
    """The model of names, and which pairs are positive in the end."""
    pairs, same_words, same_code = examples.pairs, examples.same_words, examples.same_code()
    price = examples.features[:, PAIR_FEATURES.index("price_apart")].astype(np.float64)
    scores = np.where(same_words | same_code, 20.0 * same_code + 10.0 - price, _NOTHING)
    rivals = _best_rivals(pairs, examples.chains, scores)
    taken: Bools = (same_words & (scores > rivals)) | same_code
    if not taken.any():
        raise ValueError("no two chains list goods without a barcode under the same words or numbers")
    for _ in range(_ROUNDS):
        others = ~taken & ~same_words & _rivals_of_matches(examples, taken)
        used = taken | others
        name_model = fit_logistic(
            np.concatenate([examples.features[used], examples.siblings]),
            np.concatenate([taken[used], np.zeros(len(examples.siblings), dtype=np.bool_)]),
            np.concatenate([np.ones(used.sum()), np.full(len(examples.siblings), _SIBLING_COUNTS)]),
            ridge=_RIDGE,
            directions=DIRECTIONS,
        )
        scores = name_model.logits(examples.features)
        rivals = _best_rivals(pairs, examples.chains, scores)
        taken = ((scores > _TAKEN_FROM) & (scores - rivals > _AHEAD)) | same_code
    return name_model, taken


def _rivals_of_matches(examples: _Examples, taken: Bools) -> Bools:
    """Pairs of which one listing matches another listing of the other's chain."""
    pairs, chains = examples.pairs, examples.chains
    count = int(chains.max()) + 1
    first, second = pairs.first * count + chains[pairs.second], pairs.second * count + chains[pairs.first]
    matched = np.unique(np.concatenate([first[taken], second[taken]]))
    beside: Bools = np.isin(first, matched) | np.isin(second, matched)
    return beside


def _calibrate(name_model: Logistic, examples: _Examples, taken: Bools) -> Logistic:
    """The same weights, scaled to log odds: those of the positive pairs, against the best remaining pairs
    without the other chain's matching listing, as if that chain did not sell the product."""
    scores = name_model.logits(examples.features)
    left = ~taken
    rivals = _best_rivals(examples.pairs.take(left), examples.chains, scores[left])
    best_left = (scores[left] >= rivals) & (_rivals_of_matches(examples, taken) & ~examples.same_words)[left]
    values = np.concatenate([scores[taken], scores[left][best_left]])
    labels = np.concatenate([np.ones(taken.sum(), np.bool_), np.zeros(best_left.sum(), np.bool_)])
    scale = fit_logistic(np.clip(values, -_FARTHEST, _FARTHEST).astype(np.float32)[:, None], labels)
    slope = float(scale.weights[0])
    return Logistic(name_model.weights * slope, name_model.intercept * slope + scale.intercept)


def _best_rivals(pairs: Pairs, chains: Longs, scores: Doubles) -> Doubles:
    """For each pair of listings, the best score of either with another listing of the other's chain; _NOTHING
    if there is none."""
    count = int(chains.max(initial=0)) + 1
    rivals = np.full(len(scores), _NOTHING)
    for one, other in ((pairs.first, pairs.second), (pairs.second, pairs.first)):
        groups = one * count + chains[other]
        order = np.lexsort((-scores, groups))
        begins = np.flatnonzero(np.append(True, np.diff(groups[order]) != 0)) if len(order) else order
        lengths = np.diff(begins, append=len(order))
        several = lengths > 1
        next_best = np.full(len(begins), _NOTHING)
        next_best[several] = scores[order[begins[several] + 1]]
        against = np.repeat(scores[order[begins]], lengths)
        against[begins] = next_best
        of_pair = np.empty(len(order))
        of_pair[order] = against
        rivals = np.maximum(rivals, of_pair)
    return rivals


def _weigh_relations(odds: Doubles, relation: npt.NDArray[np.int8]) -> Doubles:
    """The log odds that each code relation adds: the share of its pairs that are one product by their names,
    against the share among all pairs."""
    base = float(np.mean(1 / (1 + np.exp(-odds))))
    weights = np.zeros(len(CODE_RELATIONS))
    for place in range(1, len(CODE_RELATIONS)):
        own = odds[relation == place]
        if not len(own):
            continue
        part = 0.5
        for _ in range(50):
            shifted = own - np.log(base / (1 - base)) + np.log(part / (1 - part))
            part = float((np.sum(1 / (1 + np.exp(-shifted))) + 0.5) / (len(own) + 1))
        weights[place] = np.clip(np.log(part / (1 - part)) - np.log(base / (1 - base)), 0, _MAX_CODE_WEIGHT)
    return weights
