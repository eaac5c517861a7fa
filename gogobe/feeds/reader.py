"""Reads a feed in any container, encoding and layout, in one pass, in blocks of 500 rows.

Memory does not grow with the file. Bad content raises nothing: it is reported in the summary's problems,
after all rows before the fault were yielded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import BinaryIO, Final, TypeVar, cast

from gogobe.chains.chain import normal_chain_id
from gogobe.feeds.blocks import BlockCutter
from gogobe.feeds.clock import UNBOUND, Clock
from gogobe.feeds.containers import Contents, FullReads
from gogobe.feeds.encodings import FeedText, encoding_of
from gogobe.feeds.layout import Family, Layout, LayoutFinder, find_layout
from gogobe.feeds.names import kind_named, parse_if_known
from gogobe.feeds.plausible import Plausibility
from gogobe.feeds.problems import NOTICES, PROBLEMS, FeedError, Limits, Problem
from gogobe.feeds.promotions import GIFTS
from gogobe.feeds.stream import RowStream, Run
from gogobe.feeds.summary import FeedHeader, FeedSummary
from gogobe.feeds.values import LONGEST_CODE
from gogobe.records.rows import Block, Kind, Promotion

# The number of bytes used to detect the encoding; more if they are all ASCII, which fits every encoding.
HEAD_BYTES: Final = 1 << 16
ASCII_HEAD_BYTES: Final = 1 << 20
HTML_STARTS: Final = (b"<!doctype html", b"<html")
_PATHS_NAMED: Final = 5
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"

Piece = TypeVar("Piece", bytes, str)


class FeedReader:
    """Iterates over the blocks of one feed. `header` is set from the first block on, `summary` at the end.

    `source` is the published file, seekable; its I/O errors are raised unchanged. `clock` interprets times
    and bounds those of updates and sales by the time of download. With `fast` off, the XML parser reads every
    row: the same rows, slower.

    >>> name = "PromoFull7290058108879-014-202507091037.gz"
    >>> with open(f"gogobe/demo/feeds/{name}", "rb") as source:
    ...     reader = FeedReader(source, name)
    ...     promotions = [row for block in reader for row in block.rows]
    >>> reader.summary.kind, len(promotions), reader.summary.complete
    ('promofull', 621, True)
    >>> reader.header.chain_id, promotions[0].promotion_id != promotions[1].promotion_id
    ('7290058108879', True)
    """

    def __init__(
        self,
        source: BinaryIO,
        file_name: str,
        limits: Limits | None = None,
        *,
        clock: Clock = UNBOUND,
        fast: bool = True,
    ) -> None:
        self._source = FullReads(source)
        self._file_name = file_name
        self._limits = limits or Limits()
        self._clock = clock
        self._fast = fast
        self._family: Family | None = None
        self._cut: FeedError | None = None
        self._says_empty = False
        self._plausibility = Plausibility()
        self.header = FeedHeader()
        self.summary = FeedSummary()

    @property
    def kind(self) -> Kind | None:
        """The kind of the feed, from the first block on. The content determines it; the name determines
        whether it is a full file."""
        return self.summary.kind

    def refuse(self, problem: Problem) -> None:
        """Adds a problem found by the caller. The file counts as incomplete."""
        self._problem(problem)

    def __iter__(self) -> Iterator[Block]:
        cutter = BlockCutter(self._limits.max_refused)
        try:
            for run in self._runs():
                for block in cutter.add(run):
                    self._count(block)
                    yield block
                if cutter.full_at is not None:
                    self.summary.read = cutter.full_at
                    raise FeedError("too_many_refused")
        except FeedError as error:
            self._problem(error.problem)
        if last := cutter.rest():
            self._count(last)
            yield last
        self._check_counts()
        self.summary.problems += self._plausibility.problems()

    def _runs(self) -> Iterator[Run]:
        contents = Contents(self._source, self._limits)
        self.summary.container = contents.layers[0]
        text = self._text(contents)
        pieces = self._until_cut(text)
        layout, head, blank_lines = self._find_layout(pieces)
        self._set_layout(layout)
        if layout.tag is not None:
            text.end_pieces_at_rows(layout.tag)
            stream = RowStream(layout, self._limits, blank_lines, clock=self._clock, fast=self._fast)
            yield from self._rows(stream, chain(_with_lines(head), ((piece, text.lines) for piece in pieces)))
        self._report_text_faults(text)
        if self._cut is not None:
            raise self._cut

    def _rows(self, stream: RowStream, pieces: Iterable[tuple[str, int]]) -> Iterator[Run]:
        """The rows of pieces of text, each with its number of line ends. Raises the fault that ended them
        before the end of the text; a fault at the end is kept in `_cut`."""
        fault: FeedError | None = None
        try:
            for piece, lines in pieces:
                yield from stream.feed(piece, lines)
            yield from stream.close()
        except FeedError as error:
            if error.problem.code == "truncated":
                self._cut = self._at_the_end(error)
            else:
                fault = error
        self.summary.read = stream.read
        yield from stream.held()
        self._report(stream, is_whole=fault is None)
        if fault is not None:
            # Other irregularities of the text are not reported: how much of the text was checked depends on
            # who read it.
            raise fault

    def _report(self, stream: RowStream, *, is_whole: bool) -> None:
        """Reports the irregularities of the rows that were read."""
        self.summary.unknown_elements = unknown = stream.unknown.shown()
        if unknown and is_whole:
            paths = ", ".join(f"{count} {path}" for path, count in islice(unknown.items(), _PATHS_NAMED))
            more = ", …" if len(unknown) > _PATHS_NAMED else ""
            self._problem(Problem("unknown_elements", f"{PROBLEMS['unknown_elements']}: {paths}{more}"))
        if stream.promotions is not None:
            self.summary.refused_items = stream.promotions.refused_items
            self.summary.constants = stream.promotions.constants
            for problem in stream.promotions.problems():
                if is_whole or problem.code not in NOTICES:
                    self._problem(problem)

    def _text(self, contents: Contents) -> FeedText:
        """The text of the feed. The first bytes determine the encoding, and whether it is a feed."""
        pieces = self._until_cut(contents)
        head = b""
        for piece in pieces:
            head += piece
            if len(head) >= (ASCII_HEAD_BYTES if head.isascii() else HEAD_BYTES):
                break
        start = head.lstrip(_BLANK)[:16]
        if len(contents.layers) > 1:
            layers = " in ".join(reversed(contents.layers))
            self._problem(Problem("nested_container", f"{layers}; the innermost was read"))
        if not start:
            raise self._cut or FeedError("not_a_feed", "an empty file")
        self.summary.encoding, skipped = encoding_of(head)
        if start.lower().startswith(HTML_STARTS):
            raise FeedError("html_page")
        if not self.summary.encoding.startswith("utf-16") and not start.startswith(b"<"):
            raise FeedError("not_a_feed", f"begins with {start!r}")
        begun = (head[place : place + HEAD_BYTES] for place in range(skipped, len(head), HEAD_BYTES))
        return FeedText(chain(begun, pieces), self.summary.encoding, skipped)

    def _report_text_faults(self, text: FeedText) -> None:
        if text.forbidden:
            self._problem(Problem("control_characters", PROBLEMS["control_characters"]))
        if text.stray:
            self._problem(Problem("stray_ampersands", PROBLEMS["stray_ampersands"]))
        if text.unquoted:
            self._problem(Problem("unquoted_attributes", PROBLEMS["unquoted_attributes"]))
        if text.misread:
            self._problem(Problem("mojibake", PROBLEMS["mojibake"]))
        if text.bad is not None:
            self._problem(text.bad)
        if self._clock.met_future_time:
            self._problem(Problem("future_times", PROBLEMS["future_times"]))

    def _until_cut(self, pieces: Iterable[Piece]) -> Iterator[Piece]:
        """The pieces up to a fault, which is kept until everything before it is read."""
        try:
            yield from pieces
        except FeedError as error:
            self._cut = error

    def _find_layout(self, pieces: Iterable[str]) -> tuple[Layout, list[str], int]:
        """The layout, the text that it took to find it, and the number of blank lines before it,
        which XML allows only without a declaration."""
        finder = LayoutFinder(self._limits.max_row)
        layout, head, blank_lines = find_layout(finder, pieces)
        if layout is not None:
            return layout, head, blank_lines
        layout, fault = finder.at_end()
        if fault is not None:
            self._cut = self._at_the_end(fault)
        if layout is None:
            assert self._cut is not None, "without a layout there is a fault"
            raise self._cut
        return layout, head, blank_lines

    def _at_the_end(self, error: FeedError) -> FeedError:
        """The error of a text that ends too early: the known fault, otherwise the end of the file."""
        problem = error.problem
        if problem.code not in ("truncated", "unknown_layout", "no_rows"):
            return error
        if self._cut is not None or problem.code != "truncated":
            return self._cut or error
        return FeedError("truncated", problem.detail, byte_offset=self._source.seek(0, 2), line=problem.line)

    def _set_layout(self, layout: Layout) -> None:
        for name, value in layout.header.items():
            setattr(self.header, name, value)
        self.header.announced = self.summary.announced = layout.announced
        self._family = layout.family
        self._says_empty = layout.empty
        self.summary.kind = layout.family
        named = kind_named(self._file_name)
        if named is not None and named.startswith(layout.family):
            self.summary.kind = named
        elif named is not None:
            self._problem(Problem("kind_differs", f"named {named}, but holds rows of kind {layout.family}"))
        self._check_ids()
        named_as = parse_if_known(self._file_name)
        if normal_chain_id(self.header.chain_id) is None and named_as is None:
            self._problem(Problem("no_chain", PROBLEMS["no_chain"]))
        elif named_as is None or named_as.published_at is None:
            base = self._file_name.replace("\\", "/").rsplit("/", 1)[-1]
            self._problem(Problem("unknown_name", f"{PROBLEMS['unknown_name']}: {base!r}"))

    def _check_ids(self) -> None:
        """Raises FeedError for an id above the rows that is too long for an index, and removes it. Ids of a
        Stores file other than the chain's belong to its rows, which are refused one by one."""
        for name in ("chain_id", "sub_chain_id", "store_id", "bikoret_no"):
            length = len(getattr(self.header, name) or "")
            if length > LONGEST_CODE:
                setattr(self.header, name, None)
                if self._family == "stores" and name != "chain_id":
                    continue
                said = f"{name} of {length:,} characters; at most {LONGEST_CODE} are taken, and no row was"
                raise FeedError("code_too_long", said)

    def _count(self, block: Block) -> None:
        summary = self.summary
        summary.refused += len(block.refused)
        self._plausibility.add(block.rows)
        if self._family == "price":
            summary.items += len(block.rows)
        elif self._family == "stores":
            summary.stores += len(block.rows)
        else:
            summary.promotions += len(block.rows)
            for row in cast("list[Promotion]", block.rows):
                summary.promotion_items += sum(item.group_id != GIFTS for item in row.items)
                summary.gift_items += len({item.item_code for item in row.items if item.is_gift})

    def _problem(self, problem: Problem) -> None:
        self.summary.problems.append(problem)
        self.summary.complete &= problem.code in NOTICES

    def _check_counts(self) -> None:
        summary = self.summary
        summary.taken = summary.read - (summary.refused - summary.refused_items)
        if summary.kind is None or not summary.complete:
            return
        announced, read = summary.announced, summary.read
        if not summary.taken and (read or announced or not self._says_empty):
            count = "an unknown number of" if announced is None else announced
            found = f"{read} read, all of them refused" if read else "none found"
            self._problem(Problem("no_rows", f"{count} rows announced, {found}"))
        elif summary.kind == "pricefull" and not read:
            sentence = PROBLEMS["empty_pricefull"]
            remedy = "announce it again when the portal has it with its rows"
            self._problem(Problem("empty_pricefull", f"{self._file_name}: {sentence}; {remedy}"))
        elif announced is not None and announced != read:
            self._problem(Problem("count_mismatch", f"{announced} rows announced, {read} read"))


def _with_lines(pieces: Iterable[str]) -> Iterator[tuple[str, int]]:
    for piece in pieces:
        yield piece, piece.count("\n")
