"""The circuit breaker of a portal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from gogobe.io.backoff import backoff


@dataclass
class Circuit:
    """A circuit breaker: counts consecutive failures. After `OPEN_AFTER` failures it is open until a request
    succeeds. The pause between attempts grows while it is open."""

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
        """Records a success. Returns whether it closes an open circuit."""
        was_open = self.state == "open"
        self.failures = 0
        return was_open

    def fail(self, retry_after: float | None = None) -> float:
        """Records a failure. Returns the seconds until the next attempt: `backoff`, but at least
        `retry_after`, which the portal requests."""
        self.failures += 1
        asked = min(self.LONGEST_ASKED_SECONDS, retry_after or 0.0)
        return max(asked, backoff(self.failures, self.first_seconds, self.LONGEST_SECONDS))
