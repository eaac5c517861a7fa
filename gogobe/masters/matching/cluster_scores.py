"""Scores of items against clusters of goods without a usable barcode, over all names of a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.agglomerate import UNCOMPARED
from gogobe.masters.clusters.contrast import name_keys
from gogobe.masters.clusters.pair_features import compare_names
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.codes.suffixes import code_relations
from gogobe.masters.matching.aggregate import Candidates
from gogobe.masters.snapshot.files import Masters
from gogobe.masters.text.arrays import places_in_runs, run_starts
from gogobe.masters.text.facts import Facts

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


KEPT: Final = 3
"""How many clusters are kept for each item, the best first: what a review may ask about."""


@dataclass(frozen=True)
class ClusterScores:
    """The best clusters of each of n items, the best first: `masters` (n, KEPT) their rows, -1 for none;
    `scores` (n, KEPT) the probabilities of a match; `pairs` (n, KEPT) the place of each cluster's best name
    among the pairs compared; `claimed` (n,) whether another item of the chain matches the best cluster better.
    `features` and `relation` are of all compared pairs."""

    masters: Longs
    scores: Floats
    pairs: Longs
    claimed: Bools
    features: Floats
    relation: npt.NDArray[np.int8]


def score_clusters(
    items: Facts, numbers: Longs, candidates: Candidates, masters: Masters, model: PairModel
) -> ClusterScores:
    """Compare each item with all names of its candidate clusters. The score is that of the mean log odds."""
    item_of, name_of = candidates.items, candidates.names
    features = compare_names(items, item_of, masters.names, name_of, costs=masters.costs)
    relation = code_relations(numbers[item_of], masters.tables.name_numbers[name_of])
    odds = np.maximum(model.odds(features, relation), UNCOMPARED)
    best, pairs = np.full((2, len(items), KEPT), -1, dtype=np.int64)
    scores = np.zeros((len(items), KEPT), dtype=np.float32)
    if not len(item_of):
        return ClusterScores(best, scores, pairs, np.zeros(len(items), dtype=np.bool_), features, relation)
    # Candidates are sorted by item, then master: a run for each cluster.
    begins = run_starts(item_of, candidates.masters)
    counts = np.diff(begins, append=len(item_of))
    run_of = np.repeat(np.arange(len(begins)), counts)
    means = np.add.reduceat(odds, begins) / counts
    order = np.lexsort((candidates.masters[begins], -means, item_of[begins]))
    _, compared = np.unique(item_of[begins], return_counts=True)
    place = places_in_runs(compared)
    runs, place = order[place < KEPT], place[place < KEPT]
    kept = (item_of[begins[runs]], place)
    best[kept] = candidates.masters[begins[runs]]
    scores[kept] = model.scores(means[runs])
    pairs[kept] = np.lexsort((-odds, run_of))[begins[runs]]
    claimed = _claimed(best[:, 0], scores[:, 0], name_keys(items))
    return ClusterScores(best, scores, pairs, claimed, features, relation)


def _claimed(best: Longs, scores: Floats, keys: npt.NDArray[np.uint64]) -> Bools:
    """Whether another item matches the cluster better: a chain lists a product once, except under equivalent
    names."""
    order = np.lexsort((np.arange(len(best)), -scores, best))
    begins = run_starts(best[order])
    best_item = np.repeat(order[begins], np.diff(begins, append=len(order)))
    claimed = np.zeros(len(best), dtype=np.bool_)
    claimed[order] = keys[order] != keys[best_item]
    return claimed & (best >= 0)
