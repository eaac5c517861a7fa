"""Converts the local times of a feed to aware times, using the time of the file's download.

Feeds write local times without an offset. An hour in autumn occurs twice, and one in spring does not exist; a
portal's clock may also be wrong. An event in a file is never later than its download, which resolves both.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

ISRAEL: Final = ZoneInfo("Asia/Jerusalem")
# The clocks of portals and of this system differ by minutes.
TOLERANCE: Final = timedelta(minutes=10)
# The largest offset from UTC is below this.
_MAX_OFFSET: Final = timedelta(days=1)
_FIRST: Final = datetime.min.replace(tzinfo=UTC) + _MAX_OFFSET
_NEARLY_A_DAY: Final = timedelta(hours=18)
_MAX_DAYS: Final = 10_000


class Clock:
    """Interprets the times of one file. `downloaded_at` (aware) is the time of its download; without it no
    time is too late. `met_future_time` is set when `past` rejects a time."""

    def __init__(self, downloaded_at: datetime | None = None, zone: ZoneInfo = ISRAEL) -> None:
        self._until = downloaded_at.astimezone(UTC) if downloaded_at else None
        self._zone = zone
        self._steady: dict[int, bool] = {}
        # A local time before this one precedes the download with any offset.
        self._surely_past = datetime.max
        if self._until is not None and self._until > _FIRST:
            self._surely_past = self._until.replace(tzinfo=None) - _MAX_OFFSET
        self.met_future_time = False

    def aware(self, local: datetime) -> datetime:
        """An aware time for a local time of the clock's zone; an aware time is returned unchanged.

        A time in a repeated or skipped hour has two readings. The later one that is not after the download
        counts; if both are after it, or the download is unknown, the reading with the offset before the
        change. The result has a fixed offset then, because Python never treats such a time as equal to one in
        another zone.
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
        """Whether the offset does not change on a day (its ordinal) or close to its midnights. Cached,
        because nearly all times of a file are on a few days."""
        if day in self._steady:
            return self._steady[day]
        noon = datetime.fromordinal(day).replace(hour=12, tzinfo=self._zone)
        steady = (noon - _NEARLY_A_DAY).utcoffset() == (noon + _NEARLY_A_DAY).utcoffset()
        if len(self._steady) >= _MAX_DAYS:
            self._steady.clear()
        self._steady[day] = steady
        return steady

    def is_later(self, at: datetime) -> bool:
        """Whether a time is later than the download by more than clocks differ."""
        return self._until is not None and at - self._until > TOLERANCE

    def past(self, at: datetime) -> datetime | None:
        """The time of an event that has happened. Later than the download by no more than clocks differ: the
        time of the download. Later by more: None."""
        if self._until is None or at <= self._until:
            return at
        if self.is_later(at):
            self.met_future_time = True
            return None
        return self._until

    def past_local(self, local: datetime) -> datetime | None:
        """`past(aware(local))`, with a fast path for most times."""
        if local.tzinfo is None and local < self._surely_past and self._steady.get(local.toordinal()):
            return local.replace(tzinfo=self._zone)
        return self.past(self.aware(local))


UNBOUND: Final = Clock()
