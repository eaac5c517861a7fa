"""The ledger of files for operators: the outcome of each file, by chain, state, time and address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, LiteralString

import msgspec
from psycopg import sql

from gogobe.database.connection import Connection, fetch_as

LedgerState = Literal["loading", "loaded", "incomplete", "postponed", "failed"]


class LedgerFile(msgspec.Struct, kw_only=True):
    """A file in the ledger; or a file that its portal did not deliver, in the retry queue (`state` postponed)
    or as a dead letter (failed).

    `seen_at` is the time of its latest load, or of its failure; `seconds` run from the announcement to the
    commit of its last row. Each of its rows counts as loaded, unchanged, stale or refused.
    `unknown_elements` and `unit_prices_off_basis` are as in `FileTotals`. Times are aware.
    """

    file: str
    state: LedgerState
    chain: str | None
    source_url: str
    seen_at: datetime
    problems: list[str]
    content_sha256: str | None = None
    chain_id: str | None = None
    sub_chain_id: str | None = None
    store_id: str | None = None
    kind: str | None = None
    published_at: datetime | None = None
    published_known: bool | None = None
    discovered_at: datetime | None = None
    downloaded_at: datetime | None = None
    first_loaded_at: datetime | None = None
    completed_at: datetime | None = None
    seconds: float | None = None
    announced: int | None = None
    read: int | None = None
    loaded: int | None = None
    unchanged: int | None = None
    stale: int | None = None
    refused: int | None = None
    ended: int | None = None
    unknown_elements: dict[str, int] | None = None
    unit_prices_off_basis: int | None = None
    batches_expected: int | None = None
    batches_loaded: int | None = None
    batches_failed: int | None = None
    reader_version: int | None = None
    object_path: str | None = None


@dataclass(frozen=True)
class FileFilter:
    """A filter by chain, store, kind and state (None: any), by `seen_at` (`since` inclusive, `until`
    exclusive, aware), by a text in name or address, or for files with problems. At most `limit` files."""

    chain: str | None = None
    store: str | None = None
    kind: str | None = None
    state: LedgerState | None = None
    since: datetime | None = None
    until: datetime | None = None
    address: str | None = None
    problems: bool = False
    limit: int | None = None


_FROM_LEDGER: Final[LiteralString] = """
    SELECT f.file, f.state, f.chain, f.source_url, f.seen_at, f.problems, f.content_sha256, f.chain_id,
           f.sub_chain_id, f.store_id, f.kind, f.published_at, f.published_known, f.discovered_at,
           f.downloaded_at, f.first_loaded_at, f.completed_at,
           CASE WHEN f.completed_at >= f.discovered_at
                THEN extract(epoch FROM f.completed_at - f.discovered_at)::double precision END AS seconds,
           f.announced, f.read, f.loaded, f.unchanged, f.stale, f.refused, f.ended,
           f.unknown_elements, f.unit_prices_off_basis, f.batches_expected,
           f.batches_loaded, f.batches_failed, f.reader_version, f.object_path
    FROM files f WHERE {}
"""
_LEDGER_CONDITIONS: Final[dict[str, LiteralString]] = {
    "chain": "f.chain = %(chain)s",
    "store": "f.store_id = %(store)s",
    "kind": "f.kind = %(kind)s",
    "state": "f.state = %(state)s",
    "since": "f.seen_at >= %(since)s",
    "until": "f.seen_at < %(until)s",
    "address": "(strpos(f.file, %(address)s) > 0 OR EXISTS (SELECT FROM file_addresses a "
    "WHERE a.content_sha256 = f.content_sha256 AND strpos(a.source_url, %(address)s) > 0))",
}
# An address counts as failed until a file is loaded from it.
_FAILED: Final[LiteralString] = """
    SELECT DISTINCT ON (d.chain, d.source_url)
           coalesce(d.file, '') AS file, 'failed' AS state, d.chain, d.source_url, d.last_failed_at AS seen_at,
           ARRAY[d.stage || '/' || d.reason] AS problems, d.content_sha256
    FROM dead_letters d
    WHERE d.resolved_at IS NULL AND d.source_url IS NOT NULL
      AND NOT EXISTS (SELECT FROM files f WHERE f.content_sha256 = d.content_sha256)
      AND NOT EXISTS (SELECT FROM file_addresses a
                      WHERE a.source_url = d.source_url AND a.seen_at >= d.last_failed_at)
      AND {}
    ORDER BY d.chain, d.source_url, d.last_failed_at DESC
"""
_FAILED_CONDITIONS: Final[dict[str, LiteralString]] = {
    "chain": "d.chain = %(chain)s",
    "since": "d.last_failed_at >= %(since)s",
    "until": "d.last_failed_at < %(until)s",
    "address": "(strpos(d.source_url, %(address)s) > 0 OR strpos(d.file, %(address)s) > 0)",
}
_POSTPONED: Final[LiteralString] = """
    SELECT w.file_name AS file, 'postponed' AS state, w.chain, w.url AS source_url, w.failed_at AS seen_at,
           ARRAY['download/' || w.reason] AS problems, w.discovered_at
    FROM waiting_files w WHERE {}
"""
_POSTPONED_CONDITIONS: Final[dict[str, LiteralString]] = {
    "chain": "w.chain = %(chain)s",
    "since": "w.failed_at >= %(since)s",
    "until": "w.failed_at < %(until)s",
    "address": "(strpos(w.url, %(address)s) > 0 OR strpos(w.file_name, %(address)s) > 0)",
}


def find_files(connection: Connection, wanted: FileFilter) -> list[LedgerFile]:
    """The files that match the filter, latest first."""
    found: list[LedgerFile] = []
    for statement in _selects(wanted).values():
        limited = sql.SQL("SELECT * FROM ({}) found ORDER BY seen_at DESC, source_url LIMIT %(limit)s")
        found += fetch_as(connection, LedgerFile, limited.format(statement), _values(wanted))
    found.sort(key=lambda file: file.seen_at, reverse=True)
    return found[: wanted.limit]


def count_files(connection: Connection, wanted: FileFilter) -> dict[str, int]:
    """The number of files that match the filter, by state, without its limit."""
    counts: dict[str, int] = {}
    for statement in _selects(wanted).values():
        counted = sql.SQL("SELECT state, count(*) FROM ({}) found GROUP BY state").format(statement)
        counts |= dict(connection.execute(counted, _values(wanted)).fetchall())
    return counts


def files_of(connection: Connection, hashes: Sequence[str]) -> list[LedgerFile]:
    """The ledger's entries for files with these contents (SHA-256, hex), latest first."""
    statement = sql.SQL(_FROM_LEDGER).format(sql.SQL("f.content_sha256 = ANY(%s)"))
    found = fetch_as(connection, LedgerFile, statement, (list(hashes),))
    return sorted(found, key=lambda file: file.seen_at, reverse=True)


def postponed_files(connection: Connection, urls: Sequence[str], since: datetime) -> list[LedgerFile]:
    """The files of these addresses that were postponed at `since` (aware) or later."""
    statement = sql.SQL(_POSTPONED).format(sql.SQL("w.url = ANY(%s) AND w.failed_at >= %s"))
    return fetch_as(connection, LedgerFile, statement, (list(urls), since))


def _selects(wanted: FileFilter) -> dict[str, sql.Composable]:
    """The statements that read the files, by table. A file that did not arrive has neither store nor kind."""
    selects: dict[str, sql.Composable] = {}
    if wanted.state not in ("postponed", "failed"):
        selects["files"] = sql.SQL(_FROM_LEDGER).format(_of_ledger(wanted))
    if wanted.store is not None or wanted.kind is not None:
        return selects
    if wanted.state in (None, "postponed"):
        selects["waiting_files"] = sql.SQL(_POSTPONED).format(_conditions(_POSTPONED_CONDITIONS, wanted))
    if wanted.state in (None, "failed"):
        selects["dead_letters"] = sql.SQL(_FAILED).format(_conditions(_FAILED_CONDITIONS, wanted))
    return selects


def _of_ledger(wanted: FileFilter) -> sql.Composable:
    conditions = _conditions(_LEDGER_CONDITIONS, wanted)
    if not wanted.problems:
        return conditions
    return sql.SQL("{} AND (f.problems <> '{{}}' OR f.batches_failed > 0 OR f.refused > 0)").format(conditions)


def _conditions(known: dict[str, LiteralString], wanted: FileFilter) -> sql.Composable:
    asked = [sql.SQL(text) for name, text in known.items() if getattr(wanted, name) is not None]
    return sql.SQL(" AND ").join(asked) if asked else sql.SQL("true")


def _values(wanted: FileFilter) -> dict[str, Any]:
    return {name: getattr(wanted, name) for name in FileFilter.__dataclass_fields__}
