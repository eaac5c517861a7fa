"""The codes of `RewardType` and their meaning for an offer.

Source: the first schedule of the Israeli regulations on price transparency of food chains (2014), "codes of
promotions". Portals fill the code loosely, so it decides only between two readings of the other terms.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final


class Reward(Enum):
    """The kind of reduction that a promotion grants."""

    QUANTITY = "a price for a quantity: 3 identical for X, up to X kg at Y"
    PERCENT = "a percentage off"
    AMOUNT = "a sum off"
    SPEND = "a reduction once a sum is spent"
    CLUB = "a price for club members"
    CONDITIONAL = "buy A, B, C, get a reduction on D"
    FREE = "X + X free, X + 2X, identical items"
    SECOND_SAME = "a reduction on the second of two identical items"
    SECOND_OTHER = "a reduction on the second of two items, the cheaper one"
    BUNDLE = "different items together at a price: X + Y, 3 different for 10"
    OTHER = "another reward, explained in the remarks"


REWARDS: Final[Mapping[str, Reward]] = {
    "1": Reward.QUANTITY,
    "2": Reward.PERCENT,
    "3": Reward.AMOUNT,
    "4": Reward.SPEND,
    "5": Reward.CLUB,
    "6": Reward.CONDITIONAL,
    "7": Reward.FREE,
    "8": Reward.SECOND_SAME,
    "9": Reward.SECOND_OTHER,
    "10": Reward.BUNDLE,
    "11": Reward.OTHER,
}
NTH: Final = frozenset({Reward.FREE, Reward.SECOND_SAME, Reward.SECOND_OTHER})
"""Rewards that reduce some of the units bought, not all."""
