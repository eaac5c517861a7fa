"""Cutting a file's rows into the batches that flow through the system."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, cast

from gogobe.feeds.names import normal_store_id, parse_if_known
from gogobe.feeds.problems import PROBLEMS, Problem
from gogobe.feeds.reader import FeedReader, FeedSummary
from gogobe.feeds.services import is_service
from gogobe.offers.fill import fill_offers, fill_unit_prices
from gogobe.records.addresses import public_address
from gogobe.records.messages import FileDownloaded, FileTotals, IngestBatch
from gogobe.records.rows import Block, Kind

# Clocks differ, and times in names are a portal's word for it.
_AHEAD: Final = timedelta(days=1)


def cut_batches(reader: FeedReader, file: FileDownloaded) -> Iterator[IngestBatch]:
    """The file's batches in order: 500 rows each but the last, which carries the file's totals.

    A file that is understood but holds no row ends in one batch without rows, so that it still gets its line
    in the ledger; of a file whose kind or chain cannot be told nothing comes, and the reader's summary says
    why. Nothing is held back but one block.
    """
    held: Block | None = None
    sequence = 0
    for block in reader:
        if held is not None:
            yield _batch(reader, file, held, sequence)
            sequence += 1
        held = block
    if held is None:
        held = Block(rows=[], refused=[])
    if reader.summary.kind is not None and _chain_id(reader, file):
        if _is_future(_named_time(file), file):
            reader.summary.problems.append(Problem("future_date", PROBLEMS["future_date"]))
        yield _batch(reader, file, held, sequence, totals=_totals(reader.summary))


def _totals(summary: FeedSummary) -> FileTotals:
    return FileTotals(
        announced=summary.announced,
        read=summary.read,
        refused=summary.refused,
        complete=summary.complete,
        problems=[problem.code for problem in summary.problems],
    )


def _chain_id(reader: FeedReader, file: FileDownloaded) -> str | None:
    name = parse_if_known(file.file_name)
    return reader.header.chain_id or (name.chain_id if name else None)


def _named_time(file: FileDownloaded) -> datetime | None:
    name = parse_if_known(file.file_name)
    return name.published_at if name else None


def _is_future(named: datetime | None, file: FileDownloaded) -> bool:
    return named is not None and named > file.downloaded_at + _AHEAD


def _published_at(file: FileDownloaded) -> datetime:
    """The time in the file's name. Only what is newer counts, so a file dated in the future would hold up its
    store until then: it, and one without a time, count from their discovery."""
    named = _named_time(file)
    return file.discovered_at if named is None or _is_future(named, file) else named


def _batch(
    reader: FeedReader, file: FileDownloaded, block: Block, sequence: int, totals: FileTotals | None = None
) -> IngestBatch:
    name = parse_if_known(file.file_name)
    kind = reader.kind
    assert kind is not None, "a reader that yields rows knows their kind"
    sub_chain_id = reader.header.sub_chain_id or (name.sub_chain_id if name else None)
    store_id = reader.header.store_id or (name.store_id if name else None)
    batch = IngestBatch(
        batch_id=f"{file.content_sha256}-{sequence}",
        kind=kind,
        chain=file.chain,
        chain_id=_chain_id(reader, file) or file.chain,
        sub_chain_id=normal_store_id(sub_chain_id or "0"),
        store_id=normal_store_id(store_id or "0"),
        file=file.file_name,
        sequence=sequence,
        last=totals is not None,
        published_at=_published_at(file),
        content_sha256=file.content_sha256,
        source_url=public_address(file.source_url),
        discovered_at=file.discovered_at,
        downloaded_at=file.downloaded_at,
        refused=block.refused,
        totals=totals,
    )
    _put_rows(batch, kind, block)
    return batch


def _put_rows(batch: IngestBatch, kind: Kind, block: Block) -> None:
    rows = cast("list[Any]", block.rows)
    if kind in ("price", "pricefull"):
        batch.items = rows
        for item in batch.items:
            item.is_service = is_service(item.name or "", item.price, item.item_code)
        fill_unit_prices(batch.items)
    elif kind in ("promo", "promofull"):
        batch.promotions = rows
        fill_offers(batch.promotions)
    else:
        batch.stores = rows
