"""Encodings, with right and wrong declarations."""

import pytest

from gogobe.feeds.encodings import FeedText
from tests.feeds.documents import item, price_feed, read

MAKER = 'תנובה בע"מ – קמעונאות'
FEED = price_feed(*[item(str(code), ManufacturerName=MAKER) for code in range(700)])


def declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{FEED}'


@pytest.mark.parametrize(
    ("what", "data", "detected"),
    [
        ("no declaration", FEED.encode(), "utf-8"),
        ("declared", declared("UTF-8").encode(), "utf-8"),
        ("byte order mark", FEED.encode("utf-8-sig"), "utf-8"),
        ("mark and declaration", declared("utf-8").encode("utf-8-sig"), "utf-8"),
        ("blank lines first", b"\r\n\r\n  " + declared("utf-8").encode(), "utf-8"),
        ("UTF-16LE, mark, no declaration", b"\xff\xfe" + FEED.encode("utf-16-le"), "utf-16-le"),
        ("UTF-16LE without a mark", FEED.encode("utf-16-le"), "utf-16-le"),
        ("UTF-16LE that says UTF-8", b"\xff\xfe" + declared("utf-8").encode("utf-16-le"), "utf-16-le"),
        ("UTF-16BE, mark", b"\xfe\xff" + declared("UTF-16").encode("utf-16-be"), "utf-16-be"),
        ("UTF-16BE without a mark", FEED.encode("utf-16-be"), "utf-16-be"),
        ("windows-1255 that says so", declared("windows-1255").encode("windows-1255"), "windows-1255"),
        ("windows-1255 that says ISO-8859-8", declared("ISO-8859-8").encode("windows-1255"), "windows-1255"),
        ("windows-1255 that says ISO-8859-8-I", declared("iso-8859-8-i").encode("windows-1255"), "windows-1255"),
        ("windows-1255 that says UTF-8", declared("utf-8").encode("windows-1255"), "windows-1255"),
        ("windows-1255 that says nothing", FEED.encode("windows-1255"), "windows-1255"),
        ("UTF-8 that says ISO-8859-8", declared("ISO-8859-8").encode(), "utf-8"),
        ("UTF-8 that says windows-1255", declared("windows-1255").encode(), "utf-8"),
        ("UTF-8 that says UTF-16", declared("UTF-16").encode(), "utf-8"),
        ("an unknown name", declared("klingon").encode("windows-1255"), "windows-1255"),
    ],
)  # fmt: skip
def test_encodings(what, data, detected):
    found = read(data)
    assert (found.summary.encoding, len(found.rows), found.codes) == (detected, 700, []), what
    assert {row.manufacturer for row in found.rows} == {MAKER}


@pytest.mark.parametrize("ascii_rows", [100, 2000, 8000])
@pytest.mark.parametrize("declared", ["ISO-8859-8", "windows-1255", "utf-8"])
@pytest.mark.parametrize("encoding", ["windows-1255", "utf-8"])
def test_late_hebrew_still_determines_the_encoding(ascii_rows, declared, encoding):
    rows = [item(str(code)) for code in range(ascii_rows)] + [item("9", ManufacturerName=MAKER)]
    data = f'<?xml version="1.0" encoding="{declared}"?>{price_feed(*rows)}'.encode(encoding)
    found = read(data)
    assert (found.rows[-1].manufacturer, found.summary.encoding, found.codes) == (MAKER, encoding, [])


@pytest.mark.parametrize(
    ("bad", "encoding"),
    [
        (b"\xff", "utf-8"),
        (b"\xd7", "utf-8"),
        (b"\xe2\x80", "utf-8"),
        (b"\x00\xd8", "utf-16-le"),
        (b"\xd8\x00", "utf-16-be"),
        (b"\xff", "windows-1255"),
    ],
)
def test_bytes_that_are_not_in_the_encoding_cost_no_row_and_are_reported_with_their_place(bad, encoding):
    rows = [item(str(code), ManufacturerName=MAKER) for code in range(2000)]
    rows[1500] = item("1500", ManufacturerName="bad|bytes")
    rows[1700] = item("1700", ManufacturerName="bad|bytes")
    before, between, after = price_feed(*rows).encode(encoding).split("|".encode(encoding))
    found = read(before + bad + between + bad + after)
    assert (found.summary.encoding, found.codes, found.summary.complete) == (encoding, ["bad_encoding"], False)
    assert found.summary.problems[0].byte_offset == len(before)
    assert [row.item_code for row in found.rows] == [str(code) for code in range(2000)]
    makers = [row.manufacturer for row in found.rows]
    assert (makers[1500], makers[1700], set(makers[1501:1700])) == ("bad\ufffdbytes", "bad\ufffdbytes", {MAKER})


def test_a_replacement_character_that_the_feed_itself_has_is_no_fault():
    found = read(price_feed(item("1", ManufacturerName="a\ufffdb")))
    assert (found.rows[0].manufacturer, found.codes) == ("a\ufffdb", [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "windows-1255"])
def test_control_characters_are_spaces_and_are_reported(encoding):
    feed = price_feed(item("1", ManufacturerName="a\x0b\x00b"), item("2", ManufacturerName="a&#x1F;&#0;b"))
    found = read(feed.encode(encoding))
    assert [row.manufacturer for row in found.rows] == ["a b", "a b"]
    assert (found.codes, found.summary.complete) == (["control_characters"], True)


def test_an_ampersand_that_begins_no_reference_is_literal_and_is_reported():
    makers = {
        "M&M": "M&M",
        "AT&T; x": "AT&T; x",
        "a & b": "a & b",
        "a&nbsp;b": "a&nbsp;b",
        "a&amp;b &lt;&#39;&#x5d0;": "a&b <'א",
    }
    rows = [item(str(code), ManufacturerName=maker) for code, maker in enumerate(makers)]
    found = read(price_feed(*rows))
    assert [row.manufacturer for row in found.rows] == list(makers.values())
    assert (found.codes, found.summary.complete) == (["stray_ampersands"], True)


def test_references_are_not_cut_in_two_between_pieces():
    text = "<a>x&amp;y & z&#1488;</a>" * 3
    for size in range(1, 12):
        data = text.encode()
        pieces = [data[begin : begin + size] for begin in range(0, len(data), size)]
        assert "".join(FeedText(pieces, "utf-8")) == text.replace("& ", "&amp; ")


def test_line_ends_are_as_xml_has_them():
    for end in ("\r\n", "\r", "\n"):
        found = read(price_feed(item("1", ItemStatus="a"), "<Item/>\n").replace("\n", end))
        assert (found.refused[0].line, len(found.rows)) == (2, 1)


@pytest.mark.parametrize("text", ["<a>\r\n<b>\r</b>\r\n\r</a>\r", "\r\r\n\n\r", "x\r\ny\r\n", "", "\n<a/>\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_line_ends_are_counted_however_pieces_are_cut(text: str, encoding: str):
    data = text.encode(encoding)
    for size in range(1, len(data) + 1):
        feed = FeedText([data[begin : begin + size] for begin in range(0, len(data), size)], encoding)
        counted = [(piece, feed.lines) for piece in feed]
        assert "".join(piece for piece, _ in counted) == text.replace("\r\n", "\n").replace("\r", "\n")
        assert all(lines == piece.count("\n") for piece, lines in counted)


def test_many_references_hide_no_stray_ampersand():
    text = "<a>" + "&amp;" * 200 + "{}</a>"
    feed = FeedText([text.format("& ").encode()], "utf-8")
    assert "".join(feed) == text.format("&amp; ")
    assert feed.stray
    feed = FeedText([text.format("").encode()], "utf-8")
    assert "".join(feed) == text.format("")
    assert not feed.stray
