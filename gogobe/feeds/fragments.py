"""Excerpts of a published file for people: the XML of single rows, and the text around a fault.

Rows and lines are numbered as by the reader, so the position in a dead letter or a row of the database can be
found in the stored file.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import BinaryIO, Final, TypeVar

import msgspec
from lxml import etree

from gogobe.feeds.containers import Contents, FullReads
from gogobe.feeds.encodings import FeedText, encoding_of
from gogobe.feeds.layout import Layout, LayoutFinder, find_layout
from gogobe.feeds.parser import RowParser
from gogobe.feeds.problems import FeedError, Limits
from gogobe.records.excerpts import excerpt, storable

HEAD_BYTES: Final = 1 << 20
MAX_BYTES: Final = 8 << 10
BEFORE: Final = 300
AFTER: Final = 300
_LONG_LINE: Final = 1000

Piece = TypeVar("Piece", bytes, str)


class Fragment(msgspec.Struct, frozen=True):
    """An excerpt of a file. `what` describes its position, `text` is decoded and at most 8 KiB long; `row`
    and `line` count from 1."""

    what: str
    text: str
    row: int | None = None
    line: int | None = None


@dataclass(frozen=True)
class Place:
    """The reported position of a fault, if known: a byte offset (in the published file, or, if
    `decompressed`, in its content), a line of the text, or a row."""

    byte_offset: int | None = None
    line: int | None = None
    row: int | None = None
    decompressed: bool = False


def row_fragments(source: BinaryIO, rows: Collection[int]) -> list[Fragment]:
    """The XML of these rows of a feed, in file order, without rows that cannot be reached. Raises only the
    errors of the source."""
    wanted, found = set(rows), list[Fragment]()
    last = max(wanted, default=0)
    for number, line, element in _Elements(source):
        if number in wanted:
            xml = etree.tostring(element, encoding="unicode", with_tail=False)
            found.append(Fragment(f"row {number}, line {line}", _bounded(xml), number, line))
        if number >= last:
            break
    return found


def fragment_at(source: BinaryIO, place: Place) -> Fragment | None:
    """The excerpt of a feed around a position: the XML of a row, the lines around a line, or the bytes around
    an offset. If a line is long, the text after the last readable row. None for a file without text."""
    if place.row is not None and (rows := row_fragments(source, [place.row])):
        return rows[0]
    source.seek(0)
    if place.line is not None:
        return _around_line(source, place.line)
    if place.byte_offset is not None and place.decompressed:
        return _around_byte(source, place.byte_offset)
    if place.byte_offset is not None:
        return _end_of(source)
    return _beginning(source)


class _Elements:
    """The row elements of a feed with number and line, up to a fault. Each element is valid until the next
    one."""

    def __init__(self, source: BinaryIO) -> None:
        self._text = _text(source)
        self.layout: Layout | None = None

    def __iter__(self) -> Iterator[tuple[int, int, etree._Element]]:
        try:
            yield from self._elements()
        except FeedError:
            return

    def _elements(self) -> Iterator[tuple[int, int, etree._Element]]:
        head, blank_lines = self._find_layout()
        if self.layout is None or self.layout.tag is None:
            return
        parser = RowParser(self.layout.tag)
        parser.lines_before = blank_lines
        number = 0
        for piece in chain(head, self._text):
            for element in parser.feed(piece):
                number += 1
                yield number, parser.line_of(element), element

    def _find_layout(self) -> tuple[list[str], int]:
        """The text that it took to find the layout, without blank lines before it; their number."""
        finder = LayoutFinder(Limits().max_row)
        self.layout, head, blank_lines = find_layout(finder, self._text)
        if self.layout is None:
            self.layout, _ = finder.at_end()
        return head, blank_lines


def _around_line(source: BinaryIO, wanted: int) -> Fragment | None:
    """The line with its two neighbours, or a part of it if it is long."""
    numbered = enumerate(_lines(_text(source)), start=1)
    lines = {number: line for number, line in _until(numbered, wanted + 1) if number >= wanted - 1}
    if any(len(line) > _LONG_LINE for line in lines.values()):
        source.seek(0)
        return _behind_last_row(source)
    if wanted not in lines:
        source.seek(0)
        return _end_of(source)
    return Fragment(f"line {wanted} and its neighbours", _bounded("\n".join(lines.values())), line=wanted)


def _until(numbered: Iterator[tuple[int, str]], last: int) -> Iterator[tuple[int, str]]:
    for number, line in numbered:
        yield number, line
        if number >= last:
            return


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    held: list[str] = []
    for piece in pieces:
        first, *others = piece.split("\n")
        held.append(first)
        for other in others:
            yield "".join(held)
            held = [other]
    yield "".join(held)


def _behind_last_row(source: BinaryIO) -> Fragment | None:
    """The text after the last readable row, where the reading ended."""
    elements = _Elements(source)
    read = sum(1 for _ in elements)
    source.seek(0)
    if elements.layout is None or elements.layout.tag is None:
        return _beginning(source)
    name = re.escape(elements.layout.tag.rsplit("}", 1)[-1])
    end = re.compile(rf"</(?:[\w.-]+:)?{name}\s*>")
    seen, behind, before = 0, "", ""
    for text in _overlapping(_text(source)):
        ends = [match.end() for match in end.finditer(text)]
        if seen < read <= seen + len(ends):
            place = ends[read - seen - 1]
            before, behind = text[max(place - BEFORE, 0) : place], text[place : place + AFTER]
        elif read == 0 and not behind:
            behind = text[:AFTER]
        seen += len(ends)
    return Fragment(f"behind row {read}, the last one that could be read", _bounded(before + behind), row=read)


def _overlapping(pieces: Iterable[str]) -> Iterator[str]:
    """The text in pieces that end after a tag, so that no tag is split; each also has some text of the next
    piece."""
    held = ""
    for piece in pieces:
        held += piece
        cut = held.rfind("<", 0, max(len(held) - AFTER, 0))
        if cut > 0:
            yield held[:cut]
            held = held[cut:]
    yield held


def _around_byte(source: BinaryIO, offset: int) -> Fragment | None:
    """The decompressed bytes around an offset. Bytes that are not text are shown as hexadecimal escapes."""
    size, found = 0, b""
    for piece in _until_fault(Contents(FullReads(source), Limits())):
        begin, end = max(offset - BEFORE - size, 0), max(offset + AFTER - size, 0)
        found += piece[begin:end]
        size += len(piece)
        if size >= offset + AFTER:
            break
    text = found.decode("utf-8", "backslashreplace")
    return Fragment(f"around byte {offset} of the decompressed content", _bounded(text)) if found else None


def _end_of(source: BinaryIO) -> Fragment | None:
    """The end of the readable text."""
    last = ""
    for piece in _text(source):
        last = (last + piece)[-BEFORE - AFTER :]
    return Fragment("the end of what could be read", _bounded(last)) if last else _raw_beginning(source)


def _beginning(source: BinaryIO) -> Fragment | None:
    text = next(iter(_text(source)), "")[: BEFORE + AFTER]
    return Fragment("the beginning of the file", _bounded(text)) if text else _raw_beginning(source)


def _raw_beginning(source: BinaryIO) -> Fragment | None:
    """The first published bytes, for a file without readable text."""
    source.seek(0)
    head = source.read(AFTER)
    text = head.decode("utf-8", "backslashreplace")
    return Fragment("the first bytes as published", _bounded(text)) if head else None


def _text(source: BinaryIO) -> Iterator[str]:
    """The text of a feed in pieces, up to a fault of its container."""
    pieces = _until_fault(Contents(FullReads(source), Limits()))
    head = b""
    for piece in pieces:
        head += piece
        if len(head) >= HEAD_BYTES or not head.isascii():
            break
    encoding, skipped = encoding_of(head)
    begun = (head[place : place + (1 << 16)] for place in range(skipped, len(head), 1 << 16))
    yield from filter(None, FeedText(chain(begun, pieces), encoding, skipped))


def _until_fault(pieces: Iterable[Piece]) -> Iterator[Piece]:
    try:
        yield from pieces
    except FeedError:
        return


def _bounded(text: str) -> str:
    return excerpt(storable(text), MAX_BYTES)
