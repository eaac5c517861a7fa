"""Times as they are given and shown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gogobe.commands.times import parse_moment, shown_seconds, shown_time

NOW = datetime(2026, 8, 7, 12, tzinfo=UTC)


@pytest.fixture
def jerusalem(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Jerusalem")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("jerusalem")
@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-08-07", datetime(2026, 8, 6, 21, tzinfo=UTC)),
        ("2026-08-07T06:00", datetime(2026, 8, 7, 3, tzinfo=UTC)),
        ("2026-01-07T06:00", datetime(2026, 1, 7, 4, tzinfo=UTC)),
        ("2026-08-07T06:00+00:00", datetime(2026, 8, 7, 6, tzinfo=UTC)),
        ("2026-08-07T06:00Z", datetime(2026, 8, 7, 6, tzinfo=UTC)),
        ("30m", NOW - timedelta(minutes=30)),
        (" 2 H", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
    ],
)
def test_times_are_local_unless_they_name_a_zone(text: str, at: datetime):
    assert parse_moment(text, NOW) == at


@pytest.mark.parametrize("text", ["", "yesterday", "7", "5y", "2026-13-01", "999999w", "-1d"])
def test_what_is_no_time_is_refused_with_the_forms(text: str):
    with pytest.raises(ValueError, match="or how long ago: 30m, 2h, 7d"):
        parse_moment(text, NOW)


@pytest.mark.usefixtures("jerusalem")
def test_times_are_shown_with_their_zone():
    assert shown_time(NOW) == "2026-08-07 15:00:00 IDT"
    assert shown_time(None) == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, ""), (0.84, "0.8 s"), (42.4, "42 s"), (200, "3.3 min"), (7200, "2.0 h"), (10**6, "12 d")],
)
def test_lengths_of_time_have_a_fitting_unit(seconds: float | None, shown: str):
    assert shown_seconds(seconds) == shown
