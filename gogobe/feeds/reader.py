"""Reading a feed: any container, encoding and layout, in one pass, in blocks of 500 rows.

Memory does not grow with the file. Bad content never raises: it ends in the summary's problems, after every
row before the fault was given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, BinaryIO, Final, Protocol

import msgspec
from lxml import etree

from gogobe.feeds.containers import Container, container_of, contents
from gogobe.feeds.elements import GIFTS, ItemElements, PromotionElements, StoreElements
from gogobe.feeds.encodings import as_utf8, encoding_of
from gogobe.feeds.layout import Family, Layout, LayoutFinder
from gogobe.feeds.names import UnknownFileNameError, parse_file_name
from gogobe.feeds.problems import FeedError, Limits, Problem
from gogobe.feeds.rows import BATCH_SIZE, Block, Kind, Promotion, RefusedRow

HEAD_BYTES: Final = 1 << 16
HTML_STARTS: Final = (b"<!doctype html", b"<html")


class FeedHeader(msgspec.Struct):
    """What stands above a feed's rows, as published."""

    chain_id: str | None = None
    sub_chain_id: str | None = None
    store_id: str | None = None
    bikoret_no: str | None = None
    chain_name: str | None = None
    announced: int | None = None


class FeedSummary(msgspec.Struct):
    """What a feed was and held. `read` counts its rows as they stand in the file, refused ones too."""

    container: Container = "plain"
    encoding: str = "utf-8"
    kind: Kind | None = None
    read: int = 0
    refused: int = 0
    promotion_items: int = 0
    gift_items: int = 0
    announced: int | None = None
    complete: bool = True
    problems: list[Problem] = []


class RowElements(Protocol):
    """What turns the elements of one kind of feed into rows."""

    def row(self, element: etree._Element, row: int) -> Any: ...


_ELEMENTS: Final[dict[Family, type[RowElements]]] = {
    "price": ItemElements,
    "promo": PromotionElements,
    "stores": StoreElements,
}


class FeedReader:
    """Iterates over the blocks of one feed; `header` holds from the first block on, `summary` at the end.

    `source` is the file as published, seekable; its own I/O errors are raised as they are.
    """

    def __init__(self, source: BinaryIO, file_name: str, limits: Limits | None = None) -> None:
        self._source = source
        self._file_name = file_name
        self._limits = limits or Limits()
        self.header = FeedHeader()
        self.summary = FeedSummary()

    @property
    def kind(self) -> Kind | None:
        """The feed's kind, from the first block on: its content's; the name tells whether it is full."""
        return self.summary.kind

    def __iter__(self) -> Iterator[Block]:
        try:
            yield from self._blocks()
        except FeedError as error:
            self._problem(error.problem)
        self._check_counts()

    def _problem(self, problem: Problem) -> None:
        self.summary.problems.append(problem)
        self.summary.complete = False

    def _blocks(self) -> Iterator[Block]:
        rows: list[Any] = []
        refused: list[RefusedRow] = []
        fault: FeedError | None = None
        try:
            for element_row in self._rows():
                if isinstance(element_row, RefusedRow):
                    refused.append(element_row)
                    self.summary.refused += 1
                    continue
                rows.append(element_row)
                if len(rows) == BATCH_SIZE:
                    yield Block(rows, refused)
                    rows, refused = [], []
        except FeedError as error:
            fault = error
        if rows or refused:
            yield Block(rows, refused)
        if fault is not None:
            raise fault

    def _rows(self) -> Iterator[Any]:
        self.summary.container = container_of(self._source)
        pieces = contents(self._source, self.summary.container, self._limits)
        text = self._text(pieces)
        layout, head = self._find_layout(text)
        self._take(layout)
        if layout.tag is None:
            return
        elements = _ELEMENTS[layout.family]()
        for element in _elements(chain(head, text), layout.tag):
            self.summary.read += 1
            row = elements.row(element, self.summary.read)
            if isinstance(row, Promotion):
                gifts = sum(item.group_id == GIFTS for item in row.items)
                self.summary.gift_items += gifts
                self.summary.promotion_items += len(row.items) - gifts
            yield row

    def _text(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= HEAD_BYTES:
                break
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:20].lower()
        self.summary.encoding, skip = encoding_of(head)
        if start.startswith(HTML_STARTS):
            raise FeedError("html_page")
        if self.summary.encoding == "utf-8" and not start.startswith(b"<"):
            raise FeedError("not_a_feed", f"begins with {head[:16]!r}")
        return as_utf8(chain([head[skip:]], pieces), self.summary.encoding)

    def _find_layout(self, text: Iterator[bytes]) -> tuple[Layout, list[bytes]]:
        finder = LayoutFinder()
        head: list[bytes] = []
        for piece in text:
            head.append(piece)
            try:
                layout = finder.feed(piece)
            except etree.XMLSyntaxError as error:
                raise _syntax_problem(error) from error
            if layout is not None:
                return layout, head
        return finder.at_end(), head

    def _take(self, layout: Layout) -> None:
        for name, value in layout.header.items():
            setattr(self.header, name, value)
        self.header.announced = self.summary.announced = layout.announced
        self.summary.kind = _kind(layout.family, self._file_name)

    def _check_counts(self) -> None:
        summary = self.summary
        announced = summary.announced
        if summary.kind is None or summary.problems:
            return
        if announced is not None and announced != summary.read:
            self._problem(Problem("count_mismatch", f"{announced} rows announced, {summary.read} read"))


def _kind(family: Family, file_name: str) -> Kind:
    try:
        named = parse_file_name(file_name).kind
    except UnknownFileNameError:
        return family
    return named if named.startswith(family) else family


def _elements(text: Iterable[bytes], tag: str) -> Iterator[etree._Element]:
    """The elements of one name, each gone from the tree when the next is asked for."""
    parser = etree.XMLPullParser(
        events=("end",), tag=tag, encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip
    for piece in text:
        fault: etree.XMLSyntaxError | None = None
        try:
            parser.feed(piece)
        except etree.XMLSyntaxError as error:
            fault = error
        yield from _taken(parser)
        if fault is not None:
            raise _syntax_problem(fault) from fault
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        yield from _taken(parser)
        raise FeedError("truncated", f"the XML ends in the middle: {error.msg}", line=error.lineno) from error
    yield from _taken(parser)


def _taken(parser: etree.XMLPullParser[Any]) -> Iterator[etree._Element]:
    for _, element in parser.read_events():
        parent = element.getparent()
        if parent is None:
            continue  # the root itself, where it has the rows' name
        yield element
        element.clear(keep_tail=False)
        before = element.getprevious()
        if before is not None and before.tag == element.tag:
            parent.remove(before)


def _syntax_problem(error: etree.XMLSyntaxError) -> FeedError:
    message = error.msg or "not well-formed"
    line = error.lineno
    if "depth" in message:
        return FeedError("too_deep", message, line=line)
    if "huge text" in message or "too long" in message.lower():
        return FeedError("text_too_long", message, line=line)
    return FeedError("bad_xml", message, line=line)
