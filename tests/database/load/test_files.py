"""The ledger row of a file: loaders count into it one after another."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gogobe.database.connection import Connection, dialect_of
from gogobe.database.load.loader import Loader
from gogobe.database.load.results import LoadResult
from gogobe.database.load.sent import SentHashes
from gogobe.database.load.stores import BatchStores, StoreKeys
from gogobe.database.load.transaction import load_in_transaction
from gogobe.records.messages import IngestBatch
from tests.database.blocking import wait_until_blocked
from tests.database.samples import file_batches, store


def test_two_loaders_of_one_file_count_one_after_the_other(dsn: str, db: Connection) -> None:
    """Two batches of a Stores file may have no store in common, so no lock on a store parts their loaders. Each
    counts the batches that it sees: without the lock on the file neither sees all, and the file never ends.
    The one that waits has not the last batch, whose totals would make it wait before it counts."""
    first, second, third = file_batches([store(str(number)) for number in range(1, 4)], kind="stores", size=1)
    with Loader(dsn) as loader:
        loader.load([first])

    def load(connection: Connection, batch: IngestBatch, rows: BatchStores, sent: SentHashes) -> LoadResult:
        with connection.transaction(), connection.cursor() as cursor:
            result = load_in_transaction(cursor, dialect_of(connection), [batch], rows, sent)
        sent.commit()
        return result

    with Loader(dsn) as one, Loader(dsn) as other, ThreadPoolExecutor(1) as pool:
        ahead, behind = one._session._connected(), other._session._connected()
        of_third = StoreKeys().ensure(ahead, [third])
        of_second = StoreKeys().ensure(behind, [second])
        sent = SentHashes()  # it has entered the file before, so it does not add its line again
        load(behind, first, StoreKeys().ensure(behind, [first]), sent)
        with ahead.transaction(), ahead.cursor() as cursor:
            load_in_transaction(cursor, dialect_of(ahead), [third], of_third, SentHashes())
            loading = pool.submit(load, behind, second, of_second, sent)
            wait_until_blocked(db, behind)
        assert loading.result(20).batches == 1
    row = db.execute("SELECT state, batches_loaded, loaded, completed_at IS NULL FROM files").fetchone()
    assert row == ("loaded", 3, 3, False)
