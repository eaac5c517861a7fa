"""Cuts the rows of a file into batches."""

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

READER_VERSION: Final = 4
"""Increased when the reader returns other rows for the same bytes; stored files can then be read again."""

_FIRST_FEEDS: Final = datetime(2000, 1, 1, tzinfo=UTC)


def cut_batches(
    reader: FeedReader, file: FileDownloaded, chains: Chains | None = None
) -> Iterator[IngestBatch]:
    """The batches of a file, in order: 500 rows each except the last, which has the file's totals.

    A valid file without rows yields one batch without rows, so that it gets its line in the ledger. A file
    yields no batch if its kind or chain is unknown, or if it belongs to another chain than the one that
    announced it (by `chains`; None: not checked). The problem is then in the reader's summary, and the rest
    of the file is not read. At most one block is held in memory.
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


def aborted_batch(previous: IngestBatch, summary: FeedSummary) -> IngestBatch:
    """The last batch of a file whose reading ended with an unexpected exception after the batch `previous`.

    It has no rows and ends the file as incomplete. The complete batch replaces it when the file is read
    again.
    """
    totals = _totals(summary)
    totals = msgspec.structs.replace(totals, complete=False, problems=[*totals.problems, INTERNAL_ERROR])
    sequence = previous.sequence + 1
    return msgspec.structs.replace(
        previous,
        batch_id=f"{previous.batch_id.rpartition('-')[0]}-{sequence}",
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
    """Makes the batches of one file. Fields that all batches share are computed once."""

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
        """Determines the ChainId under which the file is stored; its header must be known. Returns False if
        there is none, with a problem in the reader's summary."""
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
        """The totals of the file, after all rows were filled. Adds a problem with the times of name or
        announcement to the reader's summary."""
        if self._times.problem is not None:
            self._reader.summary.problems.append(self._times.problem)
        totals = _totals(self._reader.summary)
        return msgspec.structs.replace(totals, unit_prices_off_basis=self._filler.off_basis)

    def batch(self, block: Block, *, last: bool = False) -> IngestBatch:
        """The next batch. The last one has the totals."""
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
    """The times of publication and discovery of a file.

    The time in its name is the time of publication, unless it is missing or later than the download by more
    than clocks differ; then the time of discovery counts. Neither may be later than the download: a file from
    the future would make all later files stale. A discovery before the first feeds existed is replaced by the
    time of the download. `problem` reports a rejected time.
    """

    def __init__(self, file: FileDownloaded, clock: Clock) -> None:
        name = parse_if_known(file.file_name)
        named = name.publication_time(clock) if name else None
        is_possible = file.discovered_at >= _FIRST_FEEDS and not clock.is_later(file.discovered_at)
        self.discovered_at = (clock.past(file.discovered_at) if is_possible else None) or file.downloaded_at
        published_at = clock.past(named) if named else None
        self.published_at = published_at or self.discovered_at
        self.published_known = published_at is not None
        wrong = []
        if named is not None and clock.is_later(named):
            wrong.append(f"its name says {_shown(named)}")
        if not is_possible:
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
    """Sets the computed fields of rows: `is_service` and unit prices of items, offers and conditions of
    promotions.

    `off_basis` counts published unit prices that differ by a power of ten from the price on the basis that
    they name. All files of some chains have them, so they are not a problem of the file.
    """

    def __init__(self) -> None:
        self.off_basis = 0

    def fill(self, rows: Sequence[Item | Promotion | Store]) -> None:
        """Fills the rows of one block, in place."""
        items = [row for row in rows if isinstance(row, Item)]
        for item in items:
            item.is_service = is_service(item.name or "", item.price, item.item_code)
        self.off_basis += fill_unit_prices(items)
        fill_offers(row for row in rows if isinstance(row, Promotion))
