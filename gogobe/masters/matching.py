"""Items without a code that holds across chains, compared with a snapshot's masters by what they are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.facts import Facts
from gogobe.masters.index import Nearest, VectorIndex
from gogobe.masters.model import Model
from gogobe.masters.pairs import Comparison, compare
from gogobe.masters.ranking import Candidates, Verdicts, rank
from gogobe.masters.snapshot import Snapshot
from gogobe.masters.vectors import centred, item_vectors

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]

CANDIDATES: Final = 50


@dataclass(frozen=True)
class Compared:
    """Items with their candidates compared, before anything is decided: pair i is item
    `candidates.items[i]`."""

    nearest: Nearest
    candidates: Candidates
    comparison: Comparison


@dataclass(frozen=True)
class Judged:
    """What the matcher says of n items: `probabilities` (n,) that an item is its best candidate, 0 where it has
    none, and the pairs and verdicts behind that."""

    compared: Compared
    verdicts: Verdicts
    probabilities: Floats


class Matcher:
    """Finds candidates for items, compares and judges them. Deterministic for a snapshot and a model."""

    def __init__(self, snapshot: Snapshot, model: Model, index: VectorIndex | None = None) -> None:
        """`index` stands in for the snapshot's own, to measure another."""
        self.snapshot = snapshot
        self.model = model
        self._index = index or snapshot.index
        self._reach = snapshot.reach

    def vectors(self, texts: Sequence[str], facts: Facts) -> Floats:
        """The items as the index is asked for them."""
        return centred(item_vectors(self.snapshot.encoder, texts, facts), self.snapshot.tables.centre)

    def compare(self, texts: Sequence[str], facts: Facts, without: Longs | None = None) -> Compared:
        """Find and compare the candidates of items given by their names in normal form and their facts.

        `without` (n,) names for each item a row of masters that is no candidate: its own.
        """
        nearest = self._index.search(self.vectors(texts, facts), CANDIDATES + (without is not None))
        rows, cosines = nearest.rows, nearest.cosines
        kept = rows >= 0
        if without is not None:
            kept &= rows != without[:, None]
        items = np.broadcast_to(np.arange(len(rows))[:, None], rows.shape)[kept]
        candidates, place = self._names_of(items, rows[kept])
        comparison = compare(
            facts,
            candidates.items,
            self.snapshot.names,
            candidates.names,
            cosines=cosines[kept][place],
            lexicon=self.snapshot.lexicon,
        )
        return Compared(nearest, candidates, comparison)

    def _names_of(self, items: Longs, rows: Longs) -> tuple[Candidates, Longs]:
        """All names of the candidate rows, sorted by item and master; and for each the place in `rows`."""
        tables = self.snapshot.tables
        first, counts = tables.starts[rows], tables.starts[rows + 1] - tables.starts[rows]
        place = np.repeat(np.arange(len(rows)), counts)
        names = np.arange(len(place)) - np.repeat(np.cumsum(counts) - counts, counts) + first[place]
        masters = tables.canonical[rows][place]
        order = np.lexsort((names, masters, items[place]))
        return Candidates(items[place][order], names[order], masters[order]), place[order]

    def judge(self, texts: Sequence[str], facts: Facts, without: Longs | None = None) -> Judged:
        """Rank each item's candidates and say how likely the first is the item's own master."""
        compared = self.compare(texts, facts, without)
        return self.decide(facts, compared)

    def decide(self, facts: Facts, compared: Compared) -> Judged:
        """The second half of `judge`: rank and judge what has been compared."""
        verdicts = rank(
            len(facts),
            compared.candidates,
            self.model.pair_scores(compared.comparison.features),
            compared.comparison,
            items=facts,
            names=self.snapshot.names,
            lexicon=self.snapshot.lexicon,
            reach=self._reach,
        )
        probabilities = np.where(verdicts.master >= 0, self.model.probabilities(verdicts.features), 0)
        return Judged(compared, verdicts, probabilities.astype(np.float32))
