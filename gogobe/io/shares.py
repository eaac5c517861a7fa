"""While many announcements wait, each chain has a share; what exceeds it goes to the overflow."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

# From this number of announcements on that wait in the topic, each chain has a share.
CROWD: Final = 100
# The share of a chain on one worker: so many announcements at once, and so many a second from then on.
BURST: Final = 4
A_SECOND: Final = 2.0
# That of all chains together: a checkpoint waits for what goes on.
BURST_OF_ALL: Final = 20
A_SECOND_OF_ALL: Final = 20.0
# How long an answer of `Shares.waiting` is used: in seconds, and in announcements that exceed a share.
USED_SECONDS: Final = 1.0
USED_TIMES: Final = 10
# More chains than any country has; chains come from messages, which may name anything.
MOST_CHAINS: Final = 50_000


class Waiting(NamedTuple):
    """How many announcements wait: in their topic, and in the overflow."""

    announced: int = 0
    in_overflow: int = 0


@dataclass
class _Bucket:
    """A token bucket."""

    burst: float
    a_second: float
    tokens: float
    at: float

    def take(self, now: float) -> bool:
        """Takes a token if there is one."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.a_second)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class Shares:
    """Decides for each announcement, on one worker. `waiting` answers how many wait; it is asked only while a
    chain exceeds its share.

    A chain that exceeded its share in a crowd stays in the overflow until the overflow is empty, so that the
    files of a store keep their order. All times are of one monotonic clock, in seconds.
    """

    waiting: Callable[[], Waiting]
    clock: Callable[[], float] = time.monotonic
    _last: Waiting = field(default_factory=Waiting)
    _expires: float = 0.0
    _uses: int = 0
    _buckets: dict[str | None, _Bucket] = field(default_factory=dict)
    _diverted: set[str] = field(default_factory=set)

    def admits(self, chain: str) -> bool:
        """Whether an announcement of a chain goes on now; otherwise it belongs to the overflow."""
        if chain not in self._diverted and self._is_within(chain):
            return True
        self._ask()
        is_crowd = self._last.announced >= CROWD
        if not is_crowd and not self._last.in_overflow:
            self._diverted.clear()
        if chain not in self._diverted and not is_crowd:
            self._uses += 1
            return True
        self._diverted.add(chain)
        return False

    def _is_within(self, chain: str) -> bool:
        """Whether the shares of the chain and of all have something left; takes it."""
        now = self.clock()
        if len(self._buckets) > MOST_CHAINS:
            self._buckets.clear()
        of_all = self._buckets.setdefault(None, _Bucket(BURST_OF_ALL, A_SECOND_OF_ALL, BURST_OF_ALL, now))
        own = self._buckets.setdefault(chain, _Bucket(BURST, A_SECOND, BURST, now))
        return own.take(now) and of_all.take(now)

    def _ask(self) -> None:
        if self.clock() >= self._expires or self._uses >= USED_TIMES:
            self._last = self.waiting()
            self._expires = self.clock() + USED_SECONDS
            self._uses = 0
