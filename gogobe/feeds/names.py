"""Parses and formats the names of published files.

The forms, as observed on the portals:

    PriceFull7290027600007-001-202512250300.gz              chain, store, time
    PriceFull7290027600007-001-357-20260607-034000.gz       chain, sub-chain, store, date, time (2026)
    PriceFull7290455000004-000-35-20260910060202-060202.gz  the time repeated after it (2026)
    PriceFull7290661400001-003-097-20260816-120.gz          date and the number of a file of that day (2026)
    Stores7290058140886-000-20250724-050500.xml             chain, store, date, time
    PriceFull7290058140886-001-202508070559-000.xml         a suffix after the time
    PriceFull-7290696200003-097-201608280606-001.xml        a hyphen after the type
    Stores7290876100000-2025042909000.xml                   no store, a time of 13 digits
    NULLPrice7290058140886-041-202506110912.gz              a prefix; such a file may have rows
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from gogobe.feeds.clock import UNBOUND, Clock
from gogobe.records.rows import Kind

_NAME: Final = re.compile(
    r"""
    (?P<prefix>null)?
    (?P<word>(?:price|promo|stores)full|price|promo|stores|store)
    (?P<hyphen>-?)
    (?P<chain>\d{1,13})
    (?:-(?P<places>\d{1,8}(?:-\d{1,8})?))?
    -(?P<time>20\d{10,12}|20\d{6}-\d{4}(?:\d{2})?|20\d{6})
    (?:-(?P<suffix>\d{1,6}(?:-\d{1,6})?))?
    (?P<extension>(?:\.[a-z0-9]+)*)
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_KIND: Final = re.compile(r"(?:price|promo)(?:full)?|store", re.IGNORECASE)
_LAST_SECOND: Final = 86_399


class UnknownFileNameError(ValueError):
    """A name in none of the known forms; the message has the name."""


@dataclass(frozen=True)
class FileName:
    """The parts of a name, as published. `format` joins them again."""

    word: str
    chain_id: str
    store_id: str | None
    time: str
    sub_chain_id: str | None = None
    prefix: str = ""
    hyphen: str = ""
    suffix: str | None = None
    extension: str = ""

    @property
    def kind(self) -> Kind:
        """The kind in the name: with or without Full; Store, Stores and StoresFull are one kind."""
        return cast("Kind", kind_named(self.word))

    @property
    def published_at(self) -> datetime | None:
        """`publication_time` without a known time of download."""
        return self.publication_time(UNBOUND)

    def publication_time(self, clock: Clock) -> datetime | None:
        """The time in the name as an aware datetime, local by the clock; None if it is not a valid time."""
        digits = self.time.replace("-", "")
        local = _local_time(digits[:14], 14) or _local_time(digits[:12], 12)
        if local is None and (day := _local_time(digits[:8], 8)):
            local = day + _of_the_day(digits[8:] or (self.suffix or "").partition("-")[0])
        return None if local is None else clock.aware(local)

    def format(self) -> str:
        """The name as published."""
        places = [self.sub_chain_id, self.store_id, self.time, self.suffix]
        tail = "".join(f"-{place}" for place in places if place is not None)
        return f"{self.prefix}{self.word}{self.hyphen}{self.chain_id}{tail}{self.extension}"


def _local_time(digits: str, length: int) -> datetime | None:
    """A local time from a string of exactly `length` digits: year, month, day, then two digits each for hour,
    minute and second, as far as they go. Read by hand: an agent reads millions of names, and `strptime` takes
    20 times as long."""
    if len(digits) != length:
        return None
    hour, minute, second = (int(digits[start : start + 2] or 0) for start in (8, 10, 12))
    try:
        return datetime(int(digits[:4]), int(digits[4:6]), int(digits[6:8]), hour, minute, second)
    except ValueError:
        return None


def _of_the_day(number: str) -> timedelta:
    """The time of day of a file whose name has only a date: the number after it, which is a time of six
    digits or counts the files of the day."""
    if at := _local_time(f"20000101{number.zfill(6)}", 14) if len(number) in (5, 6) else None:
        return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
    return timedelta(seconds=min(int(number or 0), _LAST_SECOND))


def parse_file_name(name: str) -> FileName:
    """The parts of a published name; folders before it are ignored. Raises UnknownFileNameError.

    >>> name = parse_file_name("PriceFull7290027600007-001-202512250300.gz")
    >>> name.kind, name.chain_id, name.store_id, name.published_at.isoformat()
    ('pricefull', '7290027600007', '001', '2025-12-25T03:00:00+02:00')
    """
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    match = _NAME.fullmatch(base)
    if match is None:
        raise UnknownFileNameError(f"{base!r} follows none of the patterns of published files")
    sub_chain_id, _, store_id = (match["places"] or "").rpartition("-")
    return FileName(
        word=match["word"],
        chain_id=match["chain"],
        store_id=store_id or None,
        time=match["time"],
        sub_chain_id=sub_chain_id or None,
        prefix=match["prefix"] or "",
        hyphen=match["hyphen"],
        suffix=match["suffix"],
        extension=match["extension"],
    )


def parse_if_known(name: str) -> FileName | None:
    """As `parse_file_name`; None for a name in none of the known forms."""
    try:
        return parse_file_name(name)
    except UnknownFileNameError:
        return None


def kind_named(name: str) -> Kind | None:
    """The kind that a name contains, even if the name is in none of the known forms; folders are ignored."""
    found = _KIND.search(name.replace("\\", "/").rsplit("/", 1)[-1])
    word = found[0].lower() if found else None
    return "stores" if word == "store" else cast("Kind | None", word)


def normal_store_id(text: str) -> str:
    """The number of a store or sub-chain in normal form: without leading zeros. Other text is unchanged."""
    stripped = text.strip()
    return stripped.lstrip("0") or "0" if stripped.isdecimal() else stripped or "0"
