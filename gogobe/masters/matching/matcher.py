"""Matching by name: candidate generation, re-ranking and verdicts for items without a usable barcode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.pair_model import ACCEPTED
from gogobe.masters.codes.decisions import Decision, Match
from gogobe.masters.matching.aggregate import Candidates, Competing, aggregate_names
from gogobe.masters.matching.chain_context import MIN_CHAIN_ITEMS, Listing
from gogobe.masters.matching.cluster_candidates import cluster_candidates
from gogobe.masters.matching.cluster_scores import score_clusters
from gogobe.masters.matching.coverage import UNKNOWN_SHARE, ChainCoverage, Coverage, companies_of, makers_of
from gogobe.masters.matching.features import FEATURES, Comparison, compare
from gogobe.masters.matching.model import Model
from gogobe.masters.matching.proposals import Proposal, proposals_for
from gogobe.masters.matching.queries import ComparedCandidates, MatchResults, NamedItem, Queries
from gogobe.masters.matching.ranking import (
    FIRST_CHAIN_FEATURE,
    FIRST_COVERAGE,
    Ranked,
    Rivals,
    chain_features,
    chain_features_unknown,
    chain_features_without_rivals,
    rank,
)
from gogobe.masters.snapshot.files import Masters
from gogobe.masters.text.arrays import places_in_runs
from gogobe.masters.text.facts import Facts
from gogobe.masters.vectors.item_vectors import centred, item_vectors

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CONFLICTS: Final = (
    "size_far",
    "size_contained",  # by the piece or by the pack: the same, or a multipack
    "percents_differ",
    "packs_differ",
    "weighed_differs",
    "price_far",
)
"""Features that rule out acceptance without review, at any score."""
CANDIDATES: Final = 50
RERANKED: Final = 12
"""Maximum candidates, nearest first, that are re-ranked."""
MIN_WORD_OVERLAP: Final = 0.25
"""Minimum rarity-weighted word overlap in both directions; below it a pair is rejected."""
_WORDS: Final = FEATURES.index("all_words_found")
_CONFLICTS: Final = [FEATURES.index(name) for name in CONFLICTS]


_COMPARED_AT_ONCE: Final = 500


@dataclass(frozen=True)
class _Best:
    """The best master of each of n items before anything is known of the chain's other items: its row in
    `masters`, -1 for none, and the pair of its best name; `conflicting` (n,) whether they contradict each
    other, and `chances` (n,) the probability that it is the item's, 0 if they do."""

    ranked: Ranked
    masters: Longs
    pairs: Longs
    conflicting: Bools
    chances: npt.NDArray[np.float64]


class Matcher:
    """Finds candidates for items, compares and scores them. Deterministic for a snapshot and a model."""

    def __init__(self, masters: Masters, model: Model) -> None:
        self.masters = masters
        self.model = model

    def vectors(self, items: Queries) -> Floats:
        """The query vectors of the items."""
        vectors = item_vectors(self.masters.encoder, items.texts, items.facts)
        return centred(vectors, self.masters.tables.centre)

    def listing(self, items: Queries, compared: Sequence[tuple[Queries, ComparedCandidates]] = ()) -> Listing:
        """The items of a chain that the snapshot does not know, as a listing. `compared` are batches of them
        that have been compared already; without any, all are compared."""
        nothing_sold = np.zeros(0, dtype=np.int64)
        coverage = ChainCoverage.unknown()
        if len(items) >= MIN_CHAIN_ITEMS:
            coverage = self._coverage(
                compared
                or [(batch, self.compare(batch, nothing_sold)) for batch in items.batches(_COMPARED_AT_ONCE)]
            )
        return Listing(items.facts, self.vectors(items), items.keys, nothing_sold, coverage)

    def _coverage(self, batches: Sequence[tuple[Queries, ComparedCandidates]]) -> ChainCoverage:
        """The part of a chain's range that is in the snapshot, by names alone."""
        best = [self._best(items.facts, compared) for items, compared in batches]
        chances = np.concatenate([one.chances for one in best])
        keys = np.concatenate([items.keys for items, _ in batches])
        companies = np.concatenate([companies_of(self.masters.tables, one.masters) for one in best])
        makers = np.concatenate([makers_of(items.facts) for items, _ in batches])
        return ChainCoverage(Coverage.of(companies, chances, keys), Coverage.of(makers, chances, keys))

    def _best(self, facts: Facts, compared: ComparedCandidates) -> _Best:
        competing, choice = compared.competing, self.model.choice
        utilities = choice.utilities(competing.features)
        ranked = rank(len(facts), competing, utilities, items=facts, lexicon=self.masters.lexicon)
        found = np.flatnonzero(ranked.first >= 0)
        masters, pairs = np.full((2, len(facts)), -1, dtype=np.int64)
        masters[found] = competing.masters[ranked.first[found]]
        pairs[found] = self._best_pairs(compared, ranked.first[found])
        conflicting = np.zeros(len(facts), dtype=np.bool_)
        conflicting[found] = compared.comparison.features[pairs[found]][:, _CONFLICTS].any(axis=1)
        chances = choice.chances(ranked.utilities[:, 0], ranked.others)
        return _Best(ranked, masters, pairs, conflicting, np.where(conflicting, 0.0, chances))

    def match(self, items: Queries, listing: Listing) -> MatchResults:
        """Rank the candidates of one chain's items and score the best: the probability that it is the item's
        master. `listing` holds the other items of the chain, with or without these."""
        return self.decide(items, listing, self.compare(items, listing.masters))

    def compare(self, items: Queries, sold: Longs) -> ComparedCandidates:
        """The first half of `match`: candidates and their features. The rows `sold` are masters that the
        chain sells under other codes; they are no candidates, since a chain lists a product once."""
        vectors = self.vectors(items)
        nearest = self.masters.index.search(vectors, CANDIDATES)
        rows, cosines = nearest.rows, nearest.cosines
        kept = (rows >= 0) & ~np.isin(rows, sold)
        kept &= np.cumsum(kept, axis=1) <= RERANKED
        queries = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)[kept]
        candidates, place = self._names_of(queries, rows[kept])
        of_items, cluster_rows = cluster_candidates(self.masters, items, vectors, rows)
        unsold = ~np.isin(cluster_rows, sold)
        clusters, _ = self._names_of(of_items[unsold], cluster_rows[unsold])
        compared = self._compete(items.facts, candidates, cosines[kept][place])
        return ComparedCandidates(nearest, candidates, clusters, *compared)

    def _compete(self, items: Facts, candidates: Candidates, cosines: Floats) -> tuple[Comparison, Competing]:
        """The features of the candidates' names, and their aggregates by master."""
        lexicon = self.masters.lexicon
        names = self.masters.names
        comparison = compare(items, candidates.items, names, candidates.names, cosines=cosines, lexicon=lexicon)
        return comparison, aggregate_names(
            candidates, comparison, items, lexicon=lexicon, tables=self.masters.tables
        )

    def _names_of(self, items: Longs, rows: Longs) -> tuple[Candidates, Longs]:
        """All names of the candidate rows, sorted by item and master; and for each its place in `rows`."""
        tables = self.masters.tables
        first, counts = tables.starts[rows], tables.starts[rows + 1] - tables.starts[rows]
        place = np.repeat(np.arange(len(rows)), counts)
        names = places_in_runs(counts) + first[place]
        masters = rows[place]
        order = np.lexsort((names, masters, items[place]))
        return Candidates(items[place][order], names[order], masters[order]), place[order]

    def decide(self, items: Queries, listing: Listing, compared: ComparedCandidates) -> MatchResults:
        """The second half of `match`: rank and score the candidates."""
        facts, keys, model = items.facts, items.keys, self.model
        best = self._best(facts, compared)
        ranked = best.ranked
        found = np.flatnonzero(best.masters >= 0)
        features = ranked.features
        asked = found[compared.comparison.features[best.pairs[found], _WORDS] >= MIN_WORD_OVERLAP]
        if len(listing) < MIN_CHAIN_ITEMS:
            features[asked, FIRST_COVERAGE:FIRST_CHAIN_FEATURE] = np.log(UNKNOWN_SHARE)
            features[asked, FIRST_CHAIN_FEATURE:] = chain_features_unknown(ranked, asked)
        else:
            coverage, chances = listing.coverage, best.chances
            companies = companies_of(self.masters.tables, best.masters)
            features[:, FIRST_COVERAGE:FIRST_CHAIN_FEATURE] = np.column_stack(
                [
                    coverage.company.log_shares(companies, chances, keys),
                    coverage.maker.log_shares(makers_of(facts), chances, keys),
                ]
            )
            # The chain's other items are compared only where the result could reach a review.
            features[asked, FIRST_CHAIN_FEATURE:] = chain_features_without_rivals(ranked, asked)
            asked = asked[model.verdicts.probabilities(features[asked]) >= model.review_from]
            at_first, at_second = self._rivals(ranked, compared.competing, asked, keys, listing)
            features[asked, FIRST_CHAIN_FEATURE:] = chain_features(ranked, asked, at_first, at_second)
        scores = np.zeros(len(facts), dtype=np.float32)
        scores[asked] = model.verdicts.probabilities(features[asked])
        clusters = score_clusters(facts, items.numbers, compared.clusters, self.masters, model.pairs)
        nothing = np.zeros(len(facts), dtype=np.bool_)
        results = MatchResults(
            compared,
            ranked,
            clusters,
            masters=best.masters,
            pairs=best.pairs,
            scores=scores,
            conflicting=best.conflicting,
            is_cluster=nothing,
            accepted=nothing,
        )
        return self._with_clusters(results)

    def _with_clusters(self, results: MatchResults) -> MatchResults:
        """The results, with the best cluster of goods without a usable barcode in place of the best packed
        product where its score is higher."""
        clusters = results.clusters
        is_loose = (results.masters >= 0) & self.masters.tables.loose[results.masters]
        scores = np.where(is_loose, np.float32(0), results.scores)
        best, best_scores = clusters.masters[:, 0], clusters.scores[:, 0]
        likely = best_scores >= np.maximum(scores, np.float32(self.model.pairs.review_score))
        is_cluster = (best >= 0) & (likely | is_loose)
        scores = np.where(is_cluster, best_scores, scores)
        conflicting = np.where(is_cluster, clusters.claimed, results.conflicting)
        accept_from = np.where(is_cluster, np.float32(ACCEPTED), np.float32(self.model.accept_from))
        return replace(
            results,
            masters=np.where(is_cluster, best, results.masters),
            scores=scores,
            conflicting=conflicting,
            is_cluster=is_cluster,
            accepted=(scores >= accept_from) & ~conflicting,
        )

    def _best_pairs(self, compared: ComparedCandidates, competing: Longs) -> Longs:
        """The pair of the best name of each of these masters."""
        useful = self.model.choice.name_utilities(compared.comparison.features)
        starts = compared.competing.starts
        group_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(useful)))
        return np.lexsort((-useful, group_of))[starts[competing]]

    def _rivals(
        self, ranked: Ranked, competing: Competing, rows: Longs, keys: Longs, listing: Listing
    ) -> tuple[Rivals, Rivals]:
        """The chain's other items that compete with each of the items in `rows`, for the first master and for
        the second (the first again if there is no second)."""
        first = ranked.first[rows]
        second = np.where(ranked.second[rows] >= 0, ranked.second[rows], first)
        masters, master_of = np.unique(competing.masters[np.append(first, second)], return_inverse=True)
        nearest = listing.nearest_to(self.masters.index.vectors[masters])
        utilities = self._utilities_of(listing, nearest, masters)[master_of]
        is_item = listing.keys[nearest[master_of]] == np.tile(keys[rows], 2)[:, None]
        utilities = np.where(is_item, -np.inf, utilities)
        best = utilities.max(axis=1)
        altogether = np.logaddexp.reduce(utilities, axis=1)
        return (
            Rivals(best[: len(rows)], altogether[: len(rows)]),
            Rivals(best[len(rows) :], altogether[len(rows) :]),
        )

    def _utilities_of(self, listing: Listing, nearest: Longs, masters: Longs) -> Floats:
        """The utility of each master for the items of a chain nearest to it: of the shape of `nearest`, -inf
        where there is no item."""
        place, column = np.nonzero(nearest >= 0)
        rows = nearest[place, column]
        items = listing.facts.take(rows)
        candidates, pair_of = self._names_of(np.arange(len(rows)), masters[place])
        cosines = np.einsum("ij,ij->i", listing.vectors[rows], self.masters.index.vectors[masters[place]])
        _, competing = self._compete(items, candidates, cosines[pair_of])
        utilities = np.full(nearest.shape, -np.inf, dtype=np.float32)
        utilities[place, column] = self.model.choice.utilities(competing.features)
        return utilities

    def decisions(self, results: MatchResults, place: int, item: NamedItem) -> list[Decision]:
        """The decisions about one of the items: the master that it is given to, or the masters that a person
        is asked about, the likeliest first; empty where no candidate is good enough for a review."""
        proposals = proposals_for(results, place, self.model)
        if results.accepted[place]:
            return [self._decision("vector", item, proposal) for proposal in proposals[:1]]
        return [self._decision("review", item, proposal) for proposal in proposals]

    def _decision(self, match: Match, item: NamedItem, proposal: Proposal) -> Decision:
        tables = self.masters.tables
        return Decision(
            match=match,
            chain_id=item.chain_id,
            item_code=item.item_code,
            item_name=item.name,
            own_master_id=item.own_master_id,
            candidate_id=int(tables.masters[tables.canonical[proposal.master]]),
            candidate_name=tables.label(proposal.name),
            score=proposal.score,
            reasons=proposal.reasons,
        )
