"""Converts the days, hours and times of feeds to aware times.

Forms of times: `2025-12-18 09:15:00`, `2026-2-1 9:05`, `2016/08/27 11:17`, `1/2/2026 9:05` and `01.02.2026`
(day first), `8/27/2016` (month first, the only valid reading), `20260201`, `202602010900`, `20260201090000`,
ISO 8601 with T, fractions and offset, `24:00`. Hours without a day: `9:05`, `0905`, `23:59:59.997`, `9:05
PM`, or a whole time of which only the hour counts (`1900-01-01T23:59:00`).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Final, NamedTuple

from gogobe.feeds.clock import UNBOUND, Clock
from gogobe.feeds.values import NULL_WORDS

_FIRST_YEAR: Final = 1971
_LAST_YEAR: Final = 9000
_DAY: Final = timedelta(days=1)
_LAST_SECOND: Final = timedelta(hours=23, minutes=59, seconds=59)
# The maximum length of these forms.
_LONGEST: Final = 64

_CLOCK_TIME: Final = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:[.,](?P<fraction>\d+))?)?"
    r"\s*(?P<half>[AaPp])?(?(half)\.?[Mm]\.?)"
)
_ZONE: Final = r"\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?"
_PARTS: Final = re.compile(
    rf"(?P<a>\d{{1,4}})(?P<mark>[-/.])(?P<b>\d{{1,2}})(?P=mark)(?P<c>\d{{1,4}})(?:[Tt\s,_-]+(?:{_CLOCK_TIME}|(?P<digits>\d{{1,6}})){_ZONE})?",
    re.ASCII,
)
_PACKED: Final = re.compile(
    rf"(?P<day>\d{{8}})(?:[Tt\s_-]*(?:(?P<digits>\d{{4}}(?:\d{{2}})?)|{_CLOCK_TIME}){_ZONE})?", re.ASCII
)
_HOUR: Final = re.compile(rf"(?:[\d/.-]+[Tt\s]+)?(?:{_CLOCK_TIME}|(?P<digits>\d{{1,6}})){_ZONE}", re.ASCII)
# Dates that databases use for no day.
_NO_DAY: Final = re.compile(r"0000|0001|9999|\d\d?[/.-]\d\d?[/.-](?:0000|0001|9999)")
# Zeros that mean no hour; 00:00 is written with four or six digits.
_ZEROS: Final = frozenset({"0", "00", "000", "00000"})


class Written(NamedTuple):
    """A day as written, with the time since its beginning and the offset, if given."""

    day: date
    since: timedelta | None
    zone: tzinfo | None


def moment(raw: str, clock: Clock = UNBOUND) -> datetime | None:
    """A time in any of the forms, as an aware time; local by the clock if it has no offset. None for other
    text and outside the years 1971 to 9000.

    >>> moment("1/2/2026 9:05").isoformat(), moment("20260201090500").isoformat()
    ('2026-02-01T09:05:00+02:00', '2026-02-01T09:05:00+02:00')
    """
    stripped = raw.strip()
    try:
        value = datetime.fromisoformat(stripped)
    except ValueError:
        written = _written(stripped)
        return None if written is None else _at(written, written.since or timedelta(0), clock)
    return clock.aware(value) if _FIRST_YEAR <= value.year <= _LAST_YEAR else None


def past(raw: str, clock: Clock = UNBOUND) -> datetime | None:
    """As `moment`, for an event that has happened (an update, a sale); None if it is later than the
    download."""
    try:
        value = datetime.fromisoformat(raw)
    except ValueError:
        at = moment(raw, clock)
        return None if at is None else clock.past(at)
    return clock.past_local(value) if _FIRST_YEAR <= value.year <= _LAST_YEAR else None


def is_unreadable(raw: str | None) -> bool:
    """Whether a text should be a day or a time and is none. A null word, or a default of the year 0, 1 or
    9999, means no time and is readable."""
    stripped = (raw or "").strip()
    return stripped not in NULL_WORDS and _written(stripped) is None and not _NO_DAY.match(stripped)


def hour(raw: str | None) -> timedelta | None:
    """An hour without a day, as the time since midnight, up to 24:00; None for other text."""
    stripped = (raw or "").strip()
    if len(stripped) > _LONGEST or stripped in _ZEROS:
        return None
    match = _HOUR.fullmatch(stripped)
    return _since(match) if match else None


def day_and_hour(day: str, hour_raw: str | None, clock: Clock = UNBOUND) -> datetime | None:
    """A time whose day and hour are in two elements. If the hour is unreadable, the hour in the day's element
    counts."""
    written = _written(day.strip())
    if written is None:
        return None
    since = hour(hour_raw)
    return _at(written, since if since is not None else written.since or timedelta(0), clock)


def last_moment(day: str, hour_raw: str | None, clock: Clock = UNBOUND) -> datetime | None:
    """As `day_and_hour`, for an end. A day without a readable hour, or that ends at 24:00 or 00:00, lasts
    until its last second: feeds write midnight if no hour was entered."""
    written = _written(day.strip())
    if written is None:
        return None
    since = hour(hour_raw)
    if since is None:
        since = written.since
    return _at(written, since if since and since < _DAY else _LAST_SECOND, clock)


def clock_time(since: timedelta) -> str:
    """A time since midnight as HH:MM."""
    minutes = int(since.total_seconds()) // 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _at(written: Written, since: timedelta, clock: Clock) -> datetime | None:
    value = datetime.combine(written.day, datetime.min.time()) + since
    return clock.aware(value.replace(tzinfo=written.zone))


def _written(stripped: str) -> Written | None:
    if len(stripped) > _LONGEST:
        return None
    match = _PARTS.fullmatch(stripped)
    if match is not None:
        day = _day_of(match["a"], match["mark"], match["b"], match["c"])
    elif match := _PACKED.fullmatch(stripped):
        digits = match["day"]
        day = _valid(digits[:4], digits[4:6], digits[6:]) or _valid(digits[4:], digits[2:4], digits[:2])
    else:
        return None
    if day is None:
        return None
    has_time = match["hour"] is not None or match["digits"] is not None
    since = _since(match) if has_time else None
    if has_time and since is None:
        return None
    return Written(day, since, _zone(match["zone"]))


def _day_of(a: str, mark: str, b: str, c: str) -> date | None:
    if len(a) == 4:
        return _valid(a, b, c) if len(c) <= 2 else None
    if len(a) > 2:
        return None
    if len(c) == 2 and mark != "-":
        c = f"20{c}"
    if len(c) != 4:
        return None
    return _valid(c, b, a) or _valid(c, a, b)


def _valid(year: str, month: str, day: str) -> date | None:
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _since(match: re.Match[str]) -> timedelta | None:
    if digits := match["digits"]:
        digits = digits.zfill(2 if len(digits) <= 2 else 4 if len(digits) <= 4 else 6).ljust(6, "0")
        hours, minutes, seconds, micros = int(digits[:2]), int(digits[2:4]), int(digits[4:]), 0
    else:
        hours, minutes = int(match["hour"]), int(match["minute"])
        seconds, micros = int(match["second"] or 0), int((match["fraction"] or "0")[:6].ljust(6, "0"))
        if half := match["half"]:
            if not 1 <= hours <= 12:
                return None
            hours = hours % 12 + (12 if half in "Pp" else 0)
    if minutes > 59 or seconds > 59:
        return None
    since = timedelta(hours=hours, minutes=minutes, seconds=seconds, microseconds=micros)
    return since if since <= _DAY else None


def _zone(published: str | None) -> tzinfo | None:
    if published is None:
        return None
    if published in "Zz":
        return UTC
    offset = timedelta(hours=int(published[1:3]), minutes=int(published[-2:]))
    return timezone(-offset if published[0] == "-" else offset) if offset < _DAY else None
