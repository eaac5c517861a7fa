"""Reads the rows of a feed's text, in order: by the pattern if it matches, otherwise by the XML parser.

The rows that the pattern matches are cut out of the text, and one parser reads the rest. A text without some
of its well-formed elements is well-formed if and only if the whole text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from lxml import etree

from gogobe.feeds.clock import UNBOUND, Clock
from gogobe.feeds.elements import ItemElements, RowElements, StoreElements
from gogobe.feeds.item_pattern import ItemPattern, MatchedRows
from gogobe.feeds.layout import Layout
from gogobe.feeds.parser import RowParser, weight
from gogobe.feeds.problems import FeedError, Limits
from gogobe.feeds.promotion_rows import EARLY_FROM, PromotionRows
from gogobe.feeds.unknown import UnknownElements
from gogobe.records.rows import RefusedRow

_LONGEST_REST: Final = 1 << 18
# The number of promotions in one run.
_RUN: Final = 100
# If the pattern fails for most rows of a feed, the parser alone is faster.
_ODD_ROWS: Final = 100


class Run(NamedTuple):
    """Rows that were read together, and the rows refused between them."""

    rows: list[Any]
    refused: list[RefusedRow]


class RowStream:
    """Takes the text of a feed and yields its rows.

    With `fast` off the parser reads everything; the rows are the same. `read` counts the rows of the file.
    `blank_lines` is the number of lines skipped before the text. `clock` interprets times. Promotions come at
    the end, because a promotion may have elements anywhere in the file; `promotions` reads them, and is None
    for other feeds.
    """

    def __init__(
        self,
        layout: Layout,
        limits: Limits,
        blank_lines: int = 0,
        *,
        clock: Clock = UNBOUND,
        fast: bool = True,
    ) -> None:
        assert layout.tag is not None, "a feed without rows has no stream of them"
        self.unknown = UnknownElements()
        self.promotions: PromotionRows | None = None
        self._elements: RowElements
        if layout.family == "promo":
            self._elements = self.promotions = PromotionRows(clock, self.unknown, limits)
        else:
            elements = ItemElements if layout.family == "price" else StoreElements
            self._elements = elements(clock, self.unknown)
        self._parser = RowParser(layout.tag, begun=layout.family == "promo")
        self._bound = _TextBound(limits.max_text)
        self._max_row = limits.max_row
        self._since_row = 0
        self._early_from = EARLY_FROM
        self._lines = self._parser.lines_before = blank_lines
        self.read = 0
        plain = fast and layout.family == "price" and "}" not in layout.tag
        self._pattern = ItemPattern(layout.tag, clock, self.unknown) if plain else None
        self._row_end = re.compile(rf"</{re.escape(layout.tag)}[ \t\n]*>")
        self._rest = ""
        self._after_row = False
        self._fast_rows = self._odd_rows = 0

    def feed(self, text: str, lines: int) -> Iterator[Run]:
        """The rows that end in this text, which has `lines` line ends. Raises FeedError after the rows before
        the fault."""
        allowed = self._bound.allowed(text)
        read = self.read
        yield from self._runs(text[:allowed], lines if allowed == len(text) else None)
        if allowed < len(text):
            raise FeedError("text_too_long", line=self._line())
        self._since_row = self._since_row + weight(text) if self.read == read else len(text)
        self._read_early()
        if self._since_row > self._max_row:
            raise FeedError("row_too_long", line=self._line())

    def _line(self) -> int:
        """The line in which the text read so far ends."""
        return self._lines + self._rest.count("\n") + 1

    def close(self) -> Iterator[Run]:
        """The rows left at the end of the text. Raises FeedError `truncated` if the XML is incomplete."""
        yield from self._parse(self._rest)
        self._rest = ""
        yield from self._made(self._parser.close())

    def held(self) -> Iterator[Run]:
        """The rows that are held until the end of the text; available after a fault, too."""
        promotions = self.promotions.promotions() if self.promotions is not None else iter(())
        while rows := list(islice(promotions, _RUN)):
            yield Run(rows, [])

    def _read_early(self) -> None:
        """Reads items of a large promotion before its end tag."""
        if self._since_row <= EARLY_FROM:
            self._early_from = EARLY_FROM
        elif self.promotions is not None and self._since_row > self._early_from:
            if self._parser.unfinished is not None:
                self._since_row = self.promotions.read_early(self._parser.unfinished)
            self._early_from = self._since_row + EARLY_FROM

    def _runs(self, text: str, lines: int | None) -> Iterator[Run]:
        """The rows of a text, of which the number of line ends may be known."""
        if self._rest:
            text, lines = self._rest + text, None
            self._rest = ""
        place = 0
        # A search for one character is much faster than for three.
        plain = "]" not in text or "]]>" not in text
        while self._pattern is not None and plain:
            if self._after_row:
                matched = self._match(self._pattern, text, place, lines)
                place = matched.end
                if matched.rows or matched.refused:
                    yield Run(matched.rows, matched.refused)
            row_end = self._row_end.search(text, place)
            if row_end is None:
                break
            yield from self._parse_one(self._pattern, text, place, row_end.end())
            place = row_end.end()
        self._rest = text[place:]
        if self._pattern is None or len(self._rest) > _LONGEST_REST or not plain:
            yield from self._parse(self._rest)
            self._rest, self._after_row = "", False

    def _match(self, pattern: ItemPattern, text: str, place: int, all_lines: int | None) -> MatchedRows:
        """Reads rows by the pattern, and counts their lines for the parser. `all_lines` is the number of line
        ends in the whole text, if known: the pattern mostly reads all of it."""
        matched = pattern.match_rows(text, place, self.read + 1, self._lines + 1)
        is_all = place == 0 and matched.end == len(text)
        lines = all_lines if is_all and all_lines is not None else text.count("\n", place, matched.end)
        self._lines += lines
        self._parser.lines_before += lines
        count = len(matched.rows) + len(matched.refused)
        self.read += count
        self._fast_rows += count
        return matched

    def _parse_one(self, pattern: ItemPattern, text: str, begin: int, end: int) -> Iterator[Run]:
        """Parses `text[begin:end]`, which ends with a possible end tag of a row. It is one if the parser
        yields a row at the last character; otherwise it is in a comment, CDATA, a tag or an open row."""
        yield from self._parse(text[begin : end - 1])
        read = self.read
        yield from self._parse(text[end - 1])
        self._after_row = self.read > read and not self._parser.nested
        if self._after_row:
            self._odd_rows += 1
            pattern.learn(text, begin, end)
        if self._odd_rows > max(_ODD_ROWS, self._fast_rows):
            self._pattern = None

    def _parse(self, text: str) -> Iterator[Run]:
        if text:
            yield from self._made(self._parser.feed(text))
            self._lines += text.count("\n")

    def _made(self, elements: Iterable[etree._Element]) -> Iterator[Run]:
        """The rows of the elements. A fault is raised after the rows before it."""
        rows: list[Any] = []
        refused: list[RefusedRow] = []
        fault: FeedError | None = None
        try:
            for element in elements:
                self.read += 1
                row = self._elements.row(element, self.read, self._parser.line_of(element))
                if isinstance(row, RefusedRow):
                    refused.append(row)
                elif isinstance(row, list):
                    refused += row
                else:
                    rows.append(row)
        except FeedError as error:
            fault = error
        if rows or refused:
            yield Run(rows, refused)
        if fault is not None:
            raise fault


class _TextBound:
    """Checks that no text between two tags, across pieces, is longer than allowed."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._too_long = re.compile(rf"[^<]{{{longest + 1}}}")
        self._run = 0

    def allowed(self, text: str) -> int:
        """The length of this piece up to a text that is too long; usually all of it."""
        first = text.find("<")
        if self._run + (first if first >= 0 else len(text)) > self._longest:
            return 0
        if len(text) > self._longest and (found := self._too_long.search(text)):
            return found.start()
        last = text.rfind("<")
        self._run = len(text) - last - 1 if last >= 0 else self._run + len(text)
        return len(text)
