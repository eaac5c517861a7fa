"""Items without a code that holds across chains, compared with a snapshot's masters by what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.decisions import Decision
from gogobe.masters.facts import Facts
from gogobe.masters.index import Nearest
from gogobe.masters.listing import LEAST, Listing
from gogobe.masters.model import Model
from gogobe.masters.pairs import FEATURES, Comparison, compare
from gogobe.masters.ranking import (
    AHEAD_OF_CHAIN,
    LARGEST_LEAD,
    VERDICT_FEATURES,
    Candidates,
    Verdicts,
    rank,
)
from gogobe.masters.reasons import reasons_for
from gogobe.masters.snapshot import Masters
from gogobe.masters.vectors import centred, item_vectors

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
_SMALLEST_LEAD: Final = -3.0
_WORDS: Final = FEATURES.index("all_words_found")
_CONFLICTS: Final = [FEATURES.index(name) for name in CONFLICTS]


@dataclass(frozen=True)
class Compared:
    """Items with their candidates compared, before anything is decided."""

    nearest: Nearest
    candidates: Candidates
    comparison: Comparison


@dataclass(frozen=True)
class Judged:
    """What the matcher says of n items: `masters` (n,) the row of the best master, -1 where there is none, and
    `scores` (n,) the probability that it is the item's own, 0 where there is none; `conflicting` (n,) whether
    one of CONFLICTS rules that out; and what all that rests on."""

    compared: Compared
    verdicts: Verdicts
    scores: Floats
    conflicting: Bools

    @property
    def masters(self) -> Longs:
        return self.verdicts.masters


@dataclass(frozen=True)
class NamedItem:
    """An item that is matched by its name, as a decision about it says which it is."""

    chain_id: str
    item_code: str
    name: str
    own_master_id: int


class Matcher:
    """Finds candidates for items, compares and judges them. Deterministic for a snapshot and a model."""

    def __init__(self, masters: Masters, model: Model) -> None:
        self.masters = masters
        self.model = model

    def vectors(self, texts: Sequence[str], facts: Facts) -> Floats:
        """The items as the index is asked for them."""
        return centred(item_vectors(self.masters.encoder, texts, facts), self.masters.tables.centre)

    def listing(self, texts: Sequence[str], facts: Facts, keys: Longs) -> Listing:
        """What a chain that the snapshot does not know sells, given the names in normal form, the facts and the
        keys of its items."""
        return Listing(facts, self.vectors(texts, facts), keys, np.zeros(0, dtype=np.int64))

    def judge(self, texts: Sequence[str], facts: Facts, keys: Longs, listing: Listing) -> Judged:
        """Rank the candidates of one chain's items and say how likely the first is the item's own master.

        Items are given by their names in normal form, their facts, and their `keys` (GTIN, or computed id of
        chain and code); `listing` is what else the chain sells, the items themselves too or not.
        """
        return self.decide(facts, keys, listing, self.compare(texts, facts, listing.masters))

    def compare(self, texts: Sequence[str], facts: Facts, sold: Longs) -> Compared:
        """The first half of `judge`: find the candidates and compare them. Masters that the chain sells under
        other codes, the rows `sold`, are none: a chain lists a product once."""
        nearest = self.masters.index.search(self.vectors(texts, facts), CANDIDATES)
        rows, cosines = nearest.rows, nearest.cosines
        kept = (rows >= 0) & ~np.isin(rows, sold)
        kept &= np.cumsum(kept, axis=1) <= SECOND_LOOK
        items = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)[kept]
        candidates, place = self._names_of(items, rows[kept])
        comparison = compare(
            facts,
            candidates.items,
            self.masters.names,
            candidates.names,
            cosines=cosines[kept][place],
            lexicon=self.masters.lexicon,
        )
        return Compared(nearest, candidates, comparison)

    def _names_of(self, items: Longs, rows: Longs) -> tuple[Candidates, Longs]:
        """All names of the candidate rows, sorted by item and master; and for each the place in `rows`."""
        tables = self.masters.tables
        first, counts = tables.starts[rows], tables.starts[rows + 1] - tables.starts[rows]
        place = np.repeat(np.arange(len(rows)), counts)
        names = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts) + first[place]
        masters = rows[place]
        order = np.lexsort((names, masters, items[place]))
        return Candidates(items[place][order], names[order], masters[order]), place[order]

    def decide(self, facts: Facts, keys: Longs, listing: Listing, compared: Compared) -> Judged:
        """The second half of `judge`: rank and judge what has been compared."""
        verdicts = rank(
            len(facts),
            compared.candidates,
            self.model.pair_scores(compared.comparison.features),
            compared.comparison,
            items=facts,
            names=self.masters.names,
            lexicon=self.masters.lexicon,
            tables=self.masters.tables,
        )
        found = np.flatnonzero(verdicts.masters >= 0)
        pairs = compared.comparison.features[verdicts.pair[found]]
        answered, conflicting = np.zeros((2, len(facts)), dtype=np.bool_)
        answered[found] = pairs[:, _WORDS] >= LEAST_WORDS
        conflicting[found] = pairs[:, _CONFLICTS].any(axis=1)
        features = verdicts.features
        if len(listing) >= LEAST:
            # Only where the best lead there is could bring an item up for review is it worth knowing.
            features[:, AHEAD_OF_CHAIN] = LARGEST_LEAD
            answered &= self.model.probabilities(features) >= self.model.review_from
            features[:, AHEAD_OF_CHAIN] = 0
            asked = np.flatnonzero(answered)
            leads = self._leads(verdicts, asked, keys, listing)
            features[asked, AHEAD_OF_CHAIN] = np.clip(leads, _SMALLEST_LEAD, LARGEST_LEAD)
        return Judged(
            compared=compared,
            verdicts=verdicts,
            scores=np.where(answered, self.model.probabilities(features), np.float32(0)).astype(np.float32),
            conflicting=conflicting,
        )

    def _leads(self, verdicts: Verdicts, rows: Longs, keys: Longs, listing: Listing) -> Floats:
        """How far each of the items in `rows` is ahead of its chain's others, in the score of its master."""
        masters, master_of = np.unique(verdicts.masters[rows], return_inverse=True)
        vectors = self.masters.index.vectors[masters]
        rivals = listing.nearest_to(vectors)
        place, column = np.nonzero(rivals >= 0)
        items = rivals[place, column]
        candidates, pair_of = self._names_of(np.arange(len(items)), masters[place])
        compared = compare(
            listing.facts,
            items[candidates.items],
            self.masters.names,
            candidates.names,
            cosines=np.einsum("ij,ij->i", listing.vectors[items], vectors[place])[pair_of],
            lexicon=self.masters.lexicon,
        )
        best = np.full(len(items), -np.inf, dtype=np.float32)
        np.maximum.at(best, candidates.items, self.model.pair_scores(compared.features))
        scores = np.full(rivals.shape, -np.inf, dtype=np.float32)
        scores[place, column] = best
        is_item = listing.keys[rivals[master_of]] == keys[rows, None]
        rival_scores = np.where(is_item, -np.inf, scores[master_of]).max(axis=1)
        leads: Floats = verdicts.scores[rows] - rival_scores
        return leads

    def decision(self, judged: Judged, place: int, item: NamedItem) -> Decision | None:
        """What is decided about one of the items judged; None where nothing resembles it enough to ask."""
        master, score = int(judged.masters[place]), float(judged.scores[place])
        if master < 0 or score < self.model.review_from:
            return None
        tables = self.masters.tables
        name = int(judged.compared.candidates.names[judged.verdicts.pair[place]])
        pair = int(judged.verdicts.pair[place])
        features = {
            **dict(zip(FEATURES, judged.compared.comparison.features[pair].tolist(), strict=True)),
            **dict(zip(VERDICT_FEATURES, judged.verdicts.features[place].tolist(), strict=True)),
        }
        accepted = score >= self.model.accept_from and not judged.conflicting[place]
        return Decision(
            match="vector" if accepted else "review",
            chain_id=item.chain_id,
            item_code=item.item_code,
            item_name=item.name,
            own_master_id=item.own_master_id,
            candidate_id=int(tables.masters[tables.canonical[master]]),
            candidate_name=tables.label(name),
            score=score,
            reasons=reasons_for(features),
        )
