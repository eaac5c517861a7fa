"""What happens in the database at present, for `gogobe status`: files, dead letters, waiting files, views."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from psycopg.rows import class_row

from gogobe.database.connection import Connection
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
    """A file of which batches are missing, and the seconds since its first batch was loaded."""

    file: str
    chain: str
    seconds: float


class OpenLetters(msgspec.Struct, frozen=True):
    """How many dead letters of one stage and reason are open."""

    stage: str
    reason: str
    letters: int


class WaitingFiles(msgspec.Struct, frozen=True):
    """How many files of a chain wait for a host, and the most frequent reason."""

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
    """What happens at `now` (the database's clock). `recent` counts the files of the last hour by state; of the
    `under_way` ones the oldest are listed. `loaded_at` is when the newest file was complete, `views_at` when
    the oldest of the views was refreshed; None: never. Times are aware."""

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
    """Reads all of it. Raises psycopg.Error."""
    now: datetime = _one(connection, _NOW)
    with connection.cursor(row_factory=class_row(UnderWay)) as cursor:
        under_way = cursor.execute(_UNDER_WAY, (UNDER_WAY_SHOWN,)).fetchall()
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
