"""Items without a code that holds across chains, compared with a snapshot's masters by what they are called."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.evidence import pair_reasons
from gogobe.masters.clusters.pair_model import ACCEPTED
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.matching.aggregate import MASTER_FEATURES, Candidates, Competing, fold
from gogobe.masters.matching.chain_context import LEAST, Listing
from gogobe.masters.matching.features import FEATURES, Comparison, compare
from gogobe.masters.matching.like_candidates import like_candidates
from gogobe.masters.matching.likes import judge_likes
from gogobe.masters.matching.model import Model
from gogobe.masters.matching.queries import Compared, Judged, NamedItem, Queries
from gogobe.masters.matching.ranking import (
    BESIDE,
    Ranked,
    Rivals,
    beside_chain,
    rank,
    unknown_rivals,
    without_rivals,
)
from gogobe.masters.matching.reasons import reasons_for
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
"""What rules out that an item is given to a master without asking, however alike their names are."""
CANDIDATES: Final = 50
SECOND_LOOK: Final = 12
"""How many of the candidates, the nearest first, get the second look."""
LEAST_WORDS: Final = 0.25
"""Of names that share less, by rarity and both ways round, nothing is concluded but that they differ."""
_WORDS: Final = FEATURES.index("all_words_found")
_CONFLICTS: Final = [FEATURES.index(name) for name in CONFLICTS]


class Matcher:
    """Finds candidates for items, compares and judges them. Deterministic for a snapshot and a model."""

    def __init__(self, masters: Masters, model: Model) -> None:
        self.masters = masters
        self.model = model

    def vectors(self, items: Queries) -> Floats:
        """The items as the index is asked for them."""
        vectors = item_vectors(self.masters.encoder, items.texts, items.facts)
        return centred(vectors, self.masters.tables.centre)

    def listing(self, items: Queries) -> Listing:
        """What a chain that the snapshot does not know sells."""
        return Listing(items.facts, self.vectors(items), items.keys, np.zeros(0, dtype=np.int64))

    def judge(self, items: Queries, listing: Listing) -> Judged:
        """Rank the candidates of one chain's items and say how likely the first is the item's own master.
        `listing` is what else the chain sells, the items themselves too or not."""
        return self.decide(items, listing, self.compare(items, listing.masters))

    def compare(self, items: Queries, sold: Longs) -> Compared:
        """The first half of `judge`: find the candidates and compare them. Masters that the chain sells under
        other codes, the rows `sold`, are none: a chain lists a product once."""
        vectors = self.vectors(items)
        nearest = self.masters.index.search(vectors, CANDIDATES)
        rows, cosines = nearest.rows, nearest.cosines
        kept = (rows >= 0) & ~np.isin(rows, sold)
        kept &= np.cumsum(kept, axis=1) <= SECOND_LOOK
        queries = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)[kept]
        candidates, place = self._names_of(queries, rows[kept])
        alike = like_candidates(self.masters, items, vectors, rows)
        unsold = ~np.isin(alike[1], sold)
        likes, _ = self._names_of(alike[0][unsold], alike[1][unsold])
        compared = self._compete(items.facts, candidates, cosines[kept][place])
        return Compared(nearest, candidates, likes, *compared)

    def _compete(self, items: Facts, candidates: Candidates, cosines: Floats) -> tuple[Comparison, Competing]:
        """The candidates' names compared with the items, and folded into masters."""
        lexicon = self.masters.lexicon
        names = self.masters.names
        comparison = compare(items, candidates.items, names, candidates.names, cosines=cosines, lexicon=lexicon)
        return comparison, fold(candidates, comparison, items, lexicon=lexicon, tables=self.masters.tables)

    def _names_of(self, items: Longs, rows: Longs) -> tuple[Candidates, Longs]:
        """All names of the candidate rows, sorted by item and master; and for each the place in `rows`."""
        tables = self.masters.tables
        first, counts = tables.starts[rows], tables.starts[rows + 1] - tables.starts[rows]
        place = np.repeat(np.arange(len(rows)), counts)
        names = places_in_runs(counts) + first[place]
        masters = rows[place]
        order = np.lexsort((names, masters, items[place]))
        return Candidates(items[place][order], names[order], masters[order]), place[order]

    def decide(self, items: Queries, listing: Listing, compared: Compared) -> Judged:
        """The second half of `judge`: rank and judge what has been compared."""
        facts, keys = items.facts, items.keys
        competing, model = compared.competing, self.model
        utilities = model.choice.utilities(competing.features)
        ranked = rank(len(facts), competing, utilities, items=facts, lexicon=self.masters.lexicon)
        found = np.flatnonzero(ranked.first >= 0)
        masters, pairs = np.full((2, len(facts)), -1, dtype=np.int64)
        masters[found] = competing.masters[ranked.first[found]]
        pairs[found] = self._best_pairs(compared, ranked.first[found])
        conflicting = np.zeros(len(facts), dtype=np.bool_)
        best = compared.comparison.features[pairs[found]]
        conflicting[found] = best[:, _CONFLICTS].any(axis=1)

        features = ranked.features
        asked = found[best[:, _WORDS] >= LEAST_WORDS]
        if len(listing) < LEAST:
            features[asked, BESIDE:] = unknown_rivals(ranked, asked)
        else:
            # Only where it could bring an item up for review is it worth knowing what else the chain sells.
            features[asked, BESIDE:] = without_rivals(ranked, asked)
            asked = asked[model.verdicts.probabilities(features[asked]) >= model.review_from]
            at_first, at_second = self._rivals(ranked, competing, asked, keys, listing)
            features[asked, BESIDE:] = beside_chain(ranked, asked, at_first, at_second)
        scores = np.zeros(len(facts), dtype=np.float32)
        scores[asked] = model.verdicts.probabilities(features[asked])
        likes = judge_likes(facts, items.numbers, compared.likes, self.masters, model.pairs)
        nothing = np.zeros(len(facts), dtype=np.bool_)
        judged = Judged(compared, ranked, likes, masters, pairs, scores, conflicting, nothing, nothing)
        return self._with_likes(judged)

    def _with_likes(self, judged: Judged) -> Judged:
        """The verdicts with those on goods without a usable barcode in their place, where these are the
        surer."""
        likes = judged.likes
        is_loose = (judged.masters >= 0) & self.masters.tables.loose[judged.masters]
        scores = np.where(is_loose, np.float32(0), judged.scores)
        likely = likes.scores >= np.maximum(scores, np.float32(self.model.pairs.review_score))
        alike = (likes.masters >= 0) & (likely | is_loose)
        scores = np.where(alike, likes.scores, scores)
        conflicting = np.where(alike, likes.taken, judged.conflicting)
        accept_from = np.where(alike, np.float32(ACCEPTED), np.float32(self.model.accept_from))
        return replace(
            judged,
            masters=np.where(alike, likes.masters, judged.masters),
            scores=scores,
            conflicting=conflicting,
            alike=alike,
            accepted=(scores >= accept_from) & ~conflicting,
        )

    def _best_pairs(self, compared: Compared, competing: Longs) -> Longs:
        """The pair of the best name of each of some masters that compete."""
        useful = self.model.choice.name_utilities(compared.comparison.features)
        starts = compared.competing.starts
        group_of = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(useful)))
        return np.lexsort((-useful, group_of))[starts[competing]]

    def _rivals(
        self, ranked: Ranked, competing: Competing, rows: Longs, keys: Longs, listing: Listing
    ) -> tuple[Rivals, Rivals]:
        """What else of their chain competes with each of the items in `rows`, for their first master and for
        their second (their first again where they have none)."""
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
        where there is none."""
        place, column = np.nonzero(nearest >= 0)
        rows = nearest[place, column]
        items = listing.facts.take(rows)
        candidates, pair_of = self._names_of(np.arange(len(rows)), masters[place])
        cosines = np.einsum("ij,ij->i", listing.vectors[rows], self.masters.index.vectors[masters[place]])
        _, competing = self._compete(items, candidates, cosines[pair_of])
        utilities = np.full(nearest.shape, -np.inf, dtype=np.float32)
        utilities[place, column] = self.model.choice.utilities(competing.features)
        return utilities

    def decision(self, judged: Judged, place: int, item: NamedItem) -> Decision | None:
        """What is decided about one of the items judged; None where nothing resembles it enough to ask."""
        master, score = int(judged.masters[place]), float(judged.scores[place])
        model = self.model
        review_from = model.pairs.review_score if judged.alike[place] else model.review_from
        if master < 0 or score < review_from:
            return None
        tables = self.masters.tables
        compared = judged.compared
        name = (
            compared.likes.names[judged.likes.pairs[place]]
            if judged.alike[place]
            else compared.candidates.names[judged.pairs[place]]
        )
        return Decision(
            match="vector" if judged.accepted[place] else "review",
            chain_id=item.chain_id,
            item_code=item.item_code,
            item_name=item.name,
            own_master_id=item.own_master_id,
            candidate_id=int(tables.masters[tables.canonical[master]]),
            candidate_name=tables.label(int(name)),
            score=score,
            reasons=self._reasons(judged, place),
        )

    def _reasons(self, judged: Judged, place: int) -> list[str]:
        likes = judged.likes
        if judged.alike[place]:
            pair = int(likes.pairs[place])
            return pair_reasons(likes.features[pair], int(likes.sign[pair]))
        pair, first = int(judged.pairs[place]), int(judged.ranked.first[place])
        features = {
            **dict(zip(FEATURES, judged.compared.comparison.features[pair].tolist(), strict=True)),
            **dict(zip(MASTER_FEATURES, judged.compared.competing.features[first].tolist(), strict=True)),
            "ahead_of_second": float(-np.diff(judged.ranked.utilities[place])[0]),
        }
        return reasons_for(features)
