"""Times in all forms that feeds write, and the day and hour of a promotion's beginning and end."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.feeds.clock import ISRAEL
from gogobe.feeds.times import clock_time, day_and_hour, hour, last_moment, moment

NINE = datetime(2026, 2, 1, 9, 0, tzinfo=ISRAEL)


@pytest.mark.parametrize(
    "written",
    [
        "2026-02-01 09:00", "2026-02-01 9:00", "2026-2-1 9:0:0", "2026/02/01 09:00:00", "2026.2.1 9:00",
        "1/2/2026 9:00", "01-02-2026 09:00:00", "01.02.2026 9:00", "1/2/26 9:00", "01.02.26 09:00",
        "20260201090000", "202602010900", "20260201 0900", "20260201T090000", "20260201-090000", "2026-02-01 0900",
        "2026-02-01T09:00", "2026-02-01T09:00:00.0000000", "2026-02-01T07:00:00Z", "2026-02-01T09:00:00+02:00",
        "2026-02-01 09:00:00 +0200", "2026-02-01 09:00:00,000", "2026-02-01 9:00 AM", " 2026-02-01 09:00:00\n",
        "2026-02-01, 09:00", "01022026 0900", "2026-02-01 9",
    ],
)  # fmt: skip
def test_one_time_in_many_forms(written: str):
    assert moment(written) == NINE


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("2026-02-01 24:00", "2026-02-02T00:00:00+02:00"),
        ("31/12/2026 24:00:00", "2027-01-01T00:00:00+02:00"),
        ("20260201", "2026-02-01T00:00:00+02:00"),
        ("01022026", "2026-02-01T00:00:00+02:00"),
        ("8/27/2016", "2016-08-27T00:00:00+03:00"),
        ("12/11/2026", "2026-11-12T00:00:00+02:00"),
        ("2026-02-01 9:05 PM", "2026-02-01T21:05:00+02:00"),
        ("2026-02-01 12:05 am", "2026-02-01T00:05:00+02:00"),
    ],
)
def test_times(written: str, read_as: str):
    found = moment(written)
    assert found is not None
    assert found.isoformat() == read_as


@pytest.mark.parametrize(
    "written",
    [
        "", " ", "x", "0000-00-00 00:00:00", "01/01/0001 00:00:00", "9999-12-31", "2026-02-30", "31/02/2026",
        "2026-13-01", "13/13/2026", "2026-02-01 24:01", "2026-02-01 25:00", "2026-02-01 09:60", "2026-02-01 13:00 PM",
        "1/2", "9:00", "2026", "202602", "99999999", "٢٠٢٦-٠٢-٠١", "1/2/3/4", "2026-02/01", "1" * 100,
    ],
)  # fmt: skip
def test_what_is_no_time(written: str):
    assert moment(written) is None
    assert last_moment(written, "23:59") is None
    assert day_and_hour(written, "23:59") is None


@given(st.text(max_size=80))
def test_no_text_raises(written: str):
    moment(written)
    hour(written)
    last_moment(written, written)


@given(st.datetimes(datetime(1972, 1, 1), datetime(2200, 1, 1)), st.sampled_from("/.-"))
def test_short_and_long_parts_say_the_same(at: datetime, mark: str):
    at = at.replace(second=0, microsecond=0)
    short = f"{at.day}{mark}{at.month}{mark}{at.year} {at.hour}:{at.minute}"
    long = f"{at.year}{mark}{at.month:02}{mark}{at.day:02} {at.hour:02}:{at.minute:02}:00"
    packed = f"{at:%Y%m%d%H%M}"
    assert moment(short) == moment(long) == moment(packed) is not None


@pytest.mark.parametrize(
    ("written", "since"),
    [
        ("9:05", (9, 5)), ("09:05:00", (9, 5)), ("0905", (9, 5)), ("905", (9, 5)), ("90500", (9, 5)), ("090500", (9, 5)),
        ("9", (9, 0)), ("24:00", (24, 0)), ("2400", (24, 0)), ("00:00", (0, 0)), ("0000", (0, 0)), ("23:59:00.000", (23, 59)),
        ("9:05 PM", (21, 5)), ("1900-01-01T23:59:00", (23, 59)), ("0001-01-01 23:59", (23, 59)),
        ("", None), ("x", None), ("0", None), ("00000", None), ("24:01", None), ("2560", None), ("2026-02-01", None),
    ],
)  # fmt: skip
def test_hours(written: str, since: tuple[int, int] | None):
    assert hour(written) == (since and timedelta(hours=since[0], minutes=since[1]))


@pytest.mark.parametrize(
    ("day", "at", "begins", "ends"),
    [
        ("2026-02-28", "24:00:00", "2026-03-01 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28", "", "2026-02-28 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28", None, "2026-02-28 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28", "x", "2026-02-28 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28 00:00:00", None, "2026-02-28 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28T00:00:00.000", "", "2026-02-28 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28 00:00:00", "23:59", "2026-02-28 23:59:00", "2026-02-28 23:59:00"),
        ("28/02/2026", "9:05", "2026-02-28 09:05:00", "2026-02-28 09:05:00"),
        ("2026-02-28 15:00", None, "2026-02-28 15:00:00", "2026-02-28 15:00:00"),
        ("20260228", "2359", "2026-02-28 23:59:00", "2026-02-28 23:59:00"),
        # Midnight is what feeds write without an hour.
        ("2026-02-28", "00:00", "2026-02-28 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28", "00:00:00", "2026-02-28 00:00:00", "2026-02-28 23:59:59"),
        ("2026-02-28", "00:01", "2026-02-28 00:01:00", "2026-02-28 00:01:00"),
    ],
)
def test_the_day_and_hour_of_a_beginning_and_an_end(day: str, at: str | None, begins: str, ends: str):
    begin, end = day_and_hour(day, at), last_moment(day, at)
    assert begin is not None
    assert end is not None
    assert (f"{begin:%Y-%m-%d %H:%M:%S}", f"{end:%Y-%m-%d %H:%M:%S}") == (begins, ends)


def test_a_time_of_the_clock():
    assert [clock_time(timedelta(minutes=minutes)) for minutes in (0, 545, 1439)] == ["00:00", "09:05", "23:59"]
