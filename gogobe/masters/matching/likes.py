"""Items compared with clusters of goods without a usable barcode, all names of a cluster together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.agglomerate import UNCOMPARED
from gogobe.masters.clusters.contrast import name_keys
from gogobe.masters.clusters.pair_features import compare_names
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.codes.tails import signs
from gogobe.masters.matching.aggregate import Candidates
from gogobe.masters.snapshot.files import Masters
from gogobe.masters.text.arrays import run_starts
from gogobe.masters.text.facts import Facts

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Likes:
    """What is likest to each of n items: `masters` (n,) the row of the cluster, -1 for none, `scores` (n,) the
    probability that it is the item's own, `taken` (n,) whether another item of the chain is likelier it, and
    `pairs` (n,) the place of its best name among those compared. `features` and `sign` are of all names
    compared."""

    masters: Longs
    scores: Floats
    taken: Bools
    pairs: Longs
    features: Floats
    sign: npt.NDArray[np.int8]


def judge_likes(
    items: Facts, numbers: Longs, candidates: Candidates, masters: Masters, model: PairModel
) -> Likes:
    """Compare each item with all names of its candidate clusters; the mean of their log odds decides."""
    item_of, name_of = candidates.items, candidates.names
    features = compare_names(items, item_of, masters.names, name_of, costs=masters.costs)
    sign = signs(numbers[item_of], masters.tables.name_numbers[name_of])
    odds = np.maximum(model.odds(features, sign), UNCOMPARED)
    best = np.full(len(items), -1, dtype=np.int64)
    scores = np.zeros(len(items), dtype=np.float32)
    pairs = np.full(len(items), -1, dtype=np.int64)
    if not len(item_of):
        return Likes(best, scores, scores > 0, pairs, features, sign)
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
    return Likes(best, scores, _taken(best, scores, name_keys(items)), pairs, features, sign)


def _taken(best: Longs, scores: Floats, keys: npt.NDArray[np.uint64]) -> Bools:
    """Whether another item is likelier to be the cluster: a chain lists a product once, unless the names say
    the same."""
    order = np.lexsort((np.arange(len(best)), -scores, best))
    begins = run_starts(best[order])
    likest = np.repeat(order[begins], np.diff(begins, append=len(order)))
    taken = np.zeros(len(best), dtype=np.bool_)
    taken[order] = keys[order] != keys[likest]
    return taken & (best >= 0)
