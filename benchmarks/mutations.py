"""Mutations of real feeds: the faults of transmission, of publishers and of attackers."""

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
# Layouts that none of the bundled feeds has.
FIELD: Final = Path(__file__).parent.parent / "tests" / "data" / "field"
# Feeds are shortened to these sizes in bytes: several pieces and blocks of the reader, and still fast.
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
    """A broken file, and the mutations that were applied."""

    name: str
    data: bytes
    mutations: tuple[str, ...]


def seeds() -> list[Seed]:
    """Every bundled feed, and feeds of other layouts, in several lengths; nearly all well-formed."""
    found = []
    for path in (*sorted(FEEDS.iterdir()), *sorted(FIELD.glob("*/*"))):
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
    """The feed's first rows and its end, so that its elements still close and its count is right."""
    tag = next((name for name in _ROWS if b"</%b>" % name in text.lower()), b"none")
    rows = [match.end() for match in re.finditer(rb"</%b>\s*" % tag, text, re.IGNORECASE)]
    before = [end for end in rows if end <= size]
    if not before:
        return text
    return _COUNT.sub(rb"\g<1>%d\2" % len(before), text[: before[-1]] + text[rows[-1] :], count=1)


def case(all_seeds: list[Seed], seed: int, number: int) -> Case:
    """The case with this number of a run: always the same for the same seed."""
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
_LEAF: Final = re.compile(rb"<([A-Za-z][A-Za-z0-9_]*)>[^<>]*</")
_ATTRIBUTE: Final = re.compile(rb"(\s\w+)=[\"']([^\"'<>\s]+)[\"']")
_PROMOTION_ID: Final = re.compile(rb"(<PromotionId>)([^<>]*)(</)", re.IGNORECASE)
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
    b"24:00", b"1/2/2026 9:05", b"20260201090000", b"1", b"2", b"4", b"100", b"10000", b"0.00", b"19.90",
    "((1=א|2=ב))&(3=ג)".encode(), "50% הנחה".encode(), "áîáä".encode(),
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
    """A few matches from a random position on."""
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


def _misread(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    """Hebrew that was decoded wrongly before it was encoded: all of it, or a part."""
    encoding, shown = chance.choice((("windows-1255", "latin-1"), ("utf-8", "latin-1"), ("utf-8", "cp1255")))
    begin, end = chance.choice(((0, len(data)), _span(data, chance)))
    text = data[begin:end].decode("utf-8", "replace")
    return data[:begin] + text.encode(encoding, "replace").decode(shown, "replace").encode() + data[end:]


def _unquote(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    return _ATTRIBUTE.sub(rb"\1=\2", data, count=chance.choice((0, 1, 5)))


def _repeat_ids(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    """Promotions that are split into several elements."""
    ids = _some(_PROMOTION_ID, data, chance)
    if not ids:
        return data
    first = chance.choice(ids)[2]
    every = chance.choice((1, 2, 5))
    return _PROMOTION_ID.sub(
        lambda match: match[1] + first + match[3] if chance.randrange(every) == 0 else match[0], data
    )


def _nest(data: bytes, chance: random.Random, _seeds: list[Seed]) -> bytes:
    """An element moved one level down, into an element that has such children or one that does not."""
    tags = _some(_LEAF, data, chance)
    if not tags:
        return data
    leaf = re.escape(chance.choice(tags)[1])
    part = chance.choice(
        (b"PromotionDetails", b"AdditionalRestrictions", b"Clubs", b"Remarks", b"Groups", b"Other")
    )
    pattern = re.compile(rb"<" + leaf + rb">[^<>]*</" + leaf + rb">")
    return pattern.sub(
        lambda match: b"<%b>%b</%b>" % (part, match[0], part), data, count=chance.choice((0, 1, 7))
    )


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
    ("misread", _misread),
    ("unquoted", _unquote),
    ("ids repeated", _repeat_ids),
    ("nested", _nest),
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
        # A ZipInfo has a constant time by default, so a case always has the same bytes.
        member = zipfile.ZipInfo(bad_name if chance.random() < 0.05 else "feed.xml")
        archive.writestr(member, text, method, compresslevel=1)
        if chance.random() < 0.05:
            archive.writestr(zipfile.ZipInfo("other.xml"), text)
    return buffer.getvalue()


def _gzip_twice(text: bytes, chance: random.Random) -> bytes:
    return gzip.compress(chance.choice((_gzip, _zip, _gzip_twice))(text, chance), 1, mtime=0)


def _plain(text: bytes, _chance: random.Random) -> bytes:
    return text


_CONTAINERS: Final[tuple[tuple[str, Callable[[bytes, random.Random], bytes]], ...]] = (
    ("gzip", _gzip),
    ("gzip members", _members),
    ("zip", _zip),
    ("plain", _plain),
    ("gzip of gzip or zip", _gzip_twice),
)
