"""Connections, the classification of database errors, and the differences of PostgreSQL and CockroachDB."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import IsolationLevel, errors, sql
from psycopg.abc import Params
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import class_row

from gogobe.database.address import Dsn, conninfo_of, price_days_of, timeouts_of
from gogobe.database.timeouts import CONNECTION_DEFAULTS, BoundedConnection, Timeouts
from gogobe.io.backoff import Patience

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]
Result = TypeVar("Result")
Row = TypeVar("Row")
Statement = LiteralString | bytes | sql.SQL | sql.Composed

FIRST_PAUSE_SECONDS: Final = 0.1
# A server that is back is used within a second.
LONGEST_PAUSE_SECONDS: Final = 1.0
ATTEMPTS: Final = 12
TIMED_OUT_ATTEMPTS: Final = 3
# Half a minute, as long as a server needs to start again, is waited for in the step: a restart of the job
# costs more.
WORKER_ATTEMPTS: Final = 40

# SQLSTATE classes after which the same work may succeed: connection lost, conflict with another transaction,
# resources short. Codes: a row that another transaction removed before it was referred to (23503), a client
# that paused too long in its transaction (25P03), a lock that was not granted in time (55P03), a server that
# shuts down, starts or drops an idle session (57P0n).
# https://www.postgresql.org/docs/current/errcodes-appendix.html
_TRANSIENT_CLASSES: Final = ("08", "40", "53")
_TRANSIENT_CODES: Final = ("23503", "25P03", "55P03", "57P01", "57P02", "57P03", "57P05")


# A server refuses a connection without an SQLSTATE; these are texts of its messages and of libpq's.
_REFUSED: Final = re.compile(
    "password authentication failed|no password supplied|no pg_hba.conf entry|is not permitted to log in"
    '|authentication failed|(?:role|database|user) "[^"]*" does not exist|permission denied for database'
)


class AccessRefusedError(psycopg.OperationalError):
    """The server answers and refuses this account; the message has its reason, and what to check."""


class UnstorableValueError(psycopg.DataError):
    """A value that the database cannot represent: a lone surrogate, a number out of its type's range."""


# Errors that may be faults of the data, so that a retry cannot help; see `is_data_fault`. psycopg encodes the
# text of a parameter strictly: a lone surrogate in it raises UnicodeEncodeError.
DATA_ERRORS: Final = (
    psycopg.DataError,
    psycopg.IntegrityError,
    errors.ProgramLimitExceeded,
    UnicodeEncodeError,
)


@dataclass(frozen=True)
class Dialect:
    """The differences of the two databases.

    `partitions`: `price_changes` is partitioned by month. `empties_on_commit`: temporary tables support ON
    COMMIT DELETE ROWS; otherwise their rows are deleted before they are used again. `session`: the settings
    of a new connection.
    """

    name: str
    partitions: bool
    empties_on_commit: bool
    session: LiteralString = ""


POSTGRESQL: Final = Dialect("postgresql", partitions=True, empties_on_commit=True)
COCKROACHDB: Final = Dialect(
    "cockroachdb",
    partitions=False,
    empties_on_commit=False,
    # One statement may then update some rows of a table and insert others.
    session="SET enable_multiple_modifications_of_table = true; SET experimental_enable_temp_tables = on",
)


def connect(dsn: Dsn, isolation: IsolationLevel | None = None, timeouts: Timeouts | None = None) -> Connection:
    """A connection in autocommit mode, with UTC as its time zone; use `connection.transaction()` for
    transactions. `isolation` None is the server's default, `timeouts` None the address's. Raises
    psycopg.OperationalError, AccessRefusedError among them, SecretError."""
    timeouts = timeouts or timeouts_of(dsn)
    parameters = dict(CONNECTION_DEFAULTS) | conninfo_to_dict(conninfo_of(dsn))
    try:
        connection = BoundedConnection.connect(make_conninfo("", **parameters), autocommit=True)
    except psycopg.OperationalError as error:
        if _REFUSED.search(str(error)):
            raise AccessRefusedError(
                f"the database refuses this account: {error}; check `database` and `database_password`"
            ) from None
        raise
    connection.answer_seconds = timeouts.answer
    connection.isolation_level = isolation
    settings = sql.SQL("SET TIME ZONE 'UTC'; ") + timeouts.statements()
    if (days := price_days_of(dsn)) is not None:
        settings += sql.SQL("; SET gogobe.price_days = {}").format(sql.Literal(str(days)))
    connection.execute(settings)
    return connection


def dialect_of(connection: Connection) -> Dialect:
    """The dialect of the connected server."""
    row = connection.execute("SELECT version()").fetchone()
    return COCKROACHDB if row and "CockroachDB" in row[0] else POSTGRESQL


def is_transient(error: psycopg.Error) -> bool:
    """Whether the same work may succeed if it is repeated."""
    code = error.sqlstate
    if code is None:  # raised by the client: the connection is lost, or was never made
        return isinstance(error, psycopg.OperationalError)
    return code[:2] in _TRANSIENT_CLASSES or code in _TRANSIENT_CODES


def is_missing_partition(error: BaseException) -> bool:
    """Whether a row has no partition. PostgreSQL reports it as a violated check constraint without a name."""
    return isinstance(error, errors.CheckViolation) and error.diag.constraint_name is None


def is_data_fault(error: BaseException) -> bool:
    """Whether the data itself is wrong, so that the same work can never succeed. A missing partition, or a
    row that another transaction has removed, is no fault of the data."""
    if isinstance(error, errors.ForeignKeyViolation) or is_missing_partition(error):
        return False
    return isinstance(error, DATA_ERRORS)


def with_retries(work: Callable[[], Result], *, attempts: int = ATTEMPTS) -> Result:
    """Runs `work`, which must be one transaction or idempotent, until it succeeds.

    A server that is away is tried `attempts` times, conflicts with other transactions and short resources
    `ATTEMPTS` times, with pauses that grow up to a second; a statement timeout is retried at most twice.
    Raises the last attempt's error, and any other error at once.
    """
    patience = Patience(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, attempts=max(attempts, ATTEMPTS))
    for attempt, pause in enumerate(patience.pauses(), 1):
        try:
            return work()
        except psycopg.Error as error:
            allowed = _attempts_after(error, attempts)
            if attempt >= allowed:
                raise
            logger.warning(
                "attempt %d of %d failed (%s), again in %.2f s: %s",
                attempt,
                allowed,
                error.sqlstate or type(error).__name__,
                pause,
                str(error).partition("\n")[0],
            )
            time.sleep(pause)
    return work()


def _attempts_after(error: psycopg.Error, attempts: int) -> int:
    if isinstance(error, AccessRefusedError):
        # A worker waits for a secret that is being rotated; a command reports the refusal at once.
        return attempts if attempts > ATTEMPTS else 1
    if is_transient(error):
        return attempts if _is_away(error) else min(attempts, ATTEMPTS)
    # A statement timeout and a cancel by an operator cannot be distinguished: both have SQLSTATE 57014.
    return min(TIMED_OUT_ATTEMPTS, attempts) if isinstance(error, errors.QueryCanceled) else 1


def _is_away(error: psycopg.Error) -> bool:
    """Whether the server cannot be reached, starts or shuts down."""
    return error.sqlstate is None or error.sqlstate[:2] in ("08", "57")


def fetch_as(
    connection: Connection, kind: type[Row], statement: Statement, values: Params | None = None
) -> list[Row]:
    """All rows of a statement as instances of `kind`, whose fields have the names of the columns. Raises
    psycopg.Error."""
    with connection.cursor(row_factory=class_row(kind)) as cursor:
        return cursor.execute(statement, values).fetchall()


def staging_table(dialect: Dialect, name: LiteralString, columns: LiteralString) -> LiteralString:
    """The statement that creates a temporary table for the connection's lifetime, empty in each
    transaction."""
    end: LiteralString = " ON COMMIT DELETE ROWS" if dialect.empties_on_commit else ""
    return "CREATE TEMPORARY TABLE IF NOT EXISTS " + name + " (" + columns + ")" + end


def copy_rows(
    cursor: Cursor,
    table: LiteralString,
    columns: Sequence[tuple[LiteralString, LiteralString]],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Binary COPY of rows into a table. `columns` are pairs of name and type (binary COPY casts nothing).
    Raises UnstorableValueError for a value that cannot be encoded; errors of `rows` itself pass through."""
    names: LiteralString = ", ".join(name for name, _ in columns)
    statement: LiteralString = "COPY " + table + " (" + names + ") FROM STDIN (FORMAT BINARY)"
    with cursor.copy(statement) as copy:
        copy.set_types([kind for _, kind in columns])
        write = copy.write_row
        for row in rows:
            try:
                write(row)
            except (UnicodeEncodeError, OverflowError) as error:
                raise UnstorableValueError(f"a value for {table}: {error}") from error
