"""Timeouts of a client: statement, lock and idle timeouts of a session, and of a server that does not
answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg import sql
from psycopg.abc import PQGen

Result = TypeVar("Result")

# The server's timeout comes first; the client's applies only if the server does not answer at all.
_ANSWER_GRACE_SECONDS: Final = 10.0
_INTERVAL_SECONDS: Final = 0.1  # psycopg's own: how often a wait looks for Ctrl-C

# A dead peer is noticed within a minute: by keepalives on an idle connection, by unacknowledged bytes on a
# sending one. Parameters of the address override these.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
CONNECTION_DEFAULTS: Final[Mapping[str, str | int]] = {
    "application_name": "gogobe",
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


@dataclass(frozen=True)
class Timeouts:
    """The timeouts of one session, in seconds; 0 for none.

    `statement`: the maximum duration of a statement (SQLSTATE 57014 after it). `lock`: the maximum wait for a
    lock (55P03). `idle`: the maximum pause of the client within a transaction (25P03; the server closes the
    connection). A server that does not answer for `statement` and ten seconds more is given up.
    """

    statement: float = 120.0
    lock: float = 30.0
    idle: float = 300.0

    @property
    def answer(self) -> float | None:
        """How long the client waits for an answer, in seconds; None for no limit."""
        return self.statement + _ANSWER_GRACE_SECONDS if self.statement else None

    def statements(self) -> sql.Composed:
        """The statements that set the timeouts of a session."""
        timeouts: tuple[tuple[LiteralString, float], ...] = (
            ("statement_timeout", self.statement),
            ("lock_timeout", self.lock),
            ("idle_in_transaction_session_timeout", self.idle),
        )
        return sql.SQL("; ").join(
            sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(round(seconds * 1000)))
            for name, seconds in timeouts
        )


DEFAULT_TIMEOUTS: Final = Timeouts()
"""For loading, recording and reading."""

MAINTENANCE_TIMEOUTS: Final = Timeouts(statement=3600.0)
"""For migrations, refreshes of views and other statements that scan whole tables."""


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up on a server that does not answer. TCP alone does not notice it: a stopped
    process, or a proxy in between, still acknowledges every packet."""

    answer_seconds: float | None = None

    def wait(
        self, gen: PQGen[Result], interval: float = _INTERVAL_SECONDS, timeout: float | None = None
    ) -> Result:
        """As psycopg's. After `answer_seconds` it closes the connection and raises OperationalError."""
        if timeout is not None or self.answer_seconds is None:
            return super().wait(gen, interval, timeout)
        try:
            return super().wait(gen, interval, self.answer_seconds)
        except psycopg.errors._WaitTimeout as error:
            self.pgconn.finish()
            message = f"the database has not answered for {self.answer_seconds:g} seconds: connection given up"
            raise psycopg.OperationalError(message) from error
