"""Detects a file whose prices are on another scale than the last prices of its store: agorot instead of
shekels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from gogobe.feeds.problems import PROBLEMS, Problem

PRICE_LEVEL_FACTOR: Final = 30
"""A price changed its level if the ratio to the last price is at least this, or at most its inverse. Below 100,
because prices also change between two files, and above any real change."""

# Fewer changed prices may be corrections of single items.
_MIN_COMPARED: Final = 10
_MIN_SHARE: Final = 0.5


@dataclass(frozen=True)
class PriceLevels:
    """The number of a file's prices that were compared with the last price of the same item in the same
    store, and how many of them changed to a higher or a lower level. Counts of several batches can be added.
    """

    compared: int = 0
    higher: int = 0
    lower: int = 0

    def __add__(self, other: PriceLevels) -> PriceLevels:
        return PriceLevels(self.compared + other.compared, self.higher + other.higher, self.lower + other.lower)


def compare_levels(pairs: Iterable[tuple[Decimal, Decimal]]) -> PriceLevels:
    """Counts pairs of a new price and the last one; both are above zero and in the same currency."""
    compared = higher = lower = 0
    for new, last in pairs:
        compared += 1
        higher += new >= last * PRICE_LEVEL_FACTOR
        lower += new * PRICE_LEVEL_FACTOR <= last
    return PriceLevels(compared, higher, lower)


def price_level_problem(levels: PriceLevels) -> Problem | None:
    """The notice `implausible_price_level`, or None: at least half of ten or more compared prices changed
    their level in the same direction."""
    changed = max(levels.higher, levels.lower)
    if levels.compared < _MIN_COMPARED or changed < _MIN_SHARE * levels.compared:
        return None
    code = "implausible_price_level"
    direction = "higher" if levels.higher >= levels.lower else "lower"
    counts = f"{changed} of {levels.compared} are at least {PRICE_LEVEL_FACTOR} times {direction}"
    return Problem(code, f"{PROBLEMS[code]}: {counts}")
