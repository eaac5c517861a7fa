"""The parsers that `benchmarks.parse` compares, each run in its own process: `python -m benchmarks.parsers
NAME FILE…`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from lxml import etree

from benchmarks.own_process import report
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.containers import Contents, FullReads
from gogobe.feeds.problems import Limits
from gogobe.feeds.reader import FeedReader
from gogobe.records.messages import FileDownloaded, encode

_ROWS: Final = ("Item", "Product")


def typed_rows(path: Path, *, fast: bool) -> int:
    """Our reader: typed rows in blocks of 500."""
    with _opened(path, fast=fast) as reader:
        for _ in reader:
            pass
        assert reader.summary.complete, reader.summary
        return reader.summary.read


def batches(path: Path, *, encoded: bool) -> int:
    """Our reader, cut into the batches of the pipeline; if `encoded`, also written as the ingest topic's
    JSON."""
    now = datetime.now(UTC)
    file = FileDownloaded("bench", str(path), "0" * 64, path.stat().st_size, "", path.name, now, now)
    with _opened(path, fast=True) as reader:
        for batch in cut_batches(reader, file):
            if encoded:
                encode(batch)
        return reader.summary.read


@contextmanager
def _opened(path: Path, *, fast: bool) -> Iterator[FeedReader]:
    with path.open("rb") as file:
        yield FeedReader(file, path.name, fast=fast)


class _Unpacked:
    """A feed's decompressed bytes as a file; decompressed by our code, so that all parsers have equal
    input."""

    def __init__(self, path: Path) -> None:
        source = FullReads(path.open("rb"))
        self._pieces = iter(Contents(source, Limits()))

    def read(self, _size: int = -1) -> bytes:
        return next(self._pieces, b"")


def _elements(path: Path) -> Iterator[Any]:
    """The rows' elements by lxml's iterparse; processed elements are removed from the tree."""
    for _, element in etree.iterparse(_Unpacked(path), tag=_ROWS, remove_blank_text=True):
        yield element
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def lxml_findtext(path: Path) -> int:
    """A row's texts, each looked up by the names of the first row's elements."""
    names: list[str] = []
    count = 0
    for element in _elements(path):
        names = names or [child.tag for child in element]
        row = [element.findtext(name) for name in names]
        count += len(row) > 0
    return count


def lxml_dicts(path: Path) -> int:
    """A row's texts as a dict."""
    count = 0
    for element in _elements(path):
        row = {child.tag: child.text for child in element}
        count += len(row) > 0
    return count


PARSERS: Final[Mapping[str, Callable[[Path], int]]] = {
    "gogobe": partial(typed_rows, fast=True),
    "gogobe, parser alone": partial(typed_rows, fast=False),
    "gogobe, to batches": partial(batches, encoded=False),
    "gogobe, to messages": partial(batches, encoded=True),
    "lxml, findtext": lxml_findtext,
    "lxml, a dict a row": lxml_dicts,
}


if __name__ == "__main__":
    report(lambda: sum(PARSERS[sys.argv[1]](Path(name)) for name in sys.argv[2:]))
