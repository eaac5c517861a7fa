"""Hours of the week in settings: `03:00-07:00`, `22:00-05:00` past midnight, `sat 00:00-24:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY: Final = f"(?:{'|'.join(_DAYS)})"
_FORM: Final = re.compile(rf"(?:({_DAY})(?:-({_DAY}))?\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)", re.IGNORECASE)
_MINUTES_OF_DAY: Final = 24 * 60


@dataclass(frozen=True)
class Hours:
    """A range of minutes of the day, counted from midnight, on some or all weekdays (Monday is 0).

    `end` is exclusive. A range that ends at or before its start continues past midnight; it belongs to the
    weekday on which it starts.
    """

    start: int
    end: int
    days: frozenset[int] = frozenset(range(7))

    @classmethod
    def parse(cls, text: str) -> Hours:
        """Reads `HH:MM-HH:MM`, after an optional weekday (`sat`) or span of weekdays (`sun-thu`).

        Raises ValueError.

        >>> Hours.parse("sat 22:00-05:00")
        Hours(start=1320, end=300, days=frozenset({5}))
        """
        form = _FORM.fullmatch(text.strip())
        if form is None:
            raise ValueError(f"{text!r} is no span of hours, as in 03:00-07:00 or sat 00:00-24:00")
        start = int(form[3]) * 60 + int(form[4])
        end = int(form[5]) * 60 + int(form[6])
        if start >= _MINUTES_OF_DAY or end > _MINUTES_OF_DAY or int(form[4]) > 59 or int(form[6]) > 59:
            raise ValueError(f"{text!r}: a day has the hours 00:00 to 24:00")
        return cls(start, end, _days(form[1], form[2]))

    def contain(self, moment: datetime) -> bool:
        """Whether a time, local to the portal, is within these hours."""
        minute = moment.hour * 60 + moment.minute
        today = moment.weekday()
        if self.start < self.end:
            return today in self.days and self.start <= minute < self.end
        if minute >= self.start:
            return today in self.days
        return minute < self.end and (today - 1) % 7 in self.days


def _days(first: str | None, last: str | None) -> frozenset[int]:
    if first is None:
        return frozenset(range(7))
    begin = _DAYS.index(first.lower())
    end = _DAYS.index((last or first).lower())
    return frozenset((begin + offset) % 7 for offset in range((end - begin) % 7 + 1))
