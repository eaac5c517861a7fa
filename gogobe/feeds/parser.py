"""The XML parser as feeds need it: fed in pieces, its tree never growing, nothing fetched or expanded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree

from gogobe.feeds.fields import HEADER, local_name
from gogobe.feeds.problems import FeedError

# Messages tell lines of the text as the parser saw it; ours tell them apart from the message.
_PLACE: Final = re.compile(r",? line \d+(?:, column \d+)?")
# libxml2 keeps an element's line in 16 bits; further down it tells the line in which its first text ends.
_LINES_KEPT: Final = 0xFFFF


def new_parser(events: tuple[str, ...], tag: str | None = None) -> etree.XMLPullParser[Any]:
    """A parser of UTF-8, whatever the document declares: no entities, no DTD, no network."""
    return etree.XMLPullParser(
        events=events, tag=tag, encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False,
        remove_comments=True, remove_pis=True,
    )  # fmt: skip


def syntax_problem(error: etree.XMLSyntaxError, lines_before: int = 0) -> FeedError:
    """The parser's complaint as a problem of the file; `lines_before` are lines that it did not see."""
    message = _PLACE.sub("", error.msg or "not well-formed").strip()
    line = (error.lineno or 0) + lines_before
    if "depth" in message:
        return FeedError("too_deep", message, line=line)
    if "too long" in message or "size limit" in message:
        return FeedError("text_too_long", message, line=line)
    return FeedError("bad_xml", message, line=line)


class RowParser:
    """The elements of one name, out of text that comes in pieces.

    Each element is emptied and everything before it leaves the tree when the next one is asked for.
    `lines_before` counts lines of the file that the parser is not shown; the owner sets it.
    """

    def __init__(self, tag: str) -> None:
        self._parser = new_parser(("end",), tag)
        self._parent: etree._Element | None = None
        self.lines_before = 0

    def feed(self, text: str) -> Iterator[etree._Element]:
        """The elements that end in this text. Raises FeedError (`bad_xml`, `too_deep`, `text_too_long`) after
        all that come before the fault."""
        fault: etree.XMLSyntaxError | None = None
        try:
            self._parser.feed(text.encode())
        except etree.XMLSyntaxError as error:
            fault = error
        yield from self._taken()
        if fault is not None:
            raise syntax_problem(fault, self.lines_before) from fault

    def close(self) -> Iterator[etree._Element]:
        """The elements left at the end of the text. Raises FeedError `truncated` where there should be more."""
        fault: etree.XMLSyntaxError | None = None
        try:
            self._parser.close()
        except etree.XMLSyntaxError as error:
            fault = error
        yield from self._taken()
        if fault is not None:
            problem = syntax_problem(fault, self.lines_before).problem
            detail = f"the XML ends in the middle: {problem.detail}"
            raise FeedError("truncated", detail, line=problem.line) from fault

    def line_of(self, element: etree._Element) -> int:
        """The line of the file in which an element begins, from 1."""
        line: int = element.sourceline or 0
        if line >= _LINES_KEPT:
            line -= (element.text or "").count("\n")
        return line + self.lines_before

    def _taken(self) -> Iterator[etree._Element]:
        for _, element in self._parser.read_events():
            parent = element.getparent()
            if parent is None:
                continue  # the root itself, where it has the rows' name
            yield element
            element.clear(keep_tail=False)
            _remove_before(element, keep_header=False)
            if parent is not self._parent:
                self._parent = parent
                for above in element.iterancestors():
                    _remove_before(above, keep_header=True)


def _remove_before(element: etree._Element, *, keep_header: bool) -> None:
    """Takes what stands before an element out of the tree, but leaves that say whose feed it is."""
    parent = element.getparent()
    before = element.getprevious()
    while parent is not None and before is not None:
        if keep_header and len(before) == 0 and local_name(str(before.tag)) in HEADER:
            return
        parent.remove(before)
        before = element.getprevious()
