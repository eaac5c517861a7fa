"""What the resolver says of an item beside the four fields it fills: the counts, and the evidence."""

from __future__ import annotations

from typing import Literal

import msgspec


class Decision(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One item that was compared with masters by its name: what was decided, and on what evidence.

    `match` is `vector` where the item was given to the candidate's master, `review` where a person has to say
    whether its own master, `own_master_id`, and the candidate are one. For `vector` that is the computed id
    that the item has without the candidate. `score` is the probability, 0 to 1, that they are one product;
    `reasons` are short sentences, the strongest first.
    """

    match: Literal["vector", "review"]
    chain_id: str
    item_code: str
    item_name: str
    own_master_id: int
    candidate_id: int
    candidate_name: str
    score: float
    reasons: list[str] = []


class MatchCounts(msgspec.Struct):
    """How many of a batch's items were matched in which way, and the decisions that rest on evidence.

    `decisions` holds why an item was given to a master and what is asked about it, again for every batch in
    which it occurs; they are identified by (chain_id, item_code, candidate_id).
    """

    gtin: int = 0
    alias: int = 0
    vector: int = 0
    review: int = 0
    new: int = 0
    decisions: list[Decision] = []

    def add(self, other: MatchCounts) -> None:
        """Counts other items into this."""
        self.gtin += other.gtin
        self.alias += other.alias
        self.vector += other.vector
        self.review += other.review
        self.new += other.new
        self.decisions += other.decisions
