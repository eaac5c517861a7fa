"""While many announcements wait, each chain has a share; what exceeds it goes to the overflow."""

from __future__ import annotations

import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from gogobe.io.kafka.offsets import PartitionOffsets

# From this number of announcements on that wait in the topic, each chain has a share.
CROWD: Final = 100
# The share of a chain on one worker: so many announcements at once, and so many a second from then on.
BURST: Final = 4
A_SECOND: Final = 2.0
# That of all chains together: a checkpoint waits for what goes on.
BURST_OF_ALL: Final = 20
A_SECOND_OF_ALL: Final = 20.0
# How long an answer of `Shares.ask` is used: in seconds, and in announcements that exceed a share.
USED_SECONDS: Final = 1.0
USED_TIMES: Final = 10
# More chains than any country has; chains come from messages, which may name anything.
MOST_CHAINS: Final = 50_000


class Waiting(NamedTuple):
    """How many announcements wait in their topic, and the group's offsets in the overflow, by partition."""

    announced: int
    overflow: Mapping[int, PartitionOffsets]


@dataclass
class _Bucket:
    """A token bucket."""

    burst: float
    a_second: float
    tokens: float
    at: float

    def fill(self, now: float) -> bool:
        """Fills it up to `now`; whether it has a token."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.a_second)
        self.at = now
        return self.tokens >= 1


@dataclass
class Shares:
    """Decides for each announcement, on one worker. `ask` answers what waits, None if that is unknown; it is
    called at first, and while a chain exceeds its share.

    A chain that exceeded its share in a crowd stays in the overflow until what it has there is done, so that
    files do not overtake older ones of their store there. What was in the overflow at first may be of any chain
    of its partition. All times are of one monotonic clock, in seconds.
    """

    ask: Callable[[], Waiting | None]
    clock: Callable[[], float] = time.monotonic
    _last: Waiting | None = None
    _expires: float = float("-inf")
    _uses: int = 0
    _at_first: Mapping[int, int] = field(default_factory=dict)
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _of_all: _Bucket = field(default_factory=lambda: _Bucket(BURST_OF_ALL, A_SECOND_OF_ALL, BURST_OF_ALL, 0.0))
    # Announcements on their way into the overflow, and the offset there after what arrived, by chain.
    _under_way: Counter[str] = field(default_factory=Counter)
    _after: dict[str, int] = field(default_factory=dict)

    def divert(self, chain: str) -> int | None:
        """None if an announcement of a chain goes on now; otherwise its partition of the overflow. The caller
        writes it there, and calls `arrived`."""
        if self._last is None or self._is_behind(chain):
            self._look()
        if self._last is None:
            return None
        if not self._is_behind(chain):
            if self._is_within(chain):
                return None
            self._look()
            if self._last.announced < CROWD:
                self._uses += 1
                return None
        self._under_way[chain] += 1
        return self._partition(chain)

    def arrived(self, chains: Counter[str], ends: Mapping[int, int]) -> None:
        """Announcements are in the overflow, before the given ends of its partitions; or they will not arrive,
        and come again."""
        self._under_way -= chains
        for chain in chains:
            end = ends.get(self._partition(chain), 0)
            self._after[chain] = max(end, self._after.get(chain, 0))
        if len(self._after) > MOST_CHAINS:
            self._after = {chain: end for chain, end in self._after.items() if self._is_behind(chain)}

    def _partition(self, chain: str) -> int:
        """The same one in each worker, as long as the job reads the same partitions."""
        assert self._last is not None
        partitions = sorted(self._last.overflow)
        return partitions[zlib.crc32(chain.encode()) % len(partitions)]

    def _is_behind(self, chain: str) -> bool:
        """Whether older announcements of a chain are, or may be, in the overflow."""
        if self._under_way[chain]:
            return True
        if self._last is None:
            return False
        partition = self._partition(chain)
        done = self._last.overflow[partition].next
        return done < max(self._after.get(chain, 0), self._at_first.get(partition, 0))

    def _is_within(self, chain: str) -> bool:
        """Whether the shares of the chain and of all have something left; takes it."""
        now = self.clock()
        if len(self._buckets) > MOST_CHAINS:
            self._buckets.clear()
        own = self._buckets.setdefault(chain, _Bucket(BURST, A_SECOND, BURST, now))
        if not (own.fill(now) and self._of_all.fill(now)):
            return False
        own.tokens -= 1
        self._of_all.tokens -= 1
        return True

    def _look(self) -> None:
        if self.clock() < self._expires and self._uses < USED_TIMES:
            return
        answer = self.ask()
        if answer is not None:
            if self._last is None:
                self._at_first = {place: offsets.high for place, offsets in answer.overflow.items()}
            self._last = answer
        self._expires = self.clock() + USED_SECONDS
        self._uses = 0
