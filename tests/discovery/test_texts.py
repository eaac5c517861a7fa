"""Sizes, times and links as portals write them; none of them can make a listing fail."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.discovery.texts import join, last_part, parameter, size_of, time_of

ISRAEL = ZoneInfo("Asia/Jerusalem")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("562.84 KB", 576348),
        ("1.2M", 1258291),
        ("12,345 bytes", 12345),
        ("7", 7),
        (" 1 GB ", 1 << 30),
        ("3 KiB", 3072),
        (581, 581),
        (581.9, 581),
        (True, None),
        (-1, None),
        (None, None),
        ("-", None),
        ("", None),
        ("KB", None),
        ("1e9", None),
        ("9" * 400, None),
    ],
)
def test_sizes(text: object, size: int | None):
    assert size_of(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "2026-08-11 09:05",
        "2026-08-11 09:05:00",
        "2026-08-11T06:05:00Z",
        "2026-08-11T09:05:00+03:00",
        "11/08/2026 09:05",
        "09:05 11/08/2026",
        "09:05  11-08-2026",
        "11-Aug-2026 09:05",
    ],
)
def test_times(text: str):
    assert time_of(text, ISRAEL) == datetime(2026, 8, 11, 6, 5, tzinfo=UTC)


def test_a_portal_s_own_way_to_write_times():
    found = time_of("8/11/2026 9:05:00 AM", ISRAEL, "%m/%d/%Y %I:%M:%S %p")
    assert found == datetime(2026, 8, 11, 6, 5, tzinfo=UTC)
    assert time_of("11/08/2026 09:05", ISRAEL, "%m/%d/%Y %I:%M:%S %p") is None


@pytest.mark.parametrize("text", [None, "", "soon", "2026-13-40", "0001-01-01 00:00"])
def test_what_is_no_time(text: str | None):
    assert time_of(text, ZoneInfo("Asia/Tokyo")) is None


def test_links():
    assert join("https://p/a/b", " c.gz ") == "https://p/a/c.gz"
    assert [join("https://p/", link) for link in ("", "#", "javascript:x()", "http://[bad")] == [None] * 4
    assert last_part("https://p/a/b%20c.gz?x=1") == "b c.gz"
    assert parameter("https://p/d?FileName=a%20b&x=1", "fileName") == "a b"
    assert parameter("https://p/d", "fileName") is None


@given(st.text(), st.text())
def test_nothing_makes_them_fail(first: str, second: str):
    size_of(first)
    time_of(first, ISRAEL)
    time_of(f"11/08/2026 {first}", ISRAEL, second if second.startswith("%d") else "")
    join(first, second)
    last_part(first)
    parameter(first, second)
