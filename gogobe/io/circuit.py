"""How a portal has answered lately, and how long to wait before it is asked again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar


def backoff(failures: int, first: float, longest: float) -> float:
    """Seconds until the next attempt after so many failures (from 1): half to all of a span that begins with
    `first` and doubles up to `longest`. The random part keeps portals and files from moving in step."""
    span = min(longest, first * 2.0 ** min(failures - 1, 16))
    return span * random.uniform(0.5, 1.0)


@dataclass
class Circuit:
    """Counts failures in a row. After `OPEN_AFTER` of them the portal counts as ill: its circuit is open until
    it answers again. The longer it is ill, the less often it is asked."""

    failures: int = 0
    first_seconds: float = 30.0

    OPEN_AFTER: ClassVar[int] = 4
    LONGEST_SECONDS: ClassVar[float] = 1800.0
    LONGEST_ASKED_SECONDS: ClassVar[float] = 6 * 3600.0

    @property
    def state(self) -> str:
        """`open` or `closed`."""
        return "open" if self.failures >= self.OPEN_AFTER else "closed"

    def succeed(self) -> bool:
        """The portal has answered; whether that closes an open circuit."""
        was_open = self.state == "open"
        self.failures = 0
        return was_open

    def fail(self, retry_after: float | None = None) -> float:
        """The portal has failed; the seconds until it may be asked again: `backoff`, and no less than the
        portal asked for."""
        self.failures += 1
        asked = min(self.LONGEST_ASKED_SECONDS, retry_after or 0.0)
        return max(asked, backoff(self.failures, self.first_seconds, self.LONGEST_SECONDS))
