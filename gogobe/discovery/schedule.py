"""The schedule of a portal's listings: by hour of day, and by the outcome of the last listings."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gogobe.chains.hours import Hours
from gogobe.chains.portal import PortalSettings

JITTER: Final = 0.1
_MINUTE: Final = timedelta(minutes=1)
_WEEK_MINUTES: Final = 8 * 24 * 60


class Schedule:
    """When a portal is listed, in its time zone: at short intervals when full files appear, at long ones at
    night, and never in quiet hours."""

    def __init__(self, settings: PortalSettings) -> None:
        self._settings = settings
        self._zone = ZoneInfo(settings.timezone)
        self._quiet = [Hours.parse(text) for text in settings.quiet]
        self._full = [Hours.parse(text) for text in settings.full]
        self._night = [Hours.parse(text) for text in settings.night]

    def is_quiet(self, moment: datetime) -> bool:
        """Whether this (aware) time is in the portal's quiet hours."""
        local = moment.astimezone(self._zone)
        return any(hours.contain(local) for hours in self._quiet)

    def interval(self, moment: datetime) -> float:
        """Seconds between two listings at this (aware) time; of overlapping hours, the shorter interval."""
        local = moment.astimezone(self._zone)
        if any(hours.contain(local) for hours in self._full):
            return self._settings.full_every
        if any(hours.contain(local) for hours in self._night):
            return self._settings.night_every
        return self._settings.every

    def next(self, moment: datetime, *, at_least: float = 0.0) -> datetime:
        """The time of the next listing after one at this (aware) time.

        It is an interval later (plus or minus a tenth, so that portals spread), but at least `at_least` seconds
        later, and outside quiet hours.
        """
        seconds = max(at_least, self.interval(moment) * random.uniform(1 - JITTER, 1 + JITTER))
        return self.not_quiet(moment + timedelta(seconds=seconds))

    def not_quiet(self, moment: datetime) -> datetime:
        """The first time outside quiet hours, from this (aware) one on; a week later if there is none."""
        for _ in range(_WEEK_MINUTES):
            if not self.is_quiet(moment):
                break
            moment = moment.replace(second=0, microsecond=0) + _MINUTE
        return moment
