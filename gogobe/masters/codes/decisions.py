"""Results of the resolver besides the four fields that it fills: counts, and decisions with their
evidence."""

from __future__ import annotations

from typing import Literal

import msgspec

Match = Literal["vector", "review"]


class Decision(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The decision about one item that was compared with masters by its name, and its evidence.

    `match` is `vector` if the item got the candidate's master, `review` if a person has to decide whether the
    candidate and the item's own master, `own_master_id`, are one product. For `vector`, `own_master_id` is
    the computed id that the item has without the candidate. `score` is the probability that they are one
    product, 0 to 1; `reasons` are short sentences, the strongest first.
    """

    match: Match
    chain_id: str
    item_code: str
    item_name: str
    own_master_id: int
    candidate_id: int
    candidate_name: str
    score: float
    reasons: list[str] = []


class MatchCounts(msgspec.Struct):
    """The number of a batch's items by kind of match, and the decisions that were made by name.

    A decision repeats in every batch in which its item occurs; it is identified by (chain_id, item_code,
    candidate_id).
    """

    gtin: int = 0
    alias: int = 0
    vector: int = 0
    review: int = 0
    new: int = 0
    decisions: list[Decision] = []

    def add(self, other: MatchCounts) -> None:
        """Add the counts and decisions of other items."""
        self.gtin += other.gtin
        self.alias += other.alias
        self.vector += other.vector
        self.review += other.review
        self.new += other.new
        self.decisions += other.decisions
