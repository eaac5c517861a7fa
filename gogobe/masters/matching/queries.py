"""Items to be matched by name, and the results of the matcher."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.suffixes import code_numbers
from gogobe.masters.matching.aggregate import Candidates, Competing
from gogobe.masters.matching.cluster_scores import ClusterScores
from gogobe.masters.matching.features import Comparison
from gogobe.masters.matching.ranking import Ranked
from gogobe.masters.text.facts import Described, Facts, describe
from gogobe.masters.vectors.index import Nearest

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Queries:
    """Items of one chain: their names in normal form, their facts, their `keys` (GTIN, or computed id of
    chain and code), and their codes as `numbers` (0 if a code is no number)."""

    texts: list[str]
    facts: Facts
    keys: Longs
    numbers: Longs

    def __len__(self) -> int:
        return len(self.keys)

    def batches(self, size: int) -> Iterator[Self]:
        """The items in batches of at most `size`; one batch without items."""
        for begin in range(0, max(len(self), 1), size):
            yield self.take(np.arange(begin, min(begin + size, len(self))))

    def take(self, rows: Longs) -> Self:
        """The items of these rows."""
        return type(self)(
            [self.texts[row] for row in rows], self.facts.take(rows), self.keys[rows], self.numbers[rows]
        )


def queries_of(items: Sequence[Described], keys: Longs, codes: Sequence[str]) -> Queries:
    """Queries for items of one chain, with their keys and codes."""
    texts, facts = describe(items)
    return Queries(texts, facts, keys, code_numbers(codes))


@dataclass(frozen=True)
class ComparedCandidates:
    """Items with their candidates and features, before the decision; `clusters` are the candidates that are
    goods without a usable barcode."""

    nearest: Nearest
    candidates: Candidates
    clusters: Candidates
    comparison: Comparison
    competing: Competing


@dataclass(frozen=True)
class MatchResults:
    """Results for n items.

    `masters` (n,) is the row of the best master, -1 for none; `pairs` (n,) the pair of the best name of the
    best packed product; `scores` (n,) the probability of a match, 0 without a candidate; `conflicting` (n,)
    whether a conflict rules out acceptance; `is_cluster` (n,) whether the best master was scored as a cluster
    of goods without a usable barcode; `accepted` (n,) whether the item gets the master. The other fields are
    the evidence.
    """

    compared: ComparedCandidates
    ranked: Ranked
    clusters: ClusterScores
    masters: Longs
    pairs: Longs
    scores: Floats
    conflicting: Bools
    is_cluster: Bools
    accepted: Bools


@dataclass(frozen=True)
class NamedItem:
    """An item that is matched by its name, with the fields that a decision needs."""

    chain_id: str
    item_code: str
    name: str
    own_master_id: int
