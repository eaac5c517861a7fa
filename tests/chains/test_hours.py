"""Spans of hours, on weekdays and past midnight."""

from datetime import datetime

import pytest

from gogobe.chains.hours import Hours


def at(day: int, time: str) -> datetime:
    """2026-08-10 is a Monday."""
    return datetime.fromisoformat(f"2026-08-{10 + day:02d}T{time}")


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("03:00-07:00", [at(0, "03:00"), at(5, "06:59")], [at(0, "02:59"), at(0, "07:00")]),
        ("22:00-05:00", [at(0, "22:00"), at(0, "23:59"), at(1, "04:59")], [at(0, "05:00"), at(0, "21:59")]),
        ("00:00-24:00", [at(0, "00:00"), at(6, "23:59")], []),
        ("sat 00:00-24:00", [at(5, "00:00"), at(5, "23:59")], [at(4, "23:59"), at(6, "00:00")]),
        ("fri 16:00-03:00", [at(4, "16:00"), at(5, "02:59")], [at(4, "02:00"), at(5, "16:00"), at(5, "03:00")]),
        (
            "sun-thu 08:00-09:00",
            [at(6, "08:30"), at(0, "08:30"), at(3, "08:30")],
            [at(4, "08:30"), at(5, "08:30")],
        ),
        ("SUN 23:00-23:00", [at(6, "23:00"), at(0, "22:59")], [at(0, "23:00"), at(6, "22:00")]),
    ],
)
def test_hours_contain(text: str, inside: list[datetime], outside: list[datetime]):
    hours = Hours.parse(text)
    assert [moment for moment in inside if not hours.contain(moment)] == []
    assert [moment for moment in outside if hours.contain(moment)] == []


@pytest.mark.parametrize(
    "text", ["", "3-7", "24:00-25:00", "08:60-09:00", "24:00-01:00", "day 08:00-09:00", "08:00"]
)
def test_what_is_no_span(text: str):
    with pytest.raises(ValueError, match="hours"):
        Hours.parse(text)
