"""When a portal is asked next: by the hours of its day, and by how it has answered."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final
from zoneinfo import ZoneInfo

from gogobe.chains.hours import Hours
from gogobe.chains.portal import PortalSettings

JITTER: Final = 0.1
_MINUTE: Final = timedelta(minutes=1)
_WEEK_MINUTES: Final = 8 * 24 * 60


class Rhythm:
    """A portal's rhythm, in its local time: fast when full files come, slow at night, silent in quiet hours."""

    def __init__(self, settings: PortalSettings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._quiet = [Hours.parse(text) for text in settings.quiet]
        self._full = [Hours.parse(text) for text in settings.full]
        self._night = [Hours.parse(text) for text in settings.night]

    def is_quiet(self, moment: datetime) -> bool:
        """Whether the portal is not to be asked at this (aware) time."""
        local = moment.astimezone(self._zone)
        return any(hours.contain(local) for hours in self._quiet)

    def interval(self, moment: datetime) -> float:
        """Seconds between two listings at this (aware) time; where hours overlap, the shorter."""
        local = moment.astimezone(self._zone)
        if any(hours.contain(local) for hours in self._full):
            return self._settings.full_every
        if any(hours.contain(local) for hours in self._night):
            return self._settings.night_every
        return self._settings.every

    def next(self, moment: datetime, *, at_least: float = 0.0) -> datetime:
        """When to ask next, after a listing at this (aware) time: an interval later, give or take a tenth so
        that portals do not move in step, or `at_least` seconds later, and never in quiet hours."""
        seconds = max(at_least, self.interval(moment) * random.uniform(1 - JITTER, 1 + JITTER))
        return self.not_quiet(moment + timedelta(seconds=seconds))

    def not_quiet(self, moment: datetime) -> datetime:
        """The first time from this (aware) one on that is not in quiet hours; a week later where all are."""
        for _ in range(_WEEK_MINUTES):
            if not self.is_quiet(moment):
                break
            moment = moment.replace(second=0, microsecond=0) + _MINUTE
        return moment


@dataclass
class Circuit:
    """How a portal has answered lately. After `OPEN_AFTER` failures in a row it counts as ill: its circuit is
    open until it answers again. It is asked ever more seldom."""

    failures: int = 0

    OPEN_AFTER: ClassVar[int] = 4
    FIRST_SECONDS: ClassVar[float] = 30.0
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
        """The portal has failed; the seconds until it may be asked again: half to all of a span that doubles,
        and no less than the portal asked for."""
        self.failures += 1
        span = min(self.LONGEST_SECONDS, self.FIRST_SECONDS * 2.0 ** min(self.failures - 1, 16))
        asked = min(self.LONGEST_ASKED_SECONDS, retry_after or 0.0)
        return max(asked, span * random.uniform(0.5, 1.0))
