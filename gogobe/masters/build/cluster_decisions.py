"""The decisions about clusters: why a listing is in its cluster, and which clusters go to review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.cluster_ids import members_of
from gogobe.masters.build.gather import CatalogueNames
from gogobe.masters.clusters.agglomerate import UNCOMPARED
from gogobe.masters.clusters.listings import Listings, Pairs
from gogobe.masters.clusters.pair_features import compare_names
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.clusters.reasons import pair_reasons
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.snapshot.word_costs import WordCosts
from gogobe.masters.text.arrays import run_starts

Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class ScoredPairs:
    """Listings, and pairs of them with the `relation` of their codes and the log odds that they are one
    product. `costs` are those of the listings' words."""

    listings: Listings
    costs: WordCosts
    pairs: Pairs
    relation: npt.NDArray[np.int8]
    odds: Doubles


class _Found(NamedTuple):
    """A decision without its texts: a listing, its own master, the candidate, the pair that is the reason,
    and the log odds."""

    listing: int
    match: Literal["vector", "review"]
    own_id: int
    candidate_id: int
    pair: int
    odds: float


def decide(
    names: CatalogueNames, rows: Longs, ids: Longs, scored: ScoredPairs, model: PairModel
) -> dict[int, list[Decision]]:
    """The decisions about each code that is no GTIN, by its key: why its listing has another id than its own,
    and what is asked about its cluster. `rows` are the listings' rows of `names`, `ids` their clusters."""
    inside = ids[scored.pairs.first] == ids[scored.pairs.second]
    open_to = (names.keys[rows] >= FIRST_COMPUTED_ID) & ~names.assigned[rows]
    found = [*_joined(names.keys[rows], ids, scored, inside), *_asked(ids, scored, inside, open_to, model)]
    found = [one for one in found if open_to[one.listing]]
    titles = _titles(ids, scored, inside)
    reasons = _reasons(scored, [one.pair for one in found])
    decisions: dict[int, list[Decision]] = {}
    for one in found:
        row = int(rows[one.listing])
        chain_id, item_code = names.sources[row]
        decision = Decision(
            match=one.match,
            chain_id=chain_id,
            item_code=item_code,
            item_name=_label(names, row),
            own_master_id=one.own_id,
            candidate_id=one.candidate_id,
            candidate_name=_label(names, int(rows[titles[one.candidate_id]])),
            score=float(model.scores(np.array(one.odds))),
            reasons=reasons[one.pair],
        )
        decisions.setdefault(int(names.keys[row]), []).append(decision)
    return decisions


def _label(names: CatalogueNames, row: int) -> str:
    return names.labels[row].decode("utf-8", "replace")


def _reasons(scored: ScoredPairs, wanted: list[int]) -> dict[int, list[str]]:
    """The reasons of some pairs."""
    places = np.unique(np.array(wanted, dtype=np.int64))
    facts, pairs = scored.listings.facts, scored.pairs
    features = compare_names(facts, pairs.first[places], facts, pairs.second[places], costs=scored.costs)
    return {
        place: pair_reasons(row, int(scored.relation[place]))
        for place, row in zip(places.tolist(), features, strict=True)
    }


def _titles(ids: Longs, scored: ScoredPairs, inside: Bools) -> dict[int, int]:
    """The listing that names each cluster: the one most similar to the others."""
    pairs = scored.pairs
    total = np.zeros(len(ids))
    for ends in (pairs.first[inside], pairs.second[inside]):
        total += np.bincount(ends, np.maximum(scored.odds[inside], UNCOMPARED), minlength=len(ids))
    order = np.lexsort((np.arange(len(ids)), -total, ids))
    return {int(ids[listing]): int(listing) for listing in order[run_starts(ids[order])]}


def _joined(keys: Longs, ids: Longs, scored: ScoredPairs, inside: Bools) -> list[_Found]:
    """For each listing with another id than its own: its best pair within the cluster, and the mean log odds
    of its pairs there."""
    places = np.flatnonzero(inside)
    ends = np.concatenate([scored.pairs.first[places], scored.pairs.second[places]])
    pairs = np.concatenate([places, places])
    odds = np.maximum(scored.odds[pairs], UNCOMPARED)
    means = np.bincount(ends, odds, len(ids)) / np.maximum(np.bincount(ends, minlength=len(ids)), 1)
    order = np.lexsort((pairs, -scored.odds[pairs], ends))
    first = order[run_starts(ends[order])]
    return [
        _Found(listing, "vector", int(keys[listing]), int(ids[listing]), pair, float(means[listing]))
        for listing, pair in zip(ends[first].tolist(), pairs[first].tolist(), strict=True)
        if keys[listing] != ids[listing]
    ]


def _asked(ids: Longs, scored: ScoredPairs, inside: Bools, open_to: Bools, model: PairModel) -> list[_Found]:
    """The review questions, for each listing of one of the two clusters: the first that has listings
    `open_to` questions."""
    of_cluster = {int(ids[own[0]]): own for own in members_of(ids)}
    found = []
    for own_id, other_id, pair, odds in _questions(ids, scored, inside, model.review_from):
        asked, candidate = (own_id, other_id) if open_to[of_cluster[own_id]].any() else (other_id, own_id)
        found += [
            _Found(listing, "review", asked, candidate, pair, odds) for listing in of_cluster[asked].tolist()
        ]
    return found


def _questions(
    ids: Longs, scored: ScoredPairs, inside: Bools, review_from: float
) -> list[tuple[int, int, int, float]]:
    """The pairs of clusters to review: each cluster with the one most similar to it, once. Each with the pair
    of listings that is the reason, and its log odds."""
    places = np.flatnonzero(~inside & (scored.odds >= review_from))
    places = places[np.lexsort((places, -scored.odds[places]))]
    asked: set[int] = set()
    questions = []
    for place in places.tolist():
        ends = int(ids[scored.pairs.first[place]]), int(ids[scored.pairs.second[place]])
        if not asked.issuperset(ends):
            questions.append((*ends, place, float(scored.odds[place])))
            asked.update(ends)
    return questions
