"""The work of one load transaction, in the order in which every loader takes its locks."""

from __future__ import annotations

from collections.abc import Sequence

from gogobe.database.connection import Connection, Cursor, Dialect, staging_table
from gogobe.database.dead_letters import resolve_loaded
from gogobe.database.load.aliases import STAGING as ALIAS_STAGING
from gogobe.database.load.aliases import load_aliases
from gogobe.database.load.batches import enter_batches, keep_refused_rows, mark_failed
from gogobe.database.load.descriptions import describe_stores
from gogobe.database.load.endings import end_unlisted
from gogobe.database.load.files import (
    CompletedFile,
    add_files,
    count_batches,
    count_failed,
    lock_files,
    write_totals,
)
from gogobe.database.load.prices import STAGING as PRICE_STAGING
from gogobe.database.load.prices import PriceMerger
from gogobe.database.load.promotions import load_promotions
from gogobe.database.load.readings import newest_readings
from gogobe.database.load.results import LoadResult
from gogobe.database.load.rounds import rounds_of
from gogobe.database.load.sent import SentHashes
from gogobe.database.load.stores import BatchStores, LockedStore, lock_stores
from gogobe.database.load.subjects import is_full
from gogobe.database.load.tallies import NewBatches
from gogobe.records.messages import IngestBatch


def create_staging_tables(connection: Connection, dialect: Dialect) -> None:
    """Creates the temporary tables that a load copies into, once per connection."""
    connection.execute(staging_table(dialect, "staged_prices", PRICE_STAGING))
    connection.execute(staging_table(dialect, "staged_aliases", ALIAS_STAGING))


def load_in_transaction(
    cursor: Cursor,
    dialect: Dialect,
    batches: Sequence[IngestBatch],
    rows: BatchStores,
    sent: SentHashes,
) -> LoadResult:
    """Loads batches within the cursor's transaction.

    The tables are those of a transaction for each batch, in the order of `batches`. Every loader takes its
    locks in this order: stores, files, batches, prices and promotions, masters, aliases, dead letters, waiting
    files; within each by key. Raises StoreMovedError.
    """
    new, stores = _enter(cursor, batches, rows, sent)
    completed: list[CompletedFile] = []
    ended = 0
    if new.entered:
        describe_stores(cursor, [batch for batch in new.batches if batch.kind == "stores"], new.tallies)
        write_totals(cursor, new.entered)
        prices = PriceMerger(cursor, dialect)
        for together in rounds_of(new.entered, rows.sold):
            part = new.part(together.batches)
            prices.load(part, rows.sold, stores)
            load_promotions(cursor, part, rows.sold, stores)
            # Only full files end rows, which the next round must see.
            if full := [batch for batch in together.batches if is_full(batch.kind)]:
                done = count_batches(cursor, new.part(full), together.later)
                ended += end_unlisted(cursor, done, stores)
                completed += done
        if others := [batch for batch in new.entered if not is_full(batch.kind)]:
            completed += count_batches(cursor, new.part(others))
        load_aliases(cursor, dialect, new.batches, sent)
        keep_refused_rows(cursor, new.batches)
    _resolve_loaded(cursor, batches, completed)
    return _result(new, len(completed), ended)


def _resolve_loaded(cursor: Cursor, batches: Sequence[IngestBatch], completed: Sequence[CompletedFile]) -> None:
    """Closes the dead letters of loaded files, and removes the files from the retry queue. Only batches that
    complete a file, or that end one announced again, can have this effect."""
    files = {file.content_sha256 for file in completed}
    last = [batch for batch in batches if batch.last or batch.content_sha256 in files]
    if last:
        resolve_loaded(cursor, last)


def _enter(
    cursor: Cursor, batches: Sequence[IngestBatch], rows: BatchStores, sent: SentHashes
) -> tuple[NewBatches, dict[int, LockedStore]]:
    """Locks stores and files, undoes readings that the batches replace, and inserts the batches into the
    ledger.

    Files that this worker has inserted before, with this reading and address, are skipped.
    """
    unknown = [
        batch
        for batch in batches
        if sent.add(hash((batch.content_sha256, batch.reader_version, batch.source_url)))
    ]
    stores = lock_stores(cursor, rows.identities, unknown)
    store_keys = {batch.batch_id: rows.sold.get(batch.batch_id) for batch in batches}
    if unknown:
        add_files(cursor, unknown, store_keys)
    counted = lock_files(cursor, batches)
    newest, undone = newest_readings(cursor, batches, counted, store_keys, stores)
    if undone:
        stores = lock_stores(cursor, rows.identities)  # locked already; their marks may have changed
    new = enter_batches(cursor, newest)
    new.duplicates += len(batches) - len(newest)
    return new, stores


def _result(new: NewBatches, completed: int, ended: int) -> LoadResult:
    tallies = new.tallies.values()
    return LoadResult(
        batches=len(new.tallies),
        duplicate_batches=new.duplicates,
        rows=sum(tally.loaded for tally in tallies),
        unchanged=sum(tally.unchanged for tally in tallies),
        stale=sum(tally.stale for tally in tallies),
        refused=sum(tally.refused for tally in tallies),
        ended=ended,
        files_completed=completed,
    )


def enter_failed(cursor: Cursor, batch: IngestBatch, rows: BatchStores, problem: str) -> LoadResult:
    """Records a batch that could not be loaded as failed, so that its file ends as incomplete instead of
    staying `loading`. `problem` is added to the file's problems. Raises StoreMovedError."""
    new, _ = _enter(cursor, [batch], rows, SentHashes())
    if not new.batches:
        return LoadResult(duplicate_batches=1)
    mark_failed(cursor, [batch])
    count_failed(cursor, batch, problem)
    return LoadResult()
