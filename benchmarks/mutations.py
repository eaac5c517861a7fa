"""Real feeds, broken in the ways that feeds are broken on the way, or by somebody who wants to break us."""

from __future__ import annotations

import gzip
import io
import random
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import gogobe.demo

FEEDS: Final = Path(gogobe.demo.__file__).parent / "feeds"
# Feeds are shortened to this many bytes of text: several pieces and blocks of the reader, and still quick.
SEED_SIZES: Final = (2_000, 12_000, 60_000, 500_000)
_ROWS: Final = (b"promotion", b"product", b"branch", b"store", b"item")
_COUNT: Final = re.compile(rb"""(\bcount=")\d+(")""", re.IGNORECASE)


@dataclass(frozen=True)
class Seed:
    """A real feed, unpacked and shortened, under its published name."""

    name: str
    text: bytes


@dataclass(frozen=True)
class Case:
    """A broken file, and what was done to it."""

    name: str
    data: bytes
    mutations: tuple[str, ...]


def seeds() -> list[Seed]:
    """Every bundled feed in several lengths, each still well-formed."""
    found = []
    for path in sorted(FEEDS.iterdir()):
        if path.suffix != ".md":
            text = _unpacked(path.read_bytes())
            lengths = [size for size in SEED_SIZES if size < len(text)]
            found += [Seed(path.name, _shortened(text, size)) for size in lengths] or [Seed(path.name, text)]
    return found


def _unpacked(data: bytes) -> bytes:
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(archive.namelist()[0])
    return gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data


def _shortened(text: bytes, size: int) -> bytes:
    """The feed's first rows and its end, so that its elements still close and its count holds."""
    tag = next((name for name in _ROWS if b"</%b>" % name in text.lower()), b"none")
    rows = [match.end() for match in re.finditer(rb"</%b>\s*" % tag, text, re.IGNORECASE)]
    before = [end for end in rows if end <= size]
    if not before:
        return text
    return _COUNT.sub(rb"\g<1>%d\2" % len(before), text[: before[-1]] + text[rows[-1] :], count=1)


def case(all_seeds: list[Seed], seed: int, number: int) -> Case:
    """The numbered case of a run: always the same for the same seed."""
    chance = random.Random(f"{seed}/{number}")
    feed = chance.choice(all_seeds)
    made: list[str] = []
    text = feed.text
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        name, change = chance.choice(_TEXT)
        text = change(text, chance, all_seeds)
        made.append(name)
    name, pack = chance.choice(_CONTAINERS)
    broken = Case(feed.name, pack(text, chance), (*made, name))
    if chance.random() < 0.25:
        name, harm = chance.choice(_BYTES)
        broken = replace(
            broken, data=harm(broken.data, chance, all_seeds), mutations=(*broken.mutations, f"packed {name}")
        )
    return broken


Mutation = Callable[[bytes, random.Random, list[Seed]], bytes]


def _flip(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _cut(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    return data[: chance.randint(0, len(data))]


def _drop(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    begin, end = _span(data, chance)
    return data[:begin] + data[end:]


def _double(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    begin, end = chance.choice(((0, len(data)), _span(data, chance)))
    return data[:end] + data[begin:end] + data[end:]


def _splice(data: bytes, chance: random.Random, seeds: list[Seed]) -> bytes:
    other = chance.choice(seeds).text
    begin, end = _span(other, chance)
    place = chance.randint(0, len(data))
    return data[:place] + other[begin:end] + data[place:]


def _span(data: bytes, chance: random.Random) -> tuple[int, int]:
    begin = chance.randint(0, len(data))
    return begin, min(len(data), begin + chance.choice((1, 7, 100, 3000, 70_000)))


_TAG: Final = re.compile(rb"<(/?)([A-Za-z][A-Za-z0-9_]*)([^<>]*)>")
_TEXTS: Final = re.compile(rb">([^<>]{1,80})</")
_SNIPPETS: Final = (
    b"<!-- </Item> -->", b"<!-- ", b"-->", b"<![CDATA[</Item><Item>]]>", b"<![CDATA[", b"]]>",
    b"<?pi </Item>?>",
    b"&amp;", b"&lt;Item&gt;", b"&#39;", b"&#0;", b"&#x5d0;", b"&unknown;", b"&", b"<", b">", b"\x00", b"\x0b",
    b"\x1f", b"\x85", b"\xa0", b"\xc2\xa0", b"\xe2\x80\xa8", b"\xef\xbf\xbf", b"\xed\xa0\x80", b"\r", b"\r\n",
    b"<Item/>", b"<Item>", b"</Item>", b"</Item >", b"<Item a='1'>", b"<x y=\"", b"<Items Count='3'>",
    b"</Items>",
    b"<ItemPrice>1</ItemPrice>", b"<Item><ItemCode>1</ItemCode><ItemPrice>2</ItemPrice></Item>",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]>", b"<html>", "שלום".encode(), b"<a>" * 300,
)  # fmt: skip
_VALUES: Final = (
    b"", b" ", b"0", b"-1", b"NaN", b"1e400", b"1_0", b"1,50", b"00000", "לא ידוע".encode(), b"Infinity",
    b"9" * 60,
    b"2025-13-45 99:99", b"0001-01-01", b"\n2.5\n", b"1&amp;2", b"x" * 2000, "١٢".encode(), b"\t7290000000001 ",
    b"9" * 65, b" " * 70 + b"7", b"x" * 5000, b"2099-01-01 10:00", b"2025-10-26 01:30",
)  # fmt: skip


def _insert(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    for _ in range(chance.choice((1, 1, 3, 30))):
        places = [
            match.start() if chance.random() < 0.5 else match.end() for match in _some(_TAG, data, chance)
        ]
        place = chance.choice(places) if places else chance.randint(0, len(data))
        data = data[:place] + chance.choice(_SNIPPETS) + data[place:]
    return data


def _retag(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    tags = _some(_TAG, data, chance)
    if not tags:
        return data
    tag = chance.choice(tags)[2]
    new = chance.choice(
        (tag.upper(), tag.lower(), b"x:" + tag, tag + b" a='1'", tag + b"\n", b"Item", b"Other")
    )
    pattern = re.compile(rb"(</?)" + tag + rb"(?=[\s/>])")
    return pattern.sub(lambda match: match[1] + new, data, count=chance.choice((0, 1, 2, 7)))


def _revalue(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    for _ in range(chance.choice((1, 3, 30))):
        texts = _some(_TEXTS, data, chance)
        if texts:
            text = chance.choice(texts)
            data = data[: text.start(1)] + chance.choice(_VALUES) + data[text.end(1) :]
    return data


def _self_close(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    tags = _some(_TAG, data, chance)
    if not tags:
        return data
    tag = chance.choice(tags)[2]
    pattern = re.compile(rb"<" + tag + rb">[^<]*</" + tag + rb">")
    return pattern.sub(chance.choice((b"<%b/>", b"<%b />", b"", b"<%b></%b>")).replace(b"%b", tag), data)


def _some(pattern: re.Pattern[bytes], data: bytes, chance: random.Random) -> list[re.Match[bytes]]:
    """A few matches near a place somewhere in the data."""
    found = []
    for match in pattern.finditer(data, chance.randint(0, len(data))):
        found.append(match)
        if len(found) == 5:
            break
    return found


def _recode(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    text = data.decode("utf-8-sig", "replace")
    encoding = chance.choice(("utf-16", "utf-16-le", "utf-16-be", "windows-1255", "utf-8-sig", "utf-8"))
    if encoding == "windows-1255" or chance.random() < 0.3:
        declared = chance.choice(("ISO-8859-8", "windows-1255", "utf-8", "utf-16", "klingon", "cp037"))
        text = f'<?xml version="1.0" encoding="{declared}"?>' + re.sub(r"^<\?xml.*?\?>", "", text)
    return text.encode(encoding, "replace")


def _break_lines(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", chance.choice((b"\r\n", b"\r", b"", b"\n\n", b" ")))


_BYTES: Final[tuple[tuple[str, Mutation], ...]] = (
    ("flipped", _flip),
    ("cut", _cut),
    ("dropped", _drop),
    ("doubled", _double),
    ("spliced", _splice),
)
_TEXT: Final[tuple[tuple[str, Mutation], ...]] = (
    *_BYTES,
    ("inserted", _insert),
    ("renamed", _retag),
    ("other values", _revalue),
    ("emptied", _self_close),
    ("re-encoded", _recode),
    ("other line ends", _break_lines),
)


def _gzip(text: bytes, _chance: random.Random) -> bytes:
    return gzip.compress(text, 1, mtime=0)


def _members(text: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(text))
    return (
        gzip.compress(text[:place], 1, mtime=0)
        + gzip.compress(text[place:], 1, mtime=0)
        + chance.choice((b"", b"\0" * 9, b"x"))
    )


def _zip(text: bytes, chance: random.Random) -> bytes:
    buffer = io.BytesIO()
    method = chance.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED))
    with zipfile.ZipFile(buffer, "w") as archive:
        bad_name = chance.choice(("../feed.xml", "/feed.xml", "C:feed.xml"))
        # A ZipInfo has no time of its own: the same case is the same bytes.
        member = zipfile.ZipInfo(bad_name if chance.random() < 0.05 else "feed.xml")
        archive.writestr(member, text, method, compresslevel=1)
        if chance.random() < 0.05:
            archive.writestr(zipfile.ZipInfo("other.xml"), text)
    return buffer.getvalue()


def _plain(text: bytes, _chance: random.Random) -> bytes:
    return text


_CONTAINERS: Final[tuple[tuple[str, Callable[[bytes, random.Random], bytes]], ...]] = (
    ("gzip", _gzip),
    ("gzip members", _members),
    ("zip", _zip),
    ("plain", _plain),
)
