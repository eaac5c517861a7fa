"""Rows and faults of a file are found again in its bytes, by the numbers that the reader gives them."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pytest

import gogobe.demo
from gogobe.feeds.fragments import Place, fragment_at, row_fragments
from gogobe.feeds.reader import FeedReader
from gogobe.records.rows import Item, Promotion, Store

FEEDS = Path(gogobe.demo.__file__).parent / "feeds"
NAMES = sorted(path.name for path in FEEDS.glob("*.gz"))


def rows_of(name: str) -> dict[int, str]:
    with (FEEDS / name).open("rb") as source:
        found: dict[int, str] = {}
        for block in FeedReader(source, name):
            for row in block.rows:
                match row:
                    case Item():
                        found[row.row] = row.item_code
                    case Promotion():
                        found[row.row] = row.promotion_id
                    case Store():
                        found[row.row] = row.store_id
        return found


@pytest.mark.parametrize("name", NAMES)
def test_a_row_s_fragment_has_the_code_that_was_read_from_it(name: str):
    codes = rows_of(name)
    with (FEEDS / name).open("rb") as source:
        fragments = row_fragments(source, codes)
    assert [fragment.row for fragment in fragments] == sorted(codes)
    for fragment in fragments:
        assert fragment.row is not None
        assert codes[fragment.row].lstrip("0") in fragment.text


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_fragment_says_the_line_of_its_row(name: str):
    with (FEEDS / name).open("rb") as source:
        text = gzip.decompress(source.read()).decode("utf-8", "replace")
        source.seek(0)
        fragments = row_fragments(source, [1, 2])
    for fragment in fragments:
        assert fragment.line is not None
        assert "<" in text.splitlines()[fragment.line - 1]


def feed(rows: list[str], joint: str = "\n") -> bytes:
    head = "<?xml version='1.0' encoding='utf-8'?>", "<Root><ChainId>7290027600007</ChainId><Items>"
    return joint.join([*head, *rows, "</Items></Root>"]).encode()


def item(code: int) -> str:
    return (
        f"<Item><ItemCode>{code}</ItemCode><ItemName>milk {code}</ItemName><ItemPrice>5.90</ItemPrice></Item>"
    )


def problem_of(content: bytes) -> Place:
    reader = FeedReader(io.BytesIO(content), "Price7290027600007-001-202508070300.xml")
    for _ in reader:
        pass
    (found,) = (one for one in reader.summary.problems if one.code in ("bad_xml", "bad_encoding", "truncated"))
    return Place(found.byte_offset, found.line, decompressed=found.code == "bad_encoding")


@pytest.mark.parametrize("joint", ["\n", ""], ids=["lines", "one line"])
def test_xml_that_breaks_is_shown_where_it_breaks(joint: str):
    rows = [
        *(item(code) for code in range(1000, 1040)),
        "<Item><broken</Item>",
        *(item(code) for code in range(50)),
    ]
    content = feed(rows, joint)
    found = fragment_at(io.BytesIO(content), problem_of(content))
    assert found is not None
    assert "<broken" in found.text
    assert "milk 1039" in found.text
    assert "milk 1001<" not in found.text


def test_bytes_that_are_no_text_are_shown_as_bytes():
    content = feed([item(code) for code in range(1000, 1100)]).replace(b"milk 1050", b"milk \xff\xfe50")
    content = content.replace(b"milk 1001", "חלב".encode())
    found = fragment_at(io.BytesIO(content), problem_of(content))
    assert found is not None
    assert r"milk \xff\xfe50" in found.text


def test_a_file_that_is_cut_is_shown_to_its_end():
    packed = gzip.compress(feed([item(code) for code in range(1000, 3000)]))[:-3000]
    found = fragment_at(io.BytesIO(packed), problem_of(packed))
    assert found is not None
    assert found.what == "the end of what could be read"
    assert "milk" in found.text


@pytest.mark.parametrize("content", [b"", b"<html>login</html>", b"\x1f\x8b\x08broken", b"\0\1\2"])
def test_what_is_no_feed_is_shown_from_its_beginning(content: bytes):
    found = fragment_at(io.BytesIO(content), Place())
    assert (found is None) == (content == b"")


@pytest.mark.parametrize(
    "place", [Place(line=10**6), Place(row=10**6), Place(10**9), Place(10**9, decompressed=True)]
)
def test_a_place_that_the_file_does_not_have_breaks_nothing(place: Place):
    fragment_at(io.BytesIO(feed([item(1)])), place)


def test_a_fragment_is_bounded():
    long = (
        "<Item><ItemCode>1</ItemCode><ItemName>" + "x" * 500_000 + "</ItemName><ItemPrice>1</ItemPrice></Item>"
    )
    (found,) = row_fragments(io.BytesIO(feed([long])), [1])
    assert len(found.text) < 10_000
