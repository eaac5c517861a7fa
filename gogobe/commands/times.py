"""Times on the command line: parsing and formatting."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

_AGO: Final = re.compile(r"(\d{1,6})\s*(s|min|m|h|d|w)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class Moment(click.ParamType[datetime]):
    """A time: `2026-08-07`, `2026-08-07T06:00` (local unless it names a zone), or how long ago: `30m`, `7d`."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            return parse_moment(str(value), datetime.now(UTC))
        except ValueError as error:
            self.fail(str(error), param, ctx)


MOMENT: Final = Moment()


def parse_moment(text: str, now: datetime) -> datetime:
    """The time (aware) of a text, relative to `now`. Raises ValueError with the accepted forms.

    >>> now = datetime(2026, 8, 7, 12, tzinfo=UTC)
    >>> parse_moment("2h", now).isoformat()
    '2026-08-07T10:00:00+00:00'
    """
    try:
        if ago := _AGO.fullmatch(text.strip().lower()):
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: 2026-08-07, 2026-08-07T06:00 (local time), 2026-08-07T06:00+03:00, "
            "or how long ago: 30m, 2h, 7d"
        ) from None
    return at if at.tzinfo is not None else at.astimezone()


def shown_time(at: datetime | None) -> str:
    """A time for display, local with its zone: `2026-08-07 06:00:00 IDT`; empty for None."""
    if at is None:
        return ""
    local = at.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S %Z}"


def shown_minute(at: datetime) -> str:
    """A time for display without seconds, local with its zone: `2026-08-07 06:00 IDT`."""
    return f"{at.astimezone():%Y-%m-%d %H:%M %Z}"


def shown_seconds(seconds: float | None) -> str:
    """A duration for display: `0.8 s`, `12 s`, `3 min`, `2.5 h`, `4 d`; empty for None."""
    if seconds is None:
        return ""
    for unit, length, below in (("s", 1, 100), ("min", 60, 100), ("h", 3600, 48)):
        if abs(seconds) < length * below:
            number = seconds / length
            return f"{number:.1f} {unit}" if abs(number) < 10 else f"{number:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"
