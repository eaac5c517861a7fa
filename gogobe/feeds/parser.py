"""An incremental XML parser for feeds: its tree does not grow, and it fetches and expands nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from gogobe.feeds.fields import HEADER, local_name
from gogobe.feeds.problems import FeedError

# Messages contain line numbers of the parser's input; a problem has its position separately.
_PLACE: Final = re.compile(r",? line \d+(?:, column \d+)?")
# libxml2 stores the line of an element in 16 bits. From this line on it returns the line where the element's
# first text ends.
_LINES_KEPT: Final = 0xFFFF
# Elements without children that apply to the rows of all following elements.
_INHERITED: Final = frozenset({*HEADER, "subchainname", "lastupdatedate", "lastupdatetime"})
# The size of an element beyond its text, in bytes for each of its tags.
_TAG_BYTES: Final = 64


def weight(text: str) -> int:
    """The approximate number of bytes that a parser needs for the elements of this text."""
    return len(text) + _TAG_BYTES * text.count("<")


def weight_of(element: etree._Element) -> int:
    """The approximate number of bytes that a parser holds for an element and all below it."""
    return sum(len(found.text or "") + 2 * _TAG_BYTES for found in element.iter("*"))


def new_parser(events: tuple[str, ...], tag: str | None = None) -> etree.XMLPullParser[Any]:
    """A parser of UTF-8 that ignores the declared encoding: no entities, no DTD, no network."""
    return etree.XMLPullParser(
        events=events, tag=tag, encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip


def feed_parser(parser: etree.XMLPullParser[Any], text: str) -> FeedError | None:
    """Feeds a parser. Returns the error that ends the parsing, if any; the parser then accepts no more
    text."""
    try:
        parser.feed(text.encode())
    except etree.XMLSyntaxError as error:
        return _problem(parser, error)
    return _problem(parser)


def close_parser(parser: etree.XMLPullParser[Any]) -> FeedError | None:
    """Ends a parser's input. Returns an error if the document is incomplete."""
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        fault = _problem(parser, error)
        return fault and FeedError("truncated", f"the XML ends in the middle: {fault}", line=fault.problem.line)
    return None


def _problem(parser: etree.XMLPullParser[Any], error: etree.XMLSyntaxError | None = None) -> FeedError | None:
    """The first fatal error. Other errors are ignored (a prefix without a namespace), although lxml may raise
    them; an unknown entity is only in lxml's log."""
    for entry in parser.feed_error_log:
        if entry.level == etree.ErrorLevels.FATAL:
            return _named(entry.message, entry.line)
    if error is None or parser.feed_error_log:
        return None
    return _named(error.msg or "not well-formed", error.lineno or 0)


def _named(complaint: str, line: int) -> FeedError:
    message = _PLACE.sub("", complaint).strip()
    if "depth" in message:
        return FeedError("too_deep", message, line=line)
    if "too long" in message or "limit exceeded" in message or "size limit" in message:
        return FeedError("text_too_long", message, line=line)
    return FeedError("bad_xml", message, line=line)


class RowParser:
    """Yields the elements of one name from text that comes in pieces.

    When the next element is requested, the previous one is emptied, and everything before it is removed from
    the tree. `lines_before`, set by the owner, counts lines of the file that the parser does not get.
    `nested` is set if the last element was within another of its name. With `begun` the parser also keeps
    `unfinished`, the last element that has begun and not ended.
    """

    def __init__(self, tag: str, *, begun: bool = False) -> None:
        # lxml does not match a name whose prefix has no namespace.
        events = ("start", "end") if begun else ("end",)
        self._parser = new_parser(events, None if ":" in tag.rsplit("}", 1)[-1] else tag)
        self._tag = tag
        self._parent: etree._Element | None = None
        self.lines_before = 0
        self.nested = False
        self.unfinished: etree._Element | None = None

    def feed(self, text: str) -> Iterator[etree._Element]:
        """The elements that end in this text. Raises FeedError (`bad_xml`, `too_deep`, `text_too_long`) after
        the elements before the fault."""
        fault = feed_parser(self._parser, text)
        yield from self._completed()
        if fault is not None:
            raise self._with_file_line(fault)

    def close(self) -> Iterator[etree._Element]:
        """The elements left at the end of the text. Raises FeedError `truncated` if the document is
        incomplete."""
        fault = close_parser(self._parser)
        yield from self._completed()
        if fault is not None:
            raise self._with_file_line(fault)

    def _with_file_line(self, fault: FeedError) -> FeedError:
        problem = fault.problem
        return FeedError(problem.code, problem.detail, line=(problem.line or 0) + self.lines_before)

    def line_of(self, element: etree._Element) -> int:
        """The line of the file in which an element begins, from 1."""
        line: int = element.sourceline or 0
        if line >= _LINES_KEPT:
            line -= (element.text or "").count("\n")
        return line + self.lines_before

    def _completed(self) -> Iterator[etree._Element]:
        for event, element in self._parser.read_events():
            parent = element.getparent()
            if parent is None or element.tag != self._tag:
                continue  # the root has the name of the rows
            self.unfinished = element if event == "start" else None
            if event == "start":
                continue
            if len(element) == 0 and parent.tag == self._tag:
                continue  # a field with the name of the rows; with children it is a row after an unclosed one
            if parent is not self._parent:
                self.nested = any(above.tag == self._tag for above in element.iterancestors())
            yield element
            element.clear(keep_tail=False)
            _remove_before(element, keep_leaves=False)
            if parent is not self._parent:
                self._parent = parent
                for above in element.iterancestors():
                    _remove_before(above, keep_leaves=True)


def _remove_before(element: etree._Element, *, keep_leaves: bool) -> None:
    """Removes everything before an element from the tree, except leaves that apply to more rows."""
    parent = element.getparent()
    before = element.getprevious()
    while parent is not None and before is not None:
        if keep_leaves and len(before) == 0 and local_name(str(before.tag)) in _INHERITED:
            return
        parent.remove(before)
        before = element.getprevious()
