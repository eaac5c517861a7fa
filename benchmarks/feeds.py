"""Input feeds of the benchmarks: the bundled price files, copied to any number of stores of their chains."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from isal import igzip

from gogobe.demo.published import CHAINS, FEEDS
from gogobe.feeds.containers import Contents, FullReads
from gogobe.feeds.names import parse_file_name
from gogobe.feeds.problems import Limits

_STORE: Final = re.compile(rb"(<storeid>)[^<]*", re.IGNORECASE)
_ROW: Final = re.compile(rb"<(item|product)>.*?</\1>\s*", re.IGNORECASE | re.DOTALL)
_CODE: Final = re.compile(rb"(<itemcode>)[^<]*", re.IGNORECASE)
_COUNT: Final = re.compile(rb'(<items count=")\d+', re.IGNORECASE)
FIRST_STORE: Final = 1_000
LARGE_STORE: Final = 1_000_000


@dataclass(frozen=True)
class Feed:
    """A chain's file and its number of rows, refused ones included."""

    chain: str
    path: Path
    rows: int


@dataclass(frozen=True)
class _Original:
    chain: str
    name: str
    text: bytes

    @property
    def rows(self) -> int:
        return sum(1 for _ in _ROW.finditer(self.text))


def _originals() -> Iterator[_Original]:
    for path in sorted(FEEDS.glob("PriceFull*")):
        chain = next(name for chain_id, name in CHAINS.items() if chain_id in path.name)
        with path.open("rb") as file:
            source = FullReads(file)
            yield _Original(chain, path.name, b"".join(Contents(source, Limits())))


def write_stores(folder: Path, rounds: int) -> list[Feed]:
    """Writes every bundled PriceFull `rounds` times, each time for another store: the chain's own rows, names
    and codes, compressed as published."""
    feeds = []
    for number, original in enumerate(_originals()):
        rows = original.rows
        for turn in range(rounds):
            store = FIRST_STORE + number * 1_000 + turn
            text = _STORE.sub(rb"\g<1>%d" % store, original.text, count=1)
            path = _path(folder, original, store)
            path.write_bytes(gzip.compress(text, 6, mtime=0))
            feeds.append(Feed(original.chain, path, rows))
    return _alternating(feeds, rounds)


def _alternating(feeds: Sequence[Feed], rounds: int) -> list[Feed]:
    """The chains in turn, as crawlers announce them."""
    return [feed for turn in range(rounds) for feed in feeds[turn::rounds]]


def write_large(folder: Path, rows: int) -> Feed:
    """Writes one PriceFull of at least `rows` rows: Shufersal's rows repeated, each with its own GTIN."""
    original = next(one for one in _originals() if one.chain == "shufersal")
    found = [match[0] for match in _ROW.finditer(original.text)]
    begin, end = original.text.index(found[0]), original.text.rindex(found[-1]) + len(found[-1])
    turns = -(-rows // len(found))
    total = turns * len(found)
    path = _path(folder, original, LARGE_STORE + rows)
    with igzip.open(path, "wb") as file:
        head = _STORE.sub(rb"\g<1>%d" % (LARGE_STORE + rows), original.text[:begin], count=1)
        file.write(_COUNT.sub(rb"\g<1>%d" % total, head))
        for first in range(1, total, len(found)):
            file.writelines(
                _CODE.sub(rb"\g<1>%b" % with_check_digit(f"729{first + place:09}").encode(), row, count=1)
                for place, row in enumerate(found)
            )
        file.write(original.text[end:])
    return Feed(original.chain, path, total)


def with_check_digit(body: str) -> str:
    """The GTIN-13 of its first twelve digits."""
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    return f"{body}{-weighted % 10}"


def _path(folder: Path, original: _Original, store: int) -> Path:
    name = parse_file_name(original.name)
    assert name.published_at is not None
    path = folder / original.chain / f"PriceFull{name.chain_id}-{store}-{name.published_at:%Y%m%d%H%M}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
