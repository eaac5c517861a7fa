"""Loads batches of the ingest topic into the database, any number of them in one transaction."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import psycopg
from psycopg import IsolationLevel, errors

from gogobe.chains.chain import Chains
from gogobe.database.address import AddressError, Dsn
from gogobe.database.connection import (
    ATTEMPTS,
    Connection,
    dialect_of,
    is_data_fault,
    is_missing_partition,
)
from gogobe.database.load.owners import ChainOwners
from gogobe.database.load.results import REFUSED, FailedBatch, LoadResult
from gogobe.database.load.sent import SentHashes
from gogobe.database.load.stores import StoreKeys, StoreMovedError
from gogobe.database.load.transaction import create_staging_tables, enter_failed, load_in_transaction
from gogobe.database.migrations import ensure_months
from gogobe.database.session import Session
from gogobe.database.timeouts import Timeouts
from gogobe.records.messages import INTERNAL_ERROR, IngestBatch
from gogobe.secrets import SecretError

__all__ = ["FailedBatch", "LoadResult", "Loader"]

logger = logging.getLogger(__name__)

# Errors of the database connection or of this process, not of a batch.
_NOT_THE_BATCH: Final = (psycopg.Error, SecretError, AddressError, MemoryError)


class Loader:
    """Loads batches through one connection, which it opens on demand and reopens when it is lost.

    A loader is for one thread; any number of loaders may run concurrently. The database must have the schema
    (`gogobe.database.migrations.migrate`). The role needs SELECT, INSERT, UPDATE and DELETE on the tables,
    and the right to create temporary tables. `batches` below are those of `gogobe.feeds.batches.cut_batches`:

    >>> with Loader(dsn) as loader:
    ...     first, second = loader.load(batches), loader.load(batches)
    >>> first.batches, first.rows, first.files_completed
    (1, 2, 1)
    >>> second.duplicate_batches, second.rows  # the ledger has the batch
    (1, 0)
    """

    def __init__(
        self,
        dsn: Dsn,
        isolation: IsolationLevel | None = None,
        timeouts: Timeouts | None = None,
        chains: Chains | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        """With `chains`, a batch whose chain may not write under its ChainId is refused. `attempts` are as in
        `Session`."""
        self._session = Session(dsn, isolation, timeouts, self._prepare, attempts)
        self._owners = ChainOwners(chains) if chains is not None else None
        self._forget()

    def _forget(self) -> None:
        self._store_keys = StoreKeys()
        self._sent = SentHashes()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the next load opens a new one."""
        self._session.close()

    def load(self, batches: Sequence[IngestBatch]) -> LoadResult:
        """Loads the batches, each once, in one transaction.

        When this returns they are committed. Batches in the ledger are skipped. A batch of another chain, one
        that the database refuses as data, or one that the loader fails on is returned in `failed`, and
        everything else is committed (then in several transactions). Conflicts and lost connections are
        retried. Raises psycopg.Error if the database cannot be reached or used, SecretError if its password
        is not available.
        """
        refused: list[FailedBatch] = []
        if self._owners is not None:
            batches, refused = self._owners.divide(self._session, batches)
        result = self._load_own(batches)
        result.failed += refused
        return result

    def _load_own(self, batches: Sequence[IngestBatch]) -> LoadResult:
        """Loads the batches in one transaction or, if one of them fails, in several."""
        if not batches:
            return LoadResult()
        try:
            return self._session.run(lambda connection: self._load(connection, batches))
        except Exception as error:
            if isinstance(error, _NOT_THE_BATCH) and not is_data_fault(error):
                raise
            if len(batches) == 1:
                return self.fail(batches[0], error)
            logger.warning("one of %d batches cannot be loaded, halving: %s", len(batches), error)
        middle = len(batches) // 2
        result = self._load_own(batches[:middle])
        result.add(self._load_own(batches[middle:]))
        return result

    def _load(self, connection: Connection, batches: Sequence[IngestBatch]) -> LoadResult:
        try:
            return self._commit(connection, batches)
        except errors.CheckViolation as error:
            if not is_missing_partition(error):
                raise
            logger.warning("price_changes lacks a partition, which is made now: %s", error)
            ensure_months(connection, self._dialect, (batch.published_at for batch in batches))
            return self._commit(connection, batches)

    def _commit(self, connection: Connection, batches: Sequence[IngestBatch]) -> LoadResult:
        try:
            rows = self._store_keys.ensure(connection, batches)
            with connection.transaction(), connection.cursor() as cursor:
                result = load_in_transaction(cursor, self._dialect, batches, rows, self._sent)
        except BaseException as error:
            self._sent.rollback()
            if isinstance(error, (errors.ForeignKeyViolation, StoreMovedError)):
                self._forget()  # a cached row was removed or moved
            raise
        self._sent.commit()
        return result

    def _prepare(self, connection: Connection) -> None:
        self._forget()
        self._dialect = dialect_of(connection)
        if self._dialect.session:
            connection.execute(self._dialect.session)
        create_staging_tables(connection, self._dialect)

    def fail(self, batch: IngestBatch, error: Exception) -> LoadResult:
        """Gives up a batch that cannot be loaded: it is marked as failed in the ledger, so that its file ends
        as incomplete, and returned in `failed`. Raises psycopg.Error."""
        failed = _failed(batch, error)
        result = self._session.run(lambda connection: self._enter(connection, failed))
        result.failed.append(failed)
        return result

    def _enter(self, connection: Connection, failed: FailedBatch) -> LoadResult:
        batch = failed.batch
        try:
            rows = self._store_keys.ensure(connection, [batch])
            with connection.transaction(), connection.cursor() as cursor:
                return enter_failed(cursor, batch, rows, f"{failed.reason}: batch {batch.sequence}")
        except StoreMovedError:
            self._store_keys = StoreKeys()
            raise
        except Exception as error:
            if isinstance(error, _NOT_THE_BATCH) and not is_data_fault(error):
                raise
            logger.exception("%s cannot even be entered in the ledger", batch.batch_id)
        return LoadResult()


def _failed(batch: IngestBatch, error: Exception) -> FailedBatch:
    """Why a batch could not be loaded: the database refuses its data, or the loader has a fault."""
    if is_data_fault(error):
        detail = "the database refuses its rows"
        reason, cause = REFUSED, f"{type(error).__name__}: {error}".strip()
    else:
        detail = "the loader failed on it, which is a fault of Gogobe"
        reason, cause = INTERNAL_ERROR, "".join(traceback.format_exception(error))
    detail = (
        f"{batch.file}, batch {batch.sequence}: {detail}; the whole batch is kept here and can be replayed "
        "once the cause is repaired"
    )
    return FailedBatch(batch, reason, detail, cause)
