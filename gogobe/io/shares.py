"""While many announcements wait, each chain has a share; what exceeds it goes to the overflow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

# Beyond this number of announcements that wait in the topic, each chain has a share.
CROWD: Final = 300
# The share of a chain on one worker: so many announcements at once, and so many a second from then on.
BURST: Final = 4
A_SECOND: Final = 2.0


@dataclass
class _Bucket:
    tokens: float
    at: float


@dataclass
class Shares:
    """Decides for each announcement, on one worker.

    A chain that exceeded its share stays in the overflow until the overflow is empty, so that the files of a
    store keep their order. All times are of one monotonic clock, in seconds.
    """

    clock: Callable[[], float] = time.monotonic
    _is_crowded: bool = False
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _diverted: set[str] = field(default_factory=set)

    def look(self, waiting: int, in_overflow: int) -> None:
        """Takes note of how many announcements wait in the topic, and in the overflow."""
        self._is_crowded = waiting > CROWD
        if not self._is_crowded:
            self._buckets.clear()
            if not in_overflow:
                self._diverted.clear()

    def admits(self, chain: str) -> bool:
        """Whether an announcement of a chain goes on now; otherwise it belongs to the overflow."""
        if chain in self._diverted:
            return False
        if not self._is_crowded:
            return True
        now = self.clock()
        bucket = self._buckets.setdefault(chain, _Bucket(BURST, now))
        bucket.tokens = min(BURST, bucket.tokens + (now - bucket.at) * A_SECOND)
        bucket.at = now
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        self._diverted.add(chain)
        return False
