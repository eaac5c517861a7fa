"""The retry queue, table `waiting_files`: announced files that their portal did not deliver.

The pipeline writes a row when a download is postponed, and deletes it in the transaction that loads the file
or records its dead letter. In between an agent or `gogobe retry` announces the file again when it is due. A
row survives its announcement, so a lost message is announced once more.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, Cursor, fetch_as
from gogobe.database.session import Session, session_of
from gogobe.records.addresses import identity_of
from gogobe.records.excerpts import storable, storable_fields
from gogobe.records.messages import DeadLetter, WaitingFile

# A file that was announced again is announced once more after this, doubled each time, until it leaves the
# queue.
ANNOUNCED_SECONDS: Final = 600.0
LONGEST_ANNOUNCED_SECONDS: Final = 6 * 3600.0

_RECORD: Final = """
    INSERT INTO waiting_files AS w (identity, chain, url, file_name, host, is_signed, reason, detail, attempts,
                                    discovered_at, waiting_since, failed_at, due_at)
    VALUES (%(identity)s, %(chain)s, %(url)s, %(file_name)s, %(host)s, %(is_signed)s, %(reason)s, %(detail)s,
            %(attempts)s, %(discovered_at)s, %(waiting_since)s, %(failed_at)s, %(due_at)s)
    ON CONFLICT (identity) DO UPDATE SET
        (host, is_signed, reason, detail, attempts, discovered_at, waiting_since, failed_at, due_at,
         announced_at, announcements)
        = (excluded.host, excluded.is_signed, excluded.reason, excluded.detail, excluded.attempts,
           excluded.discovered_at, excluded.waiting_since, excluded.failed_at, excluded.due_at, NULL, 0)
    WHERE excluded.failed_at > w.failed_at
"""

_FIELDS: Final = """
    w.identity, w.chain, w.url, w.file_name, w.is_signed, w.attempts, w.discovered_at, w.waiting_since"""
_ANNOUNCE: Final = f"""
    UPDATE waiting_files AS w SET announced_at = now(), announcements = w.announcements + 1,
        due_at = now() + make_interval(secs => least(
            %(seconds)s * power(2, least(w.announcements, 16)), %(longest)s))
    FROM chosen WHERE w.identity = chosen.identity
    RETURNING {_FIELDS}
"""
# Signed addresses need a new link from a listing; after `give_up` they are announced without one.
_CLAIM_DUE: Final = f"""
    WITH due AS (
        SELECT identity, row_number() OVER (PARTITION BY host ORDER BY due_at) AS place
        FROM waiting_files
        WHERE (due_at <= now() OR (%(all)s AND announced_at IS NULL))
          AND (%(chains)s::text[] IS NULL OR chain = ANY(%(chains)s))
          AND (NOT is_signed OR waiting_since < now() - make_interval(secs => %(give_up)s))
    ), chosen AS (
        SELECT w.identity FROM waiting_files w JOIN due USING (identity)
        WHERE due.place <= %(per_host)s AND (w.due_at <= now() OR (%(all)s AND w.announced_at IS NULL))
        ORDER BY w.identity FOR UPDATE OF w SKIP LOCKED
    )
    {_ANNOUNCE}
"""
_CLAIM: Final = f"""
    WITH chosen AS (
        SELECT identity FROM waiting_files
        WHERE identity = ANY(%(identities)s) AND (due_at <= now() OR announced_at IS NULL)
        ORDER BY identity FOR UPDATE SKIP LOCKED
    )
    {_ANNOUNCE}
"""
_SIGNED: Final = """
    SELECT identity FROM waiting_files
    WHERE is_signed AND chain = %(chain)s AND (due_at <= now() OR (%(all)s AND announced_at IS NULL))
"""
_SIGNED_CHAINS: Final = """
    SELECT DISTINCT chain FROM waiting_files
    WHERE is_signed AND (due_at <= now() OR (%(all)s AND announced_at IS NULL)) ORDER BY chain
"""
_MAKE_DUE: Final = """
    UPDATE waiting_files SET due_at = now() WHERE identity IN (
        SELECT identity FROM waiting_files WHERE chain = %s AND announced_at IS NULL AND due_at > now()
        ORDER BY identity FOR UPDATE SKIP LOCKED)
"""
_END: Final = """
    DELETE FROM waiting_files WHERE identity IN (
        SELECT w.identity
        FROM unnest(%s::text[], %s::text[], %s::timestamptz[]) AS e (chain, url, ended_at)
        JOIN waiting_files w ON w.url = e.url AND w.chain = e.chain AND w.failed_at < e.ended_at
        ORDER BY w.identity FOR UPDATE OF w)
"""
_END_LOADED: Final = """
    DELETE FROM waiting_files WHERE identity IN (
        SELECT w.identity
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
             AS b (content_sha256, chain, url, downloaded_at)
        JOIN waiting_files w ON w.url = b.url AND w.chain = b.chain AND w.failed_at < b.downloaded_at
        JOIN files f ON f.content_sha256 = b.content_sha256 AND f.state = 'loaded'
        ORDER BY w.identity FOR UPDATE OF w)
"""
_COUNT: Final = """
    SELECT chain, host, count(*) AS files, min(waiting_since) AS since, min(due_at) AS due_at,
           mode() WITHIN GROUP (ORDER BY reason) AS reason
    FROM waiting_files GROUP BY chain, host ORDER BY chain, host
"""


Downloads = tuple[list[str], list[str], list[str], list[datetime]]
"""Columns of downloaded files: SHA-256, chain, address, and the time of the latest download (aware)."""


@dataclass(frozen=True)
class Waiting:
    """A file of the queue that is announced again. `url` has no signature. Times are aware."""

    identity: bytes
    chain: str
    url: str
    file_name: str
    is_signed: bool
    attempts: int
    discovered_at: datetime
    waiting_since: datetime


@dataclass(frozen=True)
class WaitingCount:
    """The number of a chain's files that wait for a host; the oldest `since`, the earliest `due_at`, and the
    most frequent reason."""

    chain: str
    host: str
    files: int
    since: datetime
    due_at: datetime
    reason: str


def record_waiting(database: Session | Dsn, files: Sequence[WaitingFile]) -> None:
    """Adds files to the queue, in one transaction; a file that is already there gets the newest failure.
    Raises psycopg.Error."""
    rows = [_row(file) for file in files]
    rows.sort(key=lambda row: (row["identity"], row["failed_at"]))
    with session_of(database) as session:
        session.run(lambda connection: _record(connection, rows))


def _record(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_RECORD, rows)


def _row(file: WaitingFile) -> dict[str, Any]:
    return storable_fields(file) | {"identity": identity_of(file.chain, file.url, file.file_name)}


def claim_due(
    connection: Connection,
    *,
    per_host: int,
    give_up: float,
    chains: Collection[str] | None = None,
    everything: bool = False,
) -> list[Waiting]:
    """Claims files that are due and need no new link, at most `per_host` per host; with `everything`, also
    files that are not due. They become due again later, in case the announcement has no effect.

    After `give_up` seconds of waiting, a signed address is announced without its signature.
    """
    values = {"per_host": per_host, "give_up": give_up, "all": everything, **_ANNOUNCED}
    return _claimed(connection, _CLAIM_DUE, values | {"chains": None if chains is None else sorted(chains)})


def claim_waiting(connection: Connection, identities: Iterable[bytes]) -> list[Waiting]:
    """Claims those of the files that no agent has announced again in the meantime."""
    return _claimed(connection, _CLAIM, {"identities": sorted(identities), **_ANNOUNCED})


_ANNOUNCED: Final[Mapping[str, float]] = {"seconds": ANNOUNCED_SECONDS, "longest": LONGEST_ANNOUNCED_SECONDS}


def _claimed(connection: Connection, statement: str, values: Mapping[str, Any]) -> list[Waiting]:
    return fetch_as(connection, Waiting, statement.encode(), values)


def signed_identities(connection: Connection, chain: str, *, everything: bool = False) -> frozenset[bytes]:
    """The due files of a chain that need a new link; with `everything`, also files that are not due."""
    rows = connection.execute(_SIGNED, {"chain": chain, "all": everything})
    return frozenset(row[0] for row in rows)


def signed_chains(connection: Connection, *, everything: bool = False) -> list[str]:
    """The chains that have files for `signed_identities`."""
    return [row[0] for row in connection.execute(_SIGNED_CHAINS, {"all": everything})]


def make_due(connection: Connection, chain: str) -> int:
    """Makes a chain's files due, because its portal answers again; returns how many."""
    return connection.execute(_MAKE_DUE, (chain,)).rowcount


def count_waiting(connection: Connection) -> list[WaitingCount]:
    """The queue's counts by chain and host."""
    return fetch_as(connection, WaitingCount, _COUNT)


def remove_failed(cursor: Cursor, letters: Iterable[DeadLetter]) -> None:
    """Removes files with a dead letter from the queue, unless they failed again after it."""
    ended: dict[tuple[str, str], datetime] = {}
    for letter in letters:
        if letter.chain and letter.source_url:
            file = (storable(letter.chain), storable(letter.source_url))
            ended[file] = max(letter.failed_at, ended.get(file, letter.failed_at))
    if ended:
        chains, urls = zip(*ended, strict=True)
        cursor.execute(_END, (list(chains), list(urls), list(ended.values())))


def remove_loaded(cursor: Cursor, downloads: Downloads) -> None:
    """Removes loaded files from the queue, unless they failed again after this download."""
    cursor.execute(_END_LOADED, downloads)
