"""Why an item got a master, or went to review, in short sentences for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SHORTEST_LEAD: Final = 1.5  # log odds by which a candidate is clearly ahead of the next
_DISTINGUISHES: Final = -1.0  # log odds of a missing word that counts as evidence against the match


def reasons_for(features: Mapping[str, float]) -> list[str]:
    """The reasons for a match, then those against it, from its features by name."""
    found, known = features["words_of_item_found"], features["words_of_candidate_found"]
    in_favour = [
        (features["size_same"], "same size"),
        (features["size_near"], "nearly the same size"),
        (features["size_contained"], "size fits, counted by the piece or by the pack"),
        (found > 0.95 and known > 0.95, "the names have the same words"),
        (0.5 < found <= 0.95 or (found > 0.95 and known <= 0.95), f"{found:.0%} of its words, by rarity"),
        (features["percents_same"], "same percentage"),
        (features["packs_same"], "same number of pieces"),
        (features["numbers_shared"], "same number in the name"),
        (features["brand_shared"] > 0.5 or features["brand_confirmed"], "same brand"),
        (features["price_same"], "same price"),
        (features["price_apart"] < 0.2 and not features["price_same"], "price within 20 %"),
        (features["ahead_of_second"] > _SHORTEST_LEAD, "well ahead of the next candidate"),
    ]
    against = [
        (features["ahead_of_second"] <= _SHORTEST_LEAD, "another candidate is near"),
        (
            features["worst_missing_altogether"] < _DISTINGUISHES,
            "lacks a word of the item that distinguishes products",
        ),
        (found <= 0.5, f"only {found:.0%} of its words, by rarity"),
        (features["size_far"], "sizes differ"),
        (features["percents_differ"], "percentages differ"),
        (features["packs_differ"], "numbers of pieces differ"),
        (features["numbers_differ"], "numbers in the names differ"),
        (features["brand_of_another"] > 0.5, "names a brand of another company"),
        (features["price_far"], "price more than 60 % apart"),
        (features["weighed_differs"], "one is weighed, the other is not"),
    ]
    return [sentence for holds, sentence in [*in_favour, *against] if holds]
