"""Batches of the ingest topic into the database, any number of them in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self

from psycopg import IsolationLevel

from gogobe.database.address import Dsn
from gogobe.database.connection import (
    DATA_ERRORS,
    Connection,
    Cursor,
    Dialect,
    connect,
    dialect_of,
    staging_table,
    with_retries,
)
from gogobe.database.load.aliases import STAGING as ALIAS_STAGING
from gogobe.database.load.aliases import load_aliases
from gogobe.database.load.endings import end_what_is_gone
from gogobe.database.load.ledger import (
    Taken,
    add_files,
    count_batches,
    keep_refused_rows,
    settle_files,
    take_batches,
    write_totals,
)
from gogobe.database.load.prices import STAGING as PRICE_STAGING
from gogobe.database.load.prices import load_prices
from gogobe.database.load.promotions import load_promotions
from gogobe.database.load.sent import Offered
from gogobe.database.load.stores import (
    StoreId,
    StoreKeys,
    describe_stores,
    described_store_id,
    lock_stores,
    store_id_of,
)
from gogobe.database.migrations import ensure_months, month_of
from gogobe.records.messages import IngestBatch

logger = logging.getLogger(__name__)

REFUSED: Final = "refused_by_database"


@dataclass(frozen=True)
class FailedBatch:
    """A batch that the database refused as data: `reason` is a code, `detail` a sentence, `cause` the error."""

    batch: IngestBatch
    reason: str
    detail: str
    cause: str


@dataclass
class LoadResult:
    """What a load did. Of each row exactly one is counted: `rows` (written, because new or changed),
    `unchanged` (confirmed what stood), `stale` (a newer file had spoken), `refused` (not taken by the reader).

    `batches` were taken, `duplicate_batches` were in the ledger before. `ended`: prices and promotions that a
    complete file no longer lists.
    """

    batches: int = 0
    duplicate_batches: int = 0
    rows: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0
    ended: int = 0
    files_completed: int = 0
    failed: list[FailedBatch] = field(default_factory=list)

    @property
    def changed_views(self) -> bool:
        """Whether a view may show something else now; after a batch that came again too, because the refresh
        that was due when it came first may have been lost with its worker."""
        return self.batches > 0 or self.duplicate_batches > 0 or bool(self.failed)

    def add(self, other: LoadResult) -> None:
        """Counts another load into this one."""
        self.batches += other.batches
        self.duplicate_batches += other.duplicate_batches
        self.rows += other.rows
        self.unchanged += other.unchanged
        self.stale += other.stale
        self.refused += other.refused
        self.ended += other.ended
        self.files_completed += other.files_completed
        self.failed += other.failed


class Loader:
    """Loads batches through one connection, which is made when needed and made again when lost.

    One loader serves one thread; any number of them may load at once. The database must have the schema
    (`gogobe.database.migrations.migrate`).
    """

    def __init__(self, dsn: Dsn, isolation: IsolationLevel | None = None) -> None:
        self._dsn = dsn
        self._isolation = isolation
        self._connection: Connection | None = None
        self._forget()

    def _forget(self) -> None:
        self._store_keys = StoreKeys()
        self._offered = Offered()
        self._months: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Gives the connection back; the next load makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def load(self, batches: Sequence[IngestBatch]) -> LoadResult:
        """Puts the batches into the database, each once, in one transaction.

        When this returns they are committed. Batches in the ledger are skipped. What the database refuses as
        data comes back in `failed`, with everything else committed (then in several transactions). Conflicts
        and lost connections are tried again; raises psycopg.Error when the database cannot be reached or used.
        """
        if not batches:
            return LoadResult()
        try:
            return with_retries(lambda: self._load_once(batches))
        except DATA_ERRORS as error:
            if len(batches) == 1:
                return self._refuse(batches[0], error)
            logger.warning("the database refuses one of %d batches, halving: %s", len(batches), error)
        middle = len(batches) // 2
        result = self.load(batches[:middle])
        result.add(self.load(batches[middle:]))
        return result

    def _load_once(self, batches: Sequence[IngestBatch]) -> LoadResult:
        connection, dialect = self._connected()
        try:
            self._ensure_months(connection, dialect, batches)
            by_store = self._store_keys.ensure(connection, batches)
            with connection.transaction(), connection.cursor() as cursor:
                result = _load(cursor, dialect, batches, by_store, self._offered)
        except BaseException:
            self._offered.rollback()
            raise
        self._offered.commit()
        return result

    def _connected(self) -> tuple[Connection, Dialect]:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self.close()
            self._forget()
            connection = connect(self._dsn, self._isolation)
            self._dialect = dialect_of(connection)
            if self._dialect.session:
                connection.execute(self._dialect.session)
            connection.execute(staging_table(self._dialect, "staged_prices", PRICE_STAGING))
            connection.execute(staging_table(self._dialect, "staged_aliases", ALIAS_STAGING))
            self._connection = connection
        return self._connection, self._dialect

    def _ensure_months(self, connection: Connection, dialect: Dialect, batches: Sequence[IngestBatch]) -> None:
        months = {f"{batch.published_at:%Y-%m-%z}": month_of(batch.published_at) for batch in batches}
        new = {name: month for name, month in months.items() if name not in self._months}
        if new:
            ensure_months(connection, dialect, new.values())
            self._months.update(new)

    def _refuse(self, batch: IngestBatch, error: Exception) -> LoadResult:
        cause = f"{type(error).__name__}: {error}".strip()
        detail = (
            f"{batch.file}, batch {batch.sequence}: the database refuses its rows; the whole batch is kept "
            "here and can be replayed once the cause is mended"
        )
        failed = FailedBatch(batch, REFUSED, detail, cause)
        result = with_retries(lambda: self._enter_failed(batch))
        result.failed.append(failed)
        return result

    def _enter_failed(self, batch: IngestBatch) -> LoadResult:
        """The ledger's line of a refused batch, so that its file ends as incomplete and not as loading."""
        connection, _ = self._connected()
        try:
            by_store = self._store_keys.ensure(connection, [batch])
            with connection.transaction(), connection.cursor() as cursor:
                key = None if batch.kind == "stores" else by_store[store_id_of(batch)]
                lock_stores(cursor, [] if key is None else [key])
                add_files(cursor, [batch], {batch.batch_id: key})
                if not take_batches(cursor, [batch]).batches:
                    return LoadResult(duplicate_batches=1)
                cursor.execute("UPDATE batches SET failed = true WHERE batch_id = %s", (batch.batch_id,))
                cursor.execute(
                    "UPDATE files SET batches_failed = batches_failed + 1, "
                    "problems = array_append(problems, %s) WHERE content_sha256 = %s",
                    (f"{REFUSED}: batch {batch.sequence}", batch.content_sha256),
                )
                write_totals(cursor, [batch])
                settle_files(cursor, [batch.content_sha256])
        except DATA_ERRORS as error:
            logger.error("%s cannot even be entered in the ledger: %s", batch.batch_id, error)
        return LoadResult()


def _load(
    cursor: Cursor,
    dialect: Dialect,
    batches: Sequence[IngestBatch],
    by_store: dict[StoreId, int],
    offered: Offered,
) -> LoadResult:
    """The work of one transaction. Locks are taken in one order everywhere: stores, files, batches, prices and
    promotions, masters, aliases; within each by key."""
    store_keys = {batch.batch_id: by_store[store_id_of(batch)] for batch in batches if batch.kind != "stores"}
    described = {
        by_store[described_store_id(batch, row)]
        for batch in batches
        if batch.kind == "stores"
        for row in batch.stores
    }
    stores = lock_stores(cursor, {*store_keys.values(), *described})
    add_files(cursor, batches, {batch.batch_id: store_keys.get(batch.batch_id) for batch in batches})
    taken = take_batches(cursor, batches)
    if not taken.batches:
        return LoadResult(duplicate_batches=taken.duplicates)
    describe_stores(cursor, taken, by_store)
    load_prices(cursor, dialect, taken, store_keys, stores)
    load_promotions(cursor, taken, store_keys, stores)
    load_aliases(cursor, dialect, taken.batches, offered)
    keep_refused_rows(cursor, taken.batches)
    completed = count_batches(cursor, taken)
    ended = end_what_is_gone(cursor, completed, stores)
    return _result(taken, len(completed), ended)


def _result(taken: Taken, completed: int, ended: int) -> LoadResult:
    tallies = taken.tallies.values()
    return LoadResult(
        batches=len(taken.batches),
        duplicate_batches=taken.duplicates,
        rows=sum(tally.loaded for tally in tallies),
        unchanged=sum(tally.unchanged for tally in tallies),
        stale=sum(tally.stale for tally in tallies),
        refused=sum(tally.refused for tally in tallies),
        ended=ended,
        files_completed=completed,
    )
