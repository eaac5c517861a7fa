"""Cutting a file's rows into the batches that flow through the system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec

from gogobe.chains.chain import Chains, normal_chain_id
from gogobe.chains.identity import ChainDiffersError, chain_id_of
from gogobe.feeds.clock import Clock
from gogobe.feeds.names import normal_store_id, parse_if_known
from gogobe.feeds.problems import Problem
from gogobe.feeds.reader import FeedReader
from gogobe.feeds.services import is_service
from gogobe.feeds.summary import FeedSummary
from gogobe.offers.fill import fill_offers, fill_unit_prices
from gogobe.records.addresses import public_address
from gogobe.records.messages import INTERNAL_ERROR, FileDownloaded, FileTotals, IngestBatch
from gogobe.records.rows import Block, Item, Kind, Promotion, Store

READER_VERSION: Final = 3
"""Raised when a change of the reader gives other rows for the same bytes: stored files can be read anew."""


_FIRST_FEEDS: Final = datetime(2000, 1, 1, tzinfo=UTC)


def cut_batches(
    reader: FeedReader, file: FileDownloaded, chains: Chains | None = None
) -> Iterator[IngestBatch]:
    """The file's batches in order: 500 rows each but the last, which carries the file's totals.

    A file that is understood but holds no row ends in one batch without rows, so that it still gets its line
    in the ledger. No batch comes of a file whose kind or chain is unknown, nor of one that speaks for another
    chain than the one that announced it, by `chains` (None: not checked): the reader's summary has the problem,
    and then the rest of the file is not read. Nothing is held back but one block.
    """
    cutter = _Cutter(reader, file, chains)
    held: Block | None = None
    for block in reader:
        if held is not None:
            yield cutter.batch(held)
        elif not cutter.find_chain():
            return
        held = block
    if held is None:
        if reader.summary.kind is None or not cutter.find_chain():
            return
        held = Block(rows=[], refused=[])
    yield cutter.batch(held, last=True)


def broken_off(yielded: IngestBatch, summary: FeedSummary) -> IngestBatch:
    """The last batch of a file whose reading broke off with an unforeseen error after the batch `yielded`.

    It has no rows and ends the file as incomplete. When the file is read again, the true batch takes its place.
    """
    totals = _totals(summary)
    totals = msgspec.structs.replace(totals, complete=False, problems=[*totals.problems, INTERNAL_ERROR])
    sequence = yielded.sequence + 1
    return msgspec.structs.replace(
        yielded,
        batch_id=f"{yielded.batch_id.rpartition('-')[0]}-{sequence}",
        sequence=sequence,
        last=True,
        items=[],
        promotions=[],
        stores=[],
        refused=[],
        totals=totals,
    )


def _totals(summary: FeedSummary) -> FileTotals:
    return FileTotals(
        announced=summary.announced,
        read=summary.read,
        refused=summary.refused,
        complete=summary.complete,
        unknown_elements=summary.unknown_elements,
        problems=[problem.code for problem in summary.problems],
    )


class _Cutter:
    """Makes the batches of one file; what is the same in all of them is decided once."""

    def __init__(self, reader: FeedReader, file: FileDownloaded, chains: Chains | None) -> None:
        self._reader = reader
        self._file = file
        self._chains = chains
        self._name = parse_if_known(file.file_name)
        self._chain_id = ""
        self._sequence = 0
        self._times = _Times(file, Clock(file.downloaded_at))
        self._filler = RowFiller()

    def find_chain(self) -> bool:
        """Decides under which ChainId the file is stored, once its header is known; False where it is under
        none. What is wrong is in the reader's summary then."""
        named = self._name.chain_id if self._name else None
        content = self._reader.header.chain_id
        try:
            if self._chains is not None:
                found = chain_id_of(self._chains, self._file.chain, named=named, content=content)
            else:
                found = normal_chain_id(content) or normal_chain_id(named)
        except ChainDiffersError as error:
            self._reader.refuse(Problem("chain_differs", str(error)))
            return False
        self._chain_id = found or ""
        return found is not None

    def _final_totals(self) -> FileTotals:
        """The file's totals, once all of its rows are filled in. Adds to the reader's summary what is wrong
        with the times of name and announcement."""
        if self._times.problem is not None:
            self._reader.summary.problems.append(self._times.problem)
        totals = _totals(self._reader.summary)
        return msgspec.structs.replace(totals, unit_prices_off_basis=self._filler.off_basis)

    def batch(self, block: Block, *, last: bool = False) -> IngestBatch:
        """The next batch; the last one has the totals."""
        self._filler.fill(block.rows)
        totals = self._final_totals() if last else None
        reader, file, name = self._reader, self._file, self._name
        kind = reader.kind
        assert kind is not None, "a reader that yields rows knows their kind"
        sub_chain_id = reader.header.sub_chain_id or (name.sub_chain_id if name else None)
        store_id = reader.header.store_id or (name.store_id if name else None)
        batch = IngestBatch(
            batch_id=f"{file.content_sha256}-{READER_VERSION}-{self._sequence}",
            kind=kind,
            chain=file.chain,
            chain_id=self._chain_id,
            sub_chain_id=normal_store_id(sub_chain_id or "0"),
            store_id=normal_store_id(store_id or "0"),
            file=file.file_name,
            sequence=self._sequence,
            last=totals is not None,
            published_at=self._times.published_at,
            published_known=self._times.published_known,
            content_sha256=file.content_sha256,
            source_url=public_address(file.source_url),
            discovered_at=self._times.discovered_at,
            downloaded_at=file.downloaded_at,
            refused=block.refused,
            totals=totals,
            reader_version=READER_VERSION,
            s3_path=file.s3_path,
        )
        self._sequence += 1
        _put_rows(batch, kind, block)
        return batch


class _Times:
    """When a file was published and discovered: never later than it was downloaded, because only what is newer
    counts, and a file of the future would make all later ones stale. Nor was any discovered before there were
    such files.

    It was published at the time in its name; where that is missing or later than the download by more than
    clocks differ, when it was discovered. `problem` reports a time that was not taken.
    """

    def __init__(self, file: FileDownloaded, clock: Clock) -> None:
        name = parse_if_known(file.file_name)
        named = name.published_by(clock) if name else None
        can_be = file.discovered_at >= _FIRST_FEEDS and not clock.is_later(file.discovered_at)
        self.discovered_at = (clock.past(file.discovered_at) if can_be else None) or file.downloaded_at
        published_at = clock.past(named) if named else None
        self.published_at = published_at or self.discovered_at
        self.published_known = published_at is not None
        wrong = []
        if named is not None and clock.is_later(named):
            wrong.append(f"its name says {_shown(named)}")
        if not can_be:
            wrong.append(f"it was announced at {_shown(file.discovered_at)}")
        detail = f"downloaded at {_shown(file.downloaded_at)}, but {' and '.join(wrong)}"
        taken = f"published at {_shown(self.published_at)} counts"
        self.problem = Problem("future_date", f"{detail}: {taken}") if wrong else None


def _shown(at: datetime) -> str:
    return at.isoformat(" ", "seconds")


def _put_rows(batch: IngestBatch, kind: Kind, block: Block) -> None:
    rows = cast("list[Any]", block.rows)
    if kind in ("price", "pricefull"):
        batch.items = rows
    elif kind in ("promo", "promofull"):
        batch.promotions = rows
    else:
        batch.stores = rows


class RowFiller:
    """Sets the fields of rows that follow from other fields: `is_service` and unit prices of items, offers and
    conditions of promotions.

    `off_basis` counts the published unit prices that are a power of ten off the basis that they name. All files
    of some chains have them, so they are not a problem of the file.
    """

    def __init__(self) -> None:
        self.off_basis = 0

    def fill(self, rows: Sequence[Item | Promotion | Store]) -> None:
        """Fills in the rows of a block."""
        items = [row for row in rows if isinstance(row, Item)]
        for item in items:
            item.is_service = is_service(item.name or "", item.price, item.item_code)
        self.off_basis += fill_unit_prices(items)
        fill_offers(row for row in rows if isinstance(row, Promotion))
