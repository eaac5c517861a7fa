"""When a promotion runs: from the start and end that its elements give, in any layout."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from gogobe.feeds.clock import Clock
from gogobe.feeds.times import clock_time, day_and_hour, hour, is_unreadable, last_moment

_MIDNIGHT: Final = timedelta(0)
_LAST_MINUTE: Final = timedelta(hours=23, minutes=59)


class PublishedTimes(NamedTuple):
    """The texts of a promotion's start and end, as published; None for a field that the feed does not have."""

    start_time: str | None
    end_time: str | None
    start_date: str | None
    end_date: str | None
    start_hour: str | None
    end_hour: str | None


class PromotionTimes(NamedTuple):
    """The period of a promotion (aware), and the hours (HH:MM) of each of its days, where it has them.
    `unreadable` is the first published text that is no time."""

    starts_at: datetime | None
    ends_at: datetime | None
    daily_from: str | None
    daily_to: str | None
    unreadable: str | None


def times_of(clock: Clock, published: PublishedTimes) -> PromotionTimes:
    """The times of a promotion, local times read by `clock`.

    In the layout of 2026 `start_time` and `end_time` limit the period, and the hours apply to each day of it.
    In other layouts an hour belongs to the date next to it.
    """
    start, end, first, last, from_, to = published
    starts_at = day_and_hour(start, None, clock) if start else day_and_hour(first or "", from_, clock)
    ends_at = last_moment(end, None, clock) if end else last_moment(last or "", to, clock)
    if starts_at is not None and ends_at is not None and ends_at <= starts_at and last:
        ends_at = last_moment(last, None, clock)  # a promotion of one day, 00:00 to 00:00
    daily_from = daily_to = None
    if start or end:
        since, until = hour(from_) or _MIDNIGHT, hour(to) or _LAST_MINUTE
        if since > _MIDNIGHT or until < _LAST_MINUTE:
            daily_from, daily_to = clock_time(since), clock_time(until)
    unreadable = next(filter(is_unreadable, (start, end, first, last)), None)
    return PromotionTimes(starts_at, ends_at, daily_from, daily_to, unreadable)
