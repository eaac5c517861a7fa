"""When a promotion runs, from the texts of its start and end."""

from datetime import datetime

import pytest

from gogobe.feeds.clock import ISRAEL, UNBOUND
from gogobe.feeds.promotion_times import PublishedTimes, times_of

NO_TIMES = PublishedTimes(None, None, None, None, None, None)


def at(day: str) -> datetime:
    return datetime.fromisoformat(day).replace(tzinfo=ISRAEL)


def test_an_hour_belongs_to_the_date_next_to_it():
    published = NO_TIMES._replace(
        start_date="2025-07-01", start_hour="08:00:00", end_date="2025-07-31", end_hour="23:00:00"
    )
    found = times_of(UNBOUND, published)
    assert (found.starts_at, found.ends_at) == (at("2025-07-01 08:00:00"), at("2025-07-31 23:00:00"))
    assert found.daily_from is found.daily_to is None


def test_in_the_layout_of_2026_the_hours_apply_to_each_day():
    published = NO_TIMES._replace(
        start_time="2026-08-01 00:00", end_time="2026-08-31 22:00", start_hour="07:00", end_hour="21:30"
    )
    found = times_of(UNBOUND, published)
    assert (found.starts_at, found.ends_at) == (at("2026-08-01 00:00:00"), at("2026-08-31 22:00:00"))
    assert (found.daily_from, found.daily_to) == ("07:00", "21:30")


@pytest.mark.parametrize(("first", "last"), [("00:00", "23:59"), (None, None), ("00:00:00", "24:00")])
def test_hours_of_a_whole_day_limit_nothing(first: str | None, last: str | None):
    published = NO_TIMES._replace(
        start_time="2026-08-01", end_time="2026-08-31", start_hour=first, end_hour=last
    )
    found = times_of(UNBOUND, published)
    assert found.daily_from is found.daily_to is None


def test_a_promotion_from_midnight_to_midnight_of_one_day_lasts_that_day():
    published = NO_TIMES._replace(
        start_date="2025-07-01", start_hour="00:00", end_date="2025-07-01", end_hour="00:00"
    )
    found = times_of(UNBOUND, published)
    assert (found.starts_at, found.ends_at) == (at("2025-07-01 00:00:00"), at("2025-07-01 23:59:59"))


def test_the_first_text_that_is_no_time_is_reported():
    published = NO_TIMES._replace(start_date="soon", end_date="2025-07-31")
    found = times_of(UNBOUND, published)
    assert (found.starts_at, found.unreadable) == (None, "soon")


def test_a_promotion_without_times_has_none():
    assert times_of(UNBOUND, NO_TIMES) == (None, None, None, None, None)
