"""The pauses between attempts, for every server that can be away: exponential backoff, half of it random."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass


def backoff(failures: int, first: float, longest: float) -> float:
    """Seconds until the next attempt after this number of failures (from 1): exponential backoff from `first`
    to `longest`, of which half is random, so that retries of portals, files and workers do not coincide."""
    span = min(longest, first * 2.0 ** min(failures - 1, 16))
    return span * random.uniform(0.5, 1.0)


@dataclass(frozen=True)
class Patience:
    """How long an operation is repeated: for `attempts` in all, and no attempt begins after `seconds`."""

    first: float
    longest: float
    attempts: float = math.inf
    seconds: float = math.inf

    def pauses(self) -> Iterator[float]:
        """The seconds to wait before each further attempt. It ends when the operation is to be given up.

        >>> len(list(Patience(first=0.1, longest=1.0, attempts=8).pauses()))
        7
        """
        until = time.monotonic() + self.seconds
        for failures in itertools.count(1):
            pause = backoff(failures, self.first, self.longest)
            if failures >= self.attempts or time.monotonic() + pause > until:
                return
            yield pause
