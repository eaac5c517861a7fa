"""Local times of a feed made aware, by the moment at which its file was downloaded.

Feeds write local times without an offset. In autumn an hour comes twice, in spring one is skipped; and a
portal's clock may be wrong. Nothing that a file reports can have happened after its download, and that decides
both.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

ISRAEL: Final = ZoneInfo("Asia/Jerusalem")
# Clocks of portals differ by minutes from ours.
TOLERANCE: Final = timedelta(minutes=10)
# Offsets from UTC are shorter.
_MAX_OFFSET: Final = timedelta(days=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC) + _MAX_OFFSET
_NEARLY_A_DAY: Final = timedelta(hours=18)
_MOST_DAYS: Final = 10_000


class Clock:
    """Reads the times of one file. `downloaded_at` (aware) is when it was downloaded; without it no time is too
    late. `met_later` is set once `past` has met a time later than that."""

    def __init__(self, downloaded_at: datetime | None = None, zone: ZoneInfo = ISRAEL) -> None:
        self._until = downloaded_at.astimezone(UTC) if downloaded_at else None
        self._zone = zone
        self._steady: dict[int, bool] = {}
        # Local times before this one are before the download, with any offset.
        self._surely_past = datetime.max
        if self._until is not None and self._until > _FIRST:
            self._surely_past = self._until.replace(tzinfo=None) - _MAX_OFFSET
        self.met_later = False

    def aware(self, local: datetime) -> datetime:
        """A time of the clock's zone, made aware; an aware one is returned as it is.

        A time within a repeated or skipped hour has two readings: the later one that is not after the download
        counts. It has a fixed offset, because Python never calls such a time equal to one of another zone.
        Where both are after the download, or it is unknown, the offset from before the change counts.
        """
        if local.tzinfo is not None:
            return local
        day = local.toordinal()
        if self._steady.get(day) or self._is_steady(day):
            return local.replace(tzinfo=self._zone)
        before = local.replace(tzinfo=self._zone, fold=0)
        offsets = (before.utcoffset(), before.replace(fold=1).utcoffset())
        if offsets[0] == offsets[1]:
            return before
        readings = [local.replace(tzinfo=timezone(offset), fold=0) for offset in offsets if offset is not None]
        possible = [reading for reading in readings if self._until is not None and reading <= self._until]
        return max(possible, default=readings[0])

    def _is_steady(self, day: int) -> bool:
        """Whether the clocks do not change on a day (its ordinal), or near its midnights; remembered, because
        nearly all times of a file are of a few days."""
        if day in self._steady:
            return self._steady[day]
        noon = datetime.fromordinal(day).replace(hour=12, tzinfo=self._zone)
        steady = (noon - _NEARLY_A_DAY).utcoffset() == (noon + _NEARLY_A_DAY).utcoffset()
        if len(self._steady) >= _MOST_DAYS:
            self._steady.clear()
        self._steady[day] = steady
        return steady

    def is_later(self, at: datetime) -> bool:
        """Whether this is later than the download, by more than clocks differ."""
        return self._until is not None and at - self._until > TOLERANCE

    def past(self, at: datetime) -> datetime | None:
        """A time at which something has happened: the download's own where it is later by no more than clocks
        differ, None where it is later by more."""
        if self._until is None or at <= self._until:
            return at
        if self.is_later(at):
            self.met_later = True
            return None
        return self._until

    def past_local(self, local: datetime) -> datetime | None:
        """`past(aware(local))`, in one step for most times."""
        if local.tzinfo is None and local < self._surely_past and self._steady.get(local.toordinal()):
            return local.replace(tzinfo=self._zone)
        return self.past(self.aware(local))


UNBOUND: Final = Clock()
