"""The work of one transaction, in the order in which every loader takes its locks."""

from __future__ import annotations

from collections.abc import Sequence

from gogobe.database.connection import Cursor, Dialect
from gogobe.database.dead_letters import resolve_letters
from gogobe.database.load.aliases import load_aliases
from gogobe.database.load.descriptions import describe_stores
from gogobe.database.load.endings import end_what_is_gone
from gogobe.database.load.ledger import (
    Taken,
    add_files,
    count_batches,
    fail_batch,
    keep_refused_rows,
    take_batches,
)
from gogobe.database.load.prices import load_prices
from gogobe.database.load.promotions import load_promotions
from gogobe.database.load.results import LoadResult
from gogobe.database.load.sent import Offered
from gogobe.database.load.stores import BatchStores, lock_stores
from gogobe.records.messages import IngestBatch


def load_together(
    cursor: Cursor,
    dialect: Dialect,
    batches: Sequence[IngestBatch],
    rows: BatchStores,
    offered: Offered,
) -> LoadResult:
    """Loads batches within the cursor's transaction. Locks are taken in one order everywhere: stores, files,
    batches, prices and promotions, masters, aliases, dead letters; within each by key. Raises
    StoreMovedError."""
    stores = lock_stores(cursor, rows.identities)
    keys = {batch.batch_id: rows.sold.get(batch.batch_id) for batch in batches}
    newest, undone = add_files(cursor, batches, keys)
    if undone:
        stores = lock_stores(cursor, rows.identities)  # held already; their full files may be others now
    taken = take_batches(cursor, newest)
    taken.duplicates += len(batches) - len(newest)
    if not taken.batches and not taken.broken_off:
        resolve_letters(cursor, batches)
        return LoadResult(duplicate_batches=taken.duplicates)
    lists = [batch for batch in taken.batches if batch.kind == "stores"]
    describe_stores(cursor, lists, taken.tallies, rows.described)
    load_prices(cursor, dialect, taken, rows.sold, stores)
    load_promotions(cursor, taken, rows.sold, stores)
    load_aliases(cursor, dialect, taken.batches, offered)
    keep_refused_rows(cursor, taken.batches)
    completed = count_batches(cursor, taken)
    ended = end_what_is_gone(cursor, completed, stores)
    resolve_letters(cursor, batches)
    return _result(taken, len(completed), ended)


def _result(taken: Taken, completed: int, ended: int) -> LoadResult:
    tallies = taken.tallies.values()
    return LoadResult(
        batches=len(taken.tallies),
        duplicate_batches=taken.duplicates,
        rows=sum(tally.loaded for tally in tallies),
        unchanged=sum(tally.unchanged for tally in tallies),
        stale=sum(tally.stale for tally in tallies),
        refused=sum(tally.refused for tally in tallies),
        ended=ended,
        files_completed=completed,
    )


def enter_failed(cursor: Cursor, batch: IngestBatch, rows: BatchStores, problem: str) -> LoadResult:
    """Enters a batch that could not be loaded in the ledger, so that its file ends as incomplete and not as
    loading; `problem` is added to the file's."""
    lock_stores(cursor, rows.identities)
    newest, _ = add_files(cursor, [batch], {batch.batch_id: rows.sold.get(batch.batch_id)})
    if not take_batches(cursor, newest).batches:
        return LoadResult(duplicate_batches=1)
    fail_batch(cursor, batch, problem)
    return LoadResult()
