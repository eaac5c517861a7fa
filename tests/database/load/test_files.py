"""The ledger's line of a file: counted by one loader after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from gogobe.database.connection import Connection, connect, dialect_of
from gogobe.database.load.loader import Loader
from gogobe.database.load.results import LoadResult
from gogobe.database.load.sent import SentHashes
from gogobe.database.load.stores import StoreKeys
from gogobe.database.load.transaction import load_together
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

    def load(connection: Connection, batch: IngestBatch) -> LoadResult:
        rows = StoreKeys().ensure(connection, [batch])
        with connection.transaction(), connection.cursor() as cursor:
            return load_together(cursor, dialect_of(connection), [batch], rows, SentHashes())

    with Loader(dsn) as one, connect(dsn) as other, ThreadPoolExecutor(1) as pool:
        prepared = one._session._connected()  # a connection with the staging tables
        rows = StoreKeys().ensure(prepared, [third])
        with prepared.transaction(), prepared.cursor() as cursor:
            load_together(cursor, dialect_of(prepared), [third], rows, SentHashes())
            loading = pool.submit(load, other, second)
            wait_until_blocked(db, other)
        assert loading.result(20).batches == 1
    row = db.execute("SELECT state, batches_loaded, loaded, completed_at IS NULL FROM files").fetchone()
    assert row == ("loaded", 3, 3, False)
