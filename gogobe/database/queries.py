"""The outcomes of files: ledger entries and dead letters, for commands and the demo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gogobe.database.connection import Connection, fetch_as


class FileLine(msgspec.Struct, frozen=True):
    """A file's entry in the ledger; times in UTC. `state`: loading, loaded or incomplete; `announced` and
    `read` are None until the file's last batch is loaded. `reader_version` is that of the counted reading, if
    it was requested."""

    source_url: str
    chain: str
    store_id: str
    kind: str
    state: str
    announced: int | None
    read: int | None
    loaded: int
    unchanged: int
    stale: int
    refused: int
    seen_at: datetime
    first_loaded_at: datetime
    completed_at: datetime | None
    reader_version: int | None = None


class Failure(msgspec.Struct, frozen=True):
    """A dead letter of an announced file, and the time of its last failure, in UTC."""

    source_url: str
    stage: str
    reason: str
    failed_at: datetime


_FILES: Final = """
    SELECT a.source_url, f.chain, f.store_id, f.kind, f.state, f.announced, f.read, f.loaded, f.unchanged,
           f.stale, f.refused, a.seen_at, f.first_loaded_at, f.completed_at
    FROM file_addresses a JOIN files f ON f.content_sha256 = a.content_sha256
    WHERE a.source_url = ANY(%s) AND a.discovered_at >= %s ORDER BY a.source_url, f.published_at
"""

_FILES_BY_CONTENT: Final = """
    SELECT content_sha256, source_url, chain, store_id, kind, state, announced, read, loaded, unchanged, stale,
           refused, seen_at, first_loaded_at, completed_at, reader_version
    FROM files WHERE content_sha256 = ANY(%s)
"""

_FAILURES: Final = """
    SELECT source_url, stage, reason, last_failed_at AS failed_at
    FROM dead_letters WHERE source_url = ANY(%s) AND last_failed_at >= %s ORDER BY last_failed_at
"""


def files_report(connection: Connection, source_urls: Sequence[str], since: datetime) -> list[FileLine]:
    """The ledger entries of the files that were announced under these addresses at `since` (aware) or
    later."""
    return fetch_as(connection, FileLine, _FILES, (list(source_urls), since))


def files_by_content(connection: Connection, hashes: Sequence[str]) -> dict[str, FileLine]:
    """The ledger entries of the files with these contents (SHA-256, hex), by content."""
    return {row[0]: FileLine(*row[1:]) for row in connection.execute(_FILES_BY_CONTENT, (list(hashes),))}


def failures_report(connection: Connection, source_urls: Sequence[str], since: datetime) -> list[Failure]:
    """The dead letters of these addresses that failed at `since` (aware) or later, oldest first."""
    return fetch_as(connection, Failure, _FAILURES, (list(source_urls), since))
