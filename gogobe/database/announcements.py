"""Announced files: each is claimed by one agent, in batches that are published together.

A claim is committed before its messages are published, and marked as published after the broker has confirmed
them. If an agent dies in between, another agent takes its batch over. The batch's offsets are where to start
reading the topic, to find which of its messages were published.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from psycopg import Rollback
from psycopg.types.json import Jsonb

from gogobe.database.connection import Connection, fetch_as

SEEN_DAYS: Final = 7

_ARRAYS: Final = """
    unnest(%(identity)b::bytea[], %(chain)b::text[], %(url)b::text[], %(file_name)b::text[], %(size)b::bigint[],
           %(modified_at)b::timestamptz[], %(etag)b::text[], %(is_signed)b::boolean[])
    WITH ORDINALITY AS l (identity, chain, url, file_name, size, modified_at, etag, is_signed, number)
"""
# A value that the portal does not give (NULL) counts as equal. Fourth column: whether its batch is unpublished.
_COMPARE: Final = f"""
    SELECT l.number - 1, a.version,
           coalesce(l.size <> a.size OR l.modified_at <> a.modified_at OR l.etag <> a.etag, false),
           b.batch_id IS NOT NULL, a.seen_on < current_date - {SEEN_DAYS}
    FROM {_ARRAYS}
    JOIN announcements a ON a.identity = l.identity
    LEFT JOIN announcement_batches b ON b.batch_id = a.batch_id AND b.published_at IS NULL
"""
# The lease counts from the claim.
_NEW_BATCH: Final = """
    WITH beat AS (UPDATE crawl_agents SET heartbeat_at = now() WHERE agent = %(agent)s)
    INSERT INTO announcement_batches (agent, offsets) VALUES (%(agent)s, %(offsets)s) RETURNING batch_id
"""
_ADD: Final = f"""
    INSERT INTO announcements (identity, batch_id, version, seen_on, size, modified_at, discovered_at,
                               is_signed, chain, url, file_name, etag)
    SELECT l.identity, %(batch_id)s, 1, current_date, l.size, l.modified_at, now(),
           l.is_signed, l.chain, l.url, l.file_name, l.etag
    FROM {_ARRAYS}
    ON CONFLICT (identity) DO NOTHING RETURNING identity
"""
_CHANGE: Final = f"""
    UPDATE announcements AS a
    SET batch_id = %(batch_id)s, version = a.version + 1, seen_on = current_date, discovered_at = now(),
        size = coalesce(l.size, a.size), modified_at = coalesce(l.modified_at, a.modified_at),
        etag = coalesce(l.etag, a.etag), is_signed = l.is_signed
    FROM {_ARRAYS} JOIN unnest(%(version)b::integer[]) WITH ORDINALITY AS v (version, number) USING (number)
    WHERE a.identity = l.identity AND a.version = v.version RETURNING a.identity
"""
_SEE: Final = "UPDATE announcements SET seen_on = current_date WHERE identity = ANY(%s)"
_OWN: Final = """
    WITH beat AS (UPDATE crawl_agents SET heartbeat_at = now() WHERE agent = %(agent)s)
    SELECT FROM announcement_batches
    WHERE batch_id = %(batch_id)s AND agent = %(agent)s AND published_at IS NULL
"""
_PUBLISHED: Final = "UPDATE announcement_batches SET published_at = now() WHERE batch_id = ANY(%s)"
_ORPHANS: Final = """
    UPDATE announcement_batches SET agent = %(agent)s WHERE batch_id IN (
        SELECT b.batch_id FROM announcement_batches b
        WHERE b.published_at IS NULL AND (b.agent = %(agent)s OR NOT EXISTS (
            SELECT FROM crawl_agents g
            WHERE g.agent = b.agent AND g.heartbeat_at > now() - make_interval(secs => %(lease)s)))
        ORDER BY b.batch_id FOR UPDATE SKIP LOCKED)
    RETURNING batch_id, offsets
"""
_CLAIMED: Final = """
    SELECT identity, version, chain, url, file_name, is_signed, discovered_at
    FROM announcements WHERE batch_id = %s ORDER BY identity
"""
_ANNOUNCED: Final = """
    SELECT chain, url, file_name, discovered_at FROM announcements
    WHERE chain = ANY(%s) ORDER BY chain, file_name
"""
_RELEASE: Final = "DELETE FROM announcements WHERE batch_id = %s AND identity = ANY(%s)"
_UNPUBLISHED: Final = "SELECT count(*) FROM announcement_batches WHERE published_at IS NULL"
_FORGET: Final = (
    "DELETE FROM announcements WHERE seen_on < current_date - %s",
    "DELETE FROM announcement_batches WHERE published_at < now() - make_interval(days => %s)",
)


@dataclass(frozen=True)
class FileToClaim:
    """A listed file, to be claimed. `url` is its address without a signature."""

    identity: bytes
    chain: str
    url: str
    file_name: str
    size: int | None
    modified_at: datetime | None
    etag: str | None
    is_signed: bool


@dataclass(frozen=True)
class Claim:
    """The result of a claim, as positions in the given files: `versions` has the files to publish now, each
    with its version; `pending` has files of batches that are not published yet. All others are published."""

    batch_id: int | None = None
    versions: Mapping[int, int] = field(default_factory=dict)
    pending: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ClaimedFile:
    """A file of a batch that was taken over. `discovered_at` is aware."""

    identity: bytes
    version: int
    chain: str
    url: str
    file_name: str
    is_signed: bool
    discovered_at: datetime


@dataclass(frozen=True)
class AnnouncedFile:
    """An announced file. `url` is its address without a signature; `discovered_at` is aware."""

    chain: str
    url: str
    file_name: str
    discovered_at: datetime


@dataclass(frozen=True)
class OpenBatch:
    """A batch that is not known to be published, and the first offset of each partition that may have its
    messages."""

    batch_id: int
    offsets: Mapping[int, int]


def claim(
    connection: Connection, agent: str, offsets: Mapping[int, int], files: Sequence[FileToClaim]
) -> Claim:
    """Claims the files that are not announced yet, or whose content changed since; identities must be
    distinct.

    Raises psycopg.Error. If it is unknown whether the claim was committed, `take_over` finds it.
    """
    known = {row[0]: row for row in connection.execute(_COMPARE, _columns(files))}
    new = [number for number in range(len(files)) if number not in known]
    changed = [number for number, row in known.items() if row[2] and not row[3]]
    pending = {number for number, row in known.items() if row[3]}
    if seen := [files[number].identity for number, row in known.items() if row[4]]:
        connection.execute(_SEE, (sorted(seen),))
    if not new and not changed:
        return Claim(pending=frozenset(pending))
    versions = dict.fromkeys(new, 1) | {number: known[number][1] + 1 for number in changed}
    taken: set[int] = set()
    batch_id = 0
    with connection.transaction() as transaction:
        batch_id = _new_batch(connection, agent, offsets)
        taken |= _take(connection, _ADD, batch_id, files, dict.fromkeys(new, 0))
        taken |= _take(connection, _CHANGE, batch_id, files, {number: known[number][1] for number in changed})
        if not taken:  # another agent was first with every one of them
            raise Rollback(transaction)
    lost = versions.keys() - taken
    return Claim(batch_id, {number: versions[number] for number in sorted(taken)}, frozenset(pending | lost))


def mark_published(connection: Connection, batch_ids: Sequence[int]) -> None:
    """Marks batches as published: the broker has confirmed all their messages."""
    connection.execute(_PUBLISHED, (list(batch_ids),))


def take_over(connection: Connection, agent: str, lease: float) -> list[OpenBatch]:
    """Assigns to this agent the unpublished batches of agents without a heartbeat for `lease` seconds;
    returns these and its own. Call it only while this agent publishes nothing."""
    rows = connection.execute(_ORPHANS, {"agent": agent, "lease": lease}).fetchall()
    return [
        OpenBatch(batch_id, {int(key): value for key, value in offsets.items()}) for batch_id, offsets in rows
    ]


def still_owns(connection: Connection, agent: str, batch_id: int) -> bool:
    """Whether an unpublished batch still belongs to this agent; renews the agent's lease."""
    row = connection.execute(_OWN, {"agent": agent, "batch_id": batch_id}).fetchone()
    return row is not None


def claimed_files(connection: Connection, batch_id: int) -> list[ClaimedFile]:
    """The files of a batch."""
    return fetch_as(connection, ClaimedFile, _CLAIMED, (batch_id,))


def announced_files(connection: Connection, chains: Sequence[str]) -> list[AnnouncedFile]:
    """The announced files of these chains (by key), ordered by chain and file name."""
    return fetch_as(connection, AnnouncedFile, _ANNOUNCED, (list(chains),))


def release(connection: Connection, batch_id: int, identities: Sequence[bytes]) -> None:
    """Deletes files of a batch that were not published, so that their portal's next listing announces
    them."""
    connection.execute(_RELEASE, (batch_id, list(identities)))


def unpublished_batches(connection: Connection) -> int:
    """The number of batches that are not marked as published."""
    row = connection.execute(_UNPUBLISHED).fetchone()
    return row[0] if row else 0


def remove_unlisted(connection: Connection, days: int) -> None:
    """Removes files that no portal has listed for `days` days (at least 2 * SEEN_DAYS), and old batches."""
    for statement in _FORGET:
        connection.execute(statement, (max(days, 2 * SEEN_DAYS),))


def _new_batch(connection: Connection, agent: str, offsets: Mapping[int, int]) -> int:
    values = {"agent": agent, "offsets": Jsonb({str(key): value for key, value in offsets.items()})}
    found = connection.execute(_NEW_BATCH, values).fetchone()
    assert found is not None, "INSERT … RETURNING gives a row"
    return int(found[0])


def _take(
    connection: Connection,
    statement: str,
    batch_id: int,
    files: Sequence[FileToClaim],
    versions: Mapping[int, int],
) -> set[int]:
    """Runs one of the two claiming statements, for files by position with their current version; returns the
    positions of the claimed files."""
    if not versions:
        return set()
    # In a fixed order: two agents that claim the same files wait for each other, without a deadlock.
    ordered = sorted(versions, key=lambda number: files[number].identity)
    values: dict[str, Any] = _columns([files[number] for number in ordered])
    values |= {"batch_id": batch_id, "version": [versions[number] for number in ordered]}
    rows = connection.execute(statement.encode(), values).fetchall()
    taken = {row[0] for row in rows}
    return {number for number in ordered if files[number].identity in taken}


def _columns(files: Sequence[FileToClaim]) -> dict[str, Any]:
    names = ("identity", "chain", "url", "file_name", "size", "modified_at", "etag", "is_signed")
    return {name: [getattr(file, name) for file in files] for name in names}
