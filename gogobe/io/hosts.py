"""One portal's host as a worker sees it: how much may be asked of it, and how it has answered."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from gogobe.io.circuit import Circuit

# The first pause of a circuit that opens is this, doubled for each failure before: about half a minute.
FIRST_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Limits:
    """What may be asked of a host: `concurrency` downloads at once, `rate` of them begun a second (None: no
    bound)."""

    concurrency: int
    rate: float | None = None


@dataclass
class Host:
    """The state of one host. All times are of one monotonic clock, in seconds.

    `left` counts the downloads that no bundle waits for. `seconds` is what the last download took, of those
    that have ended the one that began last.
    """

    limits: Limits
    running: int = 0
    left: int = 0
    seconds: float = 0.0
    circuit: Circuit = field(default_factory=lambda: Circuit(first_seconds=FIRST_SECONDS))
    _closed_until: float = 0.0
    _next_turn: float = 0.0
    _measured_from: float = -math.inf

    def is_refusing(self, now: float) -> bool:
        """Whether the host is to be asked for nothing more now: it said when to come again, or its circuit is
        open. When an open circuit's pause is over, one download at a time tries whether it answers."""
        return now < self._closed_until or (self.circuit.state == "open" and self.running + self.left > 0)

    def is_prompt(self, wait: float) -> bool:
        """Whether a download would begin at once and is likely to end within `wait` seconds."""
        is_free = self.running < self.limits.concurrency or self.left == 0
        return is_free and self.seconds <= wait and self.circuit.state == "closed"

    def ready_at(self, now: float) -> float:
        """The earliest time at which another download may begin; infinite until one that runs has ended."""
        if self.running >= (1 if self.circuit.state == "open" else self.limits.concurrency):
            return math.inf
        return max(now, self._closed_until, self._next_turn)

    def begin(self, now: float) -> None:
        """A download begins."""
        self.running += 1
        if self.limits.rate is not None:
            self._next_turn = max(self._next_turn, now) + 1.0 / self.limits.rate

    def end(self, now: float, seconds: float, *, failed: bool, retry_after: float | None = None) -> bool:
        """A download has ended after `seconds`. `failed` says that it is the host's fault. Returns whether its
        circuit is open now and was not before."""
        self.running -= 1
        if now - seconds >= self._measured_from:
            self._measured_from, self.seconds = now - seconds, seconds
        if not failed:
            self.circuit.succeed()
            return False
        was_open = self.circuit.state == "open"
        pause = self.circuit.fail(retry_after)
        if self.circuit.state == "open" or retry_after:
            self._closed_until = max(self._closed_until, now + pause)
        return self.circuit.state == "open" and not was_open

    def cancel(self) -> None:
        """A download was given up, for no fault that counts."""
        self.running -= 1

    def pause(self, now: float) -> float:
        """Seconds until it may be asked again."""
        return max(0.0, self._closed_until - now)

    def backlog_seconds(self) -> float:
        """How long the downloads that are left behind take, about."""
        each = self.seconds / self.limits.concurrency
        if self.limits.rate is not None:
            each = max(each, 1.0 / self.limits.rate)
        return self.left * each

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost if its state were forgotten."""
        return self.running == self.left == self.circuit.failures == 0
