"""The slope of a series, robust against outliers, with a confidence interval."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

CONFIDENCE: Final = 0.95
BLOCK_SECONDS: Final = 60.0
# With fewer blocks the interval says nothing.
FEWEST_BLOCKS: Final = 5


@dataclass(frozen=True)
class Trend:
    """A slope in units an hour, with the bounds of its confidence interval, and the median of the values."""

    slope: float
    low: float
    high: float
    median: float

    def grows(self, share: float, least: float) -> bool:
        """Whether the series grows, beyond chance, by more than a `share` of its median an hour and more than
        `least`: the whole interval is above both."""
        return self.low > max(share * self.median, least)


def blocks(
    times: Sequence[float], values: Sequence[float], seconds: float = BLOCK_SECONDS
) -> tuple[list[float], list[float]]:
    """The medians of successive blocks of a series: neighbouring samples depend on each other, and would make
    the interval too narrow."""
    found: dict[int, tuple[list[float], list[float]]] = {}
    for time, value in zip(times, values, strict=True):
        block = found.setdefault(int((time - times[0]) // seconds), ([], []))
        block[0].append(time)
        block[1].append(value)
    return (
        [statistics.median(block) for block, _ in found.values()],
        [statistics.median(block) for _, block in found.values()],
    )


def trend_of(times: Sequence[float], values: Sequence[float]) -> Trend | None:
    """The Theil-Sen slope of a series (times in seconds): the median of the slopes of all pairs, with the
    interval of Sen (1968, https://doi.org/10.1080/01621459.1968.10480934), from the normal approximation of
    Kendall's S. None with fewer than `FEWEST_BLOCKS` values."""
    count = len(values)
    if count < FEWEST_BLOCKS:
        return None
    pairs = combinations(zip(times, values, strict=True), 2)
    slopes = sorted(3600 * (later - value) / (after - at) for (at, value), (after, later) in pairs)
    z = statistics.NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    spread = z * math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
    first = max(0, math.floor((len(slopes) - spread) / 2))
    last = min(len(slopes) - 1, math.ceil((len(slopes) + spread) / 2))
    return Trend(statistics.median(slopes), slopes[first], slopes[last], statistics.median(values))
