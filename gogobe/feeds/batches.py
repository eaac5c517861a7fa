"""Cutting a file's rows into the batches that flow through the system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from gogobe.feeds.names import normal_store_id, parse_if_known
from gogobe.feeds.reader import FeedReader, FeedSummary
from gogobe.feeds.rows import Block, Kind
from gogobe.messages import FileDownloaded, FileTotals, IngestBatch


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


def _batch(
    reader: FeedReader, file: FileDownloaded, block: Block, sequence: int, totals: FileTotals | None = None
) -> IngestBatch:
    name = parse_if_known(file.file_name)
    kind = reader.kind
    assert kind is not None, "a reader that yields rows knows their kind"
    sub_chain_id = reader.header.sub_chain_id or (name.sub_chain_id if name else None)
    store_id = reader.header.store_id or (name.store_id if name else None)
    published_at = (name.published_at if name else None) or file.discovered_at
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
        published_at=published_at,
        content_sha256=file.content_sha256,
        source_url=file.source_url,
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
    elif kind in ("promo", "promofull"):
        batch.promotions = rows
    else:
        batch.stores = rows
