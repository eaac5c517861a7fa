"""Current activity in the database, for `gogobe status`: files, dead letters, retry queue, views."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from gogobe.database.connection import Connection, fetch_as
from gogobe.database.ledger_files import FileFilter, count_files
from gogobe.database.letters import open_counts
from gogobe.database.portals import read_health
from gogobe.database.waiting import count_waiting

RECENT: Final = timedelta(hours=1)
UNDER_WAY_SHOWN: Final = 5

_NOW: Final = "SELECT now()"
_UNDER_WAY: Final = """
    SELECT file, chain, extract(epoch FROM now() - first_loaded_at)::double precision AS seconds
    FROM files WHERE state = 'loading' ORDER BY first_loaded_at LIMIT %s
"""
_COUNT_UNDER_WAY: Final = "SELECT count(*) FROM files WHERE state = 'loading'"
_LAST_LOAD: Final = "SELECT max(completed_at) FROM files"
_REFRESHED: Final = "SELECT min(refreshed_at) FROM view_refreshes"


class UnderWay(msgspec.Struct, frozen=True):
    """A file with missing batches, and the seconds since its first batch was loaded."""

    file: str
    chain: str
    seconds: float


class OpenLetters(msgspec.Struct, frozen=True):
    """The number of open dead letters of one stage and reason."""

    stage: str
    reason: str
    letters: int


class WaitingFiles(msgspec.Struct, frozen=True):
    """The number of a chain's files that wait for a host, and the most frequent reason."""

    chain: str
    host: str
    files: int
    reason: str


class IllPortal(msgspec.Struct, frozen=True):
    """A portal whose circuit is open: it failed several times in a row."""

    portal: str
    failures: int
    succeeded_at: datetime | None
    error: str | None


class Activity(msgspec.Struct, frozen=True):
    """The state at `now` (the database's clock). `recent` counts the files of the last hour by state; of the
    `under_way` ones the oldest are listed. `loaded_at` is the completion time of the newest file, `views_at`
    the time of the oldest refresh among the views; None: never. Times are aware."""

    now: datetime
    recent: dict[str, int]
    under_way_count: int
    under_way: list[UnderWay]
    letters: list[OpenLetters]
    waiting: list[WaitingFiles]
    portals: int
    ill_portals: list[IllPortal]
    loaded_at: datetime | None
    views_at: datetime | None


def read_activity(connection: Connection) -> Activity:
    """The current activity, in several queries. Raises psycopg.Error."""
    now: datetime = _one(connection, _NOW)
    under_way = fetch_as(connection, UnderWay, _UNDER_WAY, (UNDER_WAY_SHOWN,))
    portals = read_health(connection)
    return Activity(
        now=now,
        recent=count_files(connection, FileFilter(since=now - RECENT)),
        under_way_count=_one(connection, _COUNT_UNDER_WAY),
        under_way=under_way,
        letters=[OpenLetters(*row) for row in open_counts(connection)],
        waiting=[WaitingFiles(one.chain, one.host, one.files, one.reason) for one in count_waiting(connection)],
        portals=len(portals),
        ill_portals=[
            IllPortal(one.portal, one.failures, one.succeeded_at, one.last_error)
            for one in portals
            if one.circuit == "open"
        ],
        loaded_at=_one(connection, _LAST_LOAD),
        views_at=_one(connection, _REFRESHED),
    )


def _one(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]
