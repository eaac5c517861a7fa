"""Sizes, times and links as portals write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, tzinfo
from typing import Final
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from lxml import html

_SIZE: Final = re.compile(r"(\d[\d,]*(?:\.\d+)?)\s*([KMGT]?)i?(?:B|bytes?)?", re.IGNORECASE)
_UNITS: Final = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_TIME: Final = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
# Day first, as in the countries of the portals.
_DATE: Final = r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2}|[A-Za-z]{3})[/.-](?P<year>\d{4})"
_DATE_TIME: Final = (re.compile(f"{_DATE} {_TIME}"), re.compile(f"{_TIME} {_DATE}"))
_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}


def size_of(text: object) -> int | None:
    """Bytes, from a number or from text as in `562.84 KB` (which is rounded) or `1.2M`; otherwise None."""
    if isinstance(text, bool):
        return None
    if isinstance(text, int | float):
        return int(text) if 0 <= text < 1 << 62 else None
    match = _SIZE.fullmatch(str(text).strip()) if text is not None else None
    if match is None:
        return None
    size = float(match[1].replace(",", "")) * _UNITS[match[2].upper()]
    return int(size) if size < 1 << 62 else None


def time_of(text: object, zone: tzinfo, layout: str = "") -> datetime | None:
    """An aware time in UTC, from ISO 8601 or a format of the portals; `layout` is a portal's own format
    (strptime). A time without a zone is in `zone`. None for other text."""
    words = " ".join(str(text).split()) if text is not None else ""
    if not words:
        return None
    found = _strptime(words, layout) if layout else _iso(words) or _day_first(words)
    if found is None:
        return None
    try:
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def _iso(words: str) -> datetime | None:
    try:
        return datetime.fromisoformat(words)
    except ValueError:
        return None


def _day_first(words: str) -> datetime | None:
    found = _DATE_TIME[0].fullmatch(words) or _DATE_TIME[1].fullmatch(words)
    if found is None:
        return None
    month = found["month"]
    try:
        number = int(month) if month.isdigit() else _MONTHS[month.lower()]
        day = int(found["year"]), number, int(found["day"])
        return datetime(*day, int(found["hour"]), int(found["minute"]), int(found["second"] or 0))
    except (ValueError, KeyError):
        return None


def _strptime(words: str, layout: str) -> datetime | None:
    try:
        return datetime.strptime(words, layout)
    except ValueError:
        return None


def join(base: str, link: str) -> str | None:
    """The absolute address of a link; None for scripts, anchors and invalid links."""
    link = link.strip()
    if not link or link.startswith(("#", "javascript:", "mailto:", "data:")):
        return None
    try:
        return urljoin(base, link)
    except ValueError:
        return None


def last_part(url: str) -> str:
    """The last segment of an address's path, unquoted."""
    try:
        return unquote(urlsplit(url).path.rsplit("/", 1)[-1])
    except ValueError:
        return ""


def parameter(url: str, name: str) -> str | None:
    """The value of a query parameter; the name is case-insensitive."""
    try:
        pairs = parse_qsl(urlsplit(url).query)
    except ValueError:
        return None
    return next((value for key, value in pairs if key.lower() == name.lower()), None)


def text_of(element: html.HtmlElement | None) -> str:
    """An element's text, with single spaces."""
    return " ".join(element.text_content().split()) if element is not None else ""


def asks_for_login(page: html.HtmlElement) -> bool:
    """Whether a page is a login form."""
    return page.find(".//input[@type='password']") is not None
