"""Waiting until a connection waits for a lock."""

from __future__ import annotations

import time

from gogobe.database.connection import Connection

SECONDS = 60.0


def wait_until_blocked(db: Connection, waiting: Connection) -> None:
    """Returns once `waiting`'s statement, which another thread runs, waits for a lock. Fails where it never does."""
    pid = waiting.info.backend_pid
    until = time.monotonic() + SECONDS
    while db.execute("SELECT cardinality(pg_blocking_pids(%s))", (pid,)).fetchone() == (0,):
        assert time.monotonic() < until, "it waits for no lock"
        time.sleep(0.02)
