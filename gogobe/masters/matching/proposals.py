"""Proposals: the masters that an item may be, with the evidence, good enough for a person to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gogobe.masters.clusters.reasons import pair_reasons
from gogobe.masters.matching.aggregate import MASTER_FEATURES
from gogobe.masters.matching.cluster_scores import KEPT
from gogobe.masters.matching.features import FEATURES
from gogobe.masters.matching.model import Model
from gogobe.masters.matching.queries import MatchResults
from gogobe.masters.matching.reasons import reasons_for


@dataclass(frozen=True)
class Proposal:
    """One master: its row, the row of its name that is most similar to the item's, the probability that it is
    the item's master, and the reasons."""

    master: int
    name: int
    score: float
    reasons: list[str]


def proposals_for(results: MatchResults, place: int, model: Model) -> list[Proposal]:
    """The proposals for one of the items, the best first, at most KEPT: the best master, then clusters of goods
    without a usable barcode. None has a score below that of a review."""
    best = _best(results, place, model)
    if best is None:
        return []
    return [best, *(one for one in _clusters(results, place, model) if one.master != best.master)][:KEPT]


def _best(results: MatchResults, place: int, model: Model) -> Proposal | None:
    if results.is_cluster[place]:
        return next(_clusters(results, place, model), None)
    master, score = int(results.masters[place]), float(results.scores[place])
    if master < 0 or score < model.review_from:
        return None
    name = results.compared.candidates.names[results.pairs[place]]
    return Proposal(master, int(name), score, _reasons(results, place))


def _clusters(results: MatchResults, place: int, model: Model) -> Iterator[Proposal]:
    """The best clusters of one of the items, the best first."""
    clusters = results.clusters
    for master, score, pair in zip(
        clusters.masters[place].tolist(),
        clusters.scores[place].tolist(),
        clusters.pairs[place].tolist(),
        strict=True,
    ):
        if master >= 0 and score >= model.pairs.review_score:
            reasons = pair_reasons(clusters.features[pair], int(clusters.relation[pair]))
            yield Proposal(master, int(results.compared.clusters.names[pair]), score, reasons)


def _reasons(results: MatchResults, place: int) -> list[str]:
    pair, first = int(results.pairs[place]), int(results.ranked.first[place])
    features = {
        **dict(zip(FEATURES, results.compared.comparison.features[pair].tolist(), strict=True)),
        **dict(zip(MASTER_FEATURES, results.compared.competing.features[first].tolist(), strict=True)),
        "ahead_of_second": results.ranked.ahead_of_second(place),
    }
    return reasons_for(features)
