"""Scores of items against clusters of goods without a usable barcode, over all names of a cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.agglomerate import UNCOMPARED
from gogobe.masters.clusters.contrast import name_keys
from gogobe.masters.clusters.pair_features import compare_names
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.codes.suffixes import code_relations
from gogobe.masters.matching.aggregate import Candidates
from gogobe.masters.snapshot.files import Masters
from gogobe.masters.text.arrays import run_starts
from gogobe.masters.text.facts import Facts

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ClusterScores:
    """The best cluster of each of n items.

    `masters` (n,) is its row, -1 for none; `scores` (n,) the probability of a match; `claimed` (n,) whether
    another item of the chain matches it better; `pairs` (n,) the place of the cluster's best name among the
    compared pairs. `features` and `relation` are of all compared pairs.
    """

    masters: Longs
    scores: Floats
    claimed: Bools
    pairs: Longs
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
    best = np.full(len(items), -1, dtype=np.int64)
    scores = np.zeros(len(items), dtype=np.float32)
    pairs = np.full(len(items), -1, dtype=np.int64)
    if not len(item_of):
        return ClusterScores(best, scores, scores > 0, pairs, features, relation)
    # Candidates are sorted by item, then master: a run for each cluster.
    begins = run_starts(item_of, candidates.masters)
    counts = np.diff(begins, append=len(item_of))
    run_of = np.repeat(np.arange(len(begins)), counts)
    means = np.add.reduceat(odds, begins) / counts
    order = np.lexsort((candidates.masters[begins], -means, item_of[begins]))
    asked, first = np.unique(item_of[begins[order]], return_index=True)
    runs = order[first]
    best[asked] = candidates.masters[begins[runs]]
    scores[asked] = model.scores(means[runs])
    by_odds = np.lexsort((-odds, run_of))
    pairs[asked] = by_odds[begins[runs]]
    return ClusterScores(best, scores, _claimed(best, scores, name_keys(items)), pairs, features, relation)


def _claimed(best: Longs, scores: Floats, keys: npt.NDArray[np.uint64]) -> Bools:
    """Whether another item matches the cluster better: a chain lists a product once, except under equivalent
    names."""
    order = np.lexsort((np.arange(len(best)), -scores, best))
    begins = run_starts(best[order])
    best_item = np.repeat(order[begins], np.diff(begins, append=len(order)))
    claimed = np.zeros(len(best), dtype=np.bool_)
    claimed[order] = keys[order] != keys[best_item]
    return claimed & (best >= 0)
