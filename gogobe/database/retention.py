"""Removes what is older than its age: history, promotions, ledger, dead letters.

Rows are removed in short transactions of a bounded number of rows, which wait for no loader: what a loader has
locked stays until the next run. Months of the price history are dropped as whole partitions. Needs the owner's
role.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

import psycopg
from psycopg import sql

from gogobe.database.connection import Connection, dialect_of, with_retries
from gogobe.database.migrations import month_of

logger = logging.getLogger(__name__)

PORTION: Final = 5_000
"""Rows in one transaction."""
FILES_PORTION: Final = 200
"""Files in one transaction: each has up to a hundred rows in other tables."""
_LOCK: Final = 0x676F676F6265 + 3
_LOCK_TIMEOUT: Final = "1s"

# PostgreSQL prints a partition's bounds in the session's time zone, which is UTC.
_BOUND: Final = re.compile(r"TO \('([^']+)'\)")
_MONTHS: Final = """
    SELECT c.oid::regclass::text, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits
    JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = 'price_changes'::regclass ORDER BY 1
"""
_OLD_CHANGES: Final = """
    DELETE FROM price_changes WHERE (store_key, item_code, changed_at) IN (
        SELECT store_key, item_code, changed_at FROM price_changes WHERE changed_at < %(before)s
        ORDER BY changed_at LIMIT %(most)s)
"""
_COUNT_CHANGES: Final = "SELECT count(*) FROM price_changes WHERE changed_at < %(before)s"

# Loaders lock a store's row before its prices and promotions.
_LOCK_STORE: Final = "SELECT 1 FROM stores WHERE store_key = %s FOR NO KEY UPDATE SKIP LOCKED"
_ENDED_PRICE: Final = "ended_at < %(before)s"
_OVER: Final = "coalesce(ended_at, ends_at) < %(before)s"

_OLD_FILES: Final = """
    SELECT content_sha256 FROM files WHERE seen_at < %(before)s AND coalesce(completed_at, seen_at) < %(before)s
    ORDER BY seen_at, content_sha256 LIMIT %(most)s FOR UPDATE SKIP LOCKED
"""
_COUNT_FILES: Final = """
    SELECT count(*) FROM files WHERE seen_at < %(before)s AND coalesce(completed_at, seen_at) < %(before)s
"""
_OF_FILES: Final[tuple[LiteralString, ...]] = (
    "refused_rows", "listed_codes", "batches", "file_addresses", "files",
)  # fmt: skip
_OLD_LETTERS: Final = """
    DELETE FROM dead_letters WHERE letter_key IN (
        SELECT letter_key FROM dead_letters
        WHERE last_failed_at < %(before)s AND coalesce(resolved_at, last_failed_at) < %(before)s
        ORDER BY last_failed_at LIMIT %(most)s FOR UPDATE SKIP LOCKED)
"""
_COUNT_LETTERS: Final = """
    SELECT count(*) FROM dead_letters
    WHERE last_failed_at < %(before)s AND coalesce(resolved_at, last_failed_at) < %(before)s
"""
_KEPT_CONTENT: Final = """
    SELECT content_sha256 FROM files WHERE content_sha256 = ANY(%(hashes)s) AND seen_at >= %(before)s
    UNION SELECT content_sha256 FROM dead_letters
    WHERE content_sha256 = ANY(%(hashes)s) AND resolved_at IS NULL
"""
_KEPT_ORIGINALS: Final = "SELECT original_path FROM dead_letters WHERE original_path IS NOT NULL"


class RetentionBusyError(RuntimeError):
    """Another process removes old rows of this database."""


@dataclass(frozen=True)
class Removal:
    """The number of rows (or objects) that were removed, or would be, and of rows or parts that a loader had
    locked, which are `left`."""

    rows: int
    left: int = 0


@contextmanager
def only_one(connection: Connection) -> Iterator[None]:
    """Holds the lock of this work for the length of a `with`. Raises RetentionBusyError, psycopg.Error."""
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() == (False,):
        raise RetentionBusyError("another process removes old rows of this database: wait for its end")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def cutoff(days: int, now: datetime | None = None) -> datetime:
    """The time before which something is older than `days`."""
    return (now or datetime.now(UTC)) - timedelta(days=days)


def remove_history(connection: Connection, before: datetime, *, dry_run: bool = False) -> Removal:
    """Removes the changes of prices of the months that ended before a time. Raises psycopg.Error."""
    month = month_of(before)
    if dry_run:
        return Removal(_count(connection, _COUNT_CHANGES, month))
    rows, left = 0, 0
    if dialect_of(connection).partitions:
        for name in _months_before(connection, month):
            dropped = _drop_month(connection, name)
            rows, left = rows + (dropped or 0), left + (dropped is None)
    if left:  # deleting the rows of a month that is to be dropped would only make them dead rows
        return Removal(rows, left)
    return Removal(rows + _in_portions(connection, _OLD_CHANGES, month, PORTION))


def _months_before(connection: Connection, month: datetime) -> list[str]:
    bounds = {name: _BOUND.search(bound) for name, bound in connection.execute(_MONTHS).fetchall()}
    return [name for name, found in bounds.items() if found and datetime.fromisoformat(found[1]) <= month]


def _drop_month(connection: Connection, name: str) -> int | None:
    """Drops a partition; returns its number of rows, None if its lock was not granted in time: a wait for it
    holds up the loaders behind it."""
    # The name is quoted as needed by ::regclass::text.
    drop, count = sql.SQL("DROP TABLE " + name), sql.SQL("SELECT count(*) FROM " + name)
    row = connection.execute(count).fetchone()

    def work() -> None:
        with connection.transaction():
            connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'".encode())
            connection.execute(drop)

    try:
        with_retries(work, attempts=2)
    except psycopg.errors.LockNotAvailable as error:
        logger.warning("%s stays until the next run: %s", name, error)
        return None
    return int(row[0]) if row else 0


def remove_ended_prices(connection: Connection, before: datetime, *, dry_run: bool = False) -> Removal:
    """Removes prices that ended before a time, store by store. Raises psycopg.Error."""
    return _of_each_store(connection, "prices", _ENDED_PRICE, before, dry_run=dry_run)


def remove_promotions(connection: Connection, before: datetime, *, dry_run: bool = False) -> Removal:
    """Removes promotions that were over before a time, with their items, store by store. Raises
    psycopg.Error."""
    return _of_each_store(connection, "promotions", _OVER, before, dry_run=dry_run)


def _of_each_store(
    connection: Connection, table: LiteralString, condition: LiteralString, before: datetime, *, dry_run: bool
) -> Removal:
    if dry_run:
        return Removal(_count(connection, "SELECT count(*) FROM " + table + " WHERE " + condition, before))
    delete: LiteralString = "DELETE FROM " + table + " WHERE store_key = %(store)s AND " + condition
    rows, left = 0, 0
    for (store,) in connection.execute("SELECT store_key FROM stores ORDER BY store_key").fetchall():

        def work(store: int = store) -> int | None:
            with connection.transaction():
                if connection.execute(_LOCK_STORE, (store,)).fetchone() is None:
                    return None
                return connection.execute(delete, {"store": store, "before": before}).rowcount

        removed = with_retries(work)
        rows, left = rows + (removed or 0), left + (removed is None)
    return Removal(rows, left)


def remove_files(connection: Connection, before: datetime, *, dry_run: bool = False) -> Removal:
    """Removes files from the ledger that were last announced and completed before a time, with their batches,
    addresses and refused rows. Raises psycopg.Error."""
    if dry_run:
        return Removal(_count(connection, _COUNT_FILES, before))

    def work() -> int:
        with connection.transaction():
            values = {"before": before, "most": FILES_PORTION}
            hashes = [row[0] for row in connection.execute(_OLD_FILES, values)]
            for table in _OF_FILES:
                connection.execute("DELETE FROM " + table + " WHERE content_sha256 = ANY(%s)", (hashes,))
            return len(hashes)

    rows = 0
    while removed := with_retries(work):
        rows += removed
    return Removal(rows, _count(connection, _COUNT_FILES, before))


def remove_letters(connection: Connection, before: datetime, *, dry_run: bool = False) -> Removal:
    """Removes dead letters, open ones too, that last failed and were closed before a time. Raises
    psycopg.Error."""
    if dry_run:
        return Removal(_count(connection, _COUNT_LETTERS, before))
    return Removal(
        _in_portions(connection, _OLD_LETTERS, before, PORTION), _count(connection, _COUNT_LETTERS, before)
    )


def kept_content(connection: Connection, hashes: list[str], before: datetime) -> set[str]:
    """Those of the SHA-256 of files that are still needed: announced since `before`, or of an open dead
    letter. Raises psycopg.Error."""
    found = connection.execute(_KEPT_CONTENT, {"hashes": hashes, "before": before})
    return {row[0] for row in found}


def kept_originals(connection: Connection) -> set[str]:
    """The addresses of the originals that dead letters refer to. Raises psycopg.Error."""
    return {row[0] for row in connection.execute(_KEPT_ORIGINALS)}


def _in_portions(connection: Connection, delete: LiteralString, before: datetime, most: int) -> int:
    values = {"before": before, "most": most}
    rows = 0
    while removed := with_retries(lambda: connection.execute(delete, values).rowcount):
        rows += removed
    return rows


def _count(connection: Connection, query: LiteralString, before: datetime) -> int:
    row = connection.execute(query, {"before": before}).fetchone()
    assert row is not None
    return int(row[0])
