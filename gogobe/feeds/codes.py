"""The type codes of promotions that determine the unit of a discount rate, by layout.

The regulations define `RewardType` for all layouts (`offers/reward_types.py`). The meaning of `DiscountType`
was observed in real files and checked against prices and descriptions: in the first layout (Rami Levy and
King Store, 2025 and 2026) and the flat one of Super-Pharm (2024). In the layout of 2026 it is mostly empty;
reward type and prices decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from gogobe.offers.reward_types import Reward

Unit = Literal["percent", "amount"]

DISCOUNT_TYPES: Final[Mapping[str, Unit]] = {"0": "percent", "1": "amount"}

REWARD_UNITS: Final[Mapping[Reward, Unit]] = {
    Reward.PERCENT: "percent",
    Reward.AMOUNT: "amount",
    Reward.FREE: "percent",
    Reward.SECOND_SAME: "percent",
    Reward.SECOND_OTHER: "percent",
}

# The number of units of a DiscountRate in one percent or one unit of currency: 20.00 or 2000 for 20 %, 35.00
# or 3500 for 35 shekels; also a fraction of one, 0.2 for 20 %. The scale depends on the software: that of
# Rami Levy changed between February (2000) and August 2026 (20.00).
SCALES: Final[Mapping[Unit, tuple[str, ...]]] = {"percent": ("1", "100", "0.01"), "amount": ("1", "100")}
