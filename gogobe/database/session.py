"""One worker's database connection, reused between units of work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self, TypeVar

from psycopg import IsolationLevel

from gogobe.database.address import Dsn
from gogobe.database.connection import ATTEMPTS, Connection, connect, with_retries
from gogobe.database.timeouts import Timeouts

Result = TypeVar("Result")


class Session:
    """A connection that is opened on first use, reused, and reopened after it broke.

    `isolation` and `timeouts` are as in `connect`. A session is for one thread. It pickles without its
    connection, so a DoFn may hold one. `prepare` is called with every new connection, before any work.
    `attempts`: the number of attempts to reach a server that is away.
    """

    def __init__(
        self,
        dsn: Dsn,
        isolation: IsolationLevel | None = None,
        timeouts: Timeouts | None = None,
        prepare: Callable[[Connection], None] | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._dsn = dsn
        self._isolation = isolation
        self._bounds = timeouts
        self._prepare = prepare
        self._attempts = attempts
        self._connection: Connection | None = None

    def __reduce__(self) -> tuple[type[Session], tuple[object, ...]]:
        return Session, (self._dsn, self._isolation, self._bounds, self._prepare, self._attempts)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; the next work opens a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def run(self, work: Callable[[Connection], Result]) -> Result:
        """The result of `work`, which is repeated by the rules of `with_retries`, on a new connection if the
        last one is lost. Raises psycopg.Error, SecretError, and the errors of `work`."""
        return with_retries(lambda: work(self._connected()), attempts=self._attempts)

    def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.broken:
            self.close()
            connection = connect(self._dsn, self._isolation, self._bounds)
            try:
                if self._prepare is not None:
                    self._prepare(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection


@contextlib.contextmanager
def session_of(database: Session | Dsn) -> Iterator[Session]:
    """An existing session, which stays open, or a new one for an address, which is closed at the end."""
    if isinstance(database, Session):
        yield database
    else:
        with Session(database) as session:
            yield session
