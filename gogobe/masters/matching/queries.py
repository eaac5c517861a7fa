"""Items to be matched by their names, and the matcher's answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.tails import code_numbers
from gogobe.masters.matching.aggregate import Candidates, Competing
from gogobe.masters.matching.features import Comparison
from gogobe.masters.matching.likes import Likes
from gogobe.masters.matching.ranking import Ranked
from gogobe.masters.text.facts import Described, Facts, describe
from gogobe.masters.vectors.index import Nearest

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Queries:
    """Items of one chain: their names in normal form, their facts, their `keys` (GTIN, or computed id of chain
    and code), and their codes as `numbers` (0 where a code is none)."""

    texts: list[str]
    facts: Facts
    keys: Longs
    numbers: Longs

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: Longs) -> Self:
        """Some of the items."""
        return type(self)(
            [self.texts[row] for row in rows], self.facts.take(rows), self.keys[rows], self.numbers[rows]
        )


def queries_of(items: Sequence[Described], keys: Longs, codes: Sequence[str]) -> Queries:
    """The items that a chain describes so, with their keys and their codes."""
    texts, facts = describe(items)
    return Queries(texts, facts, keys, code_numbers(codes))


@dataclass(frozen=True)
class Compared:
    """Items with their candidates compared, before any decision; `likes` are the goods without a usable
    barcode."""

    nearest: Nearest
    candidates: Candidates
    likes: Candidates
    comparison: Comparison
    competing: Competing


@dataclass(frozen=True)
class Judged:
    """The matcher's answers for n items: `masters` (n,) the row of the best master, -1 where there is none, and
    `pairs` (n,) the pair of the best name of the best packed goods; `scores` (n,) the probability that it is
    the item's own, 0 where there is none; `conflicting` (n,) whether something rules that out all the same;
    `alike` (n,) whether that was judged as of goods without a usable barcode; `accepted` (n,) whether the item
    is given to the master; and what all that rests on."""

    compared: Compared
    ranked: Ranked
    likes: Likes
    masters: Longs
    pairs: Longs
    scores: Floats
    conflicting: Bools
    alike: Bools
    accepted: Bools


@dataclass(frozen=True)
class NamedItem:
    """An item that is matched by its name, as a decision names it."""

    chain_id: str
    item_code: str
    name: str
    own_master_id: int
