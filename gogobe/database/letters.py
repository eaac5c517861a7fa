"""Operators' access to dead letters: find, read, replay, drop.

`dead_letters` records letters and closes those whose file is loaded; this module serves `gogobe deadletters`.
A letter is open, resolved (its file was loaded, or its message published), or dropped by a person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, LiteralString

import msgspec
from psycopg import sql

from gogobe.database.connection import Connection, fetch_as

LetterState = Literal["open", "resolved", "dropped"]
_KEY: Final = re.compile(r"[0-9a-f]{4,64}")
_AMBIGUOUS_SHOWN: Final = 5


class UnknownLetterError(Exception):
    """An id that matches no letter, or several; the message quotes it and has the remedy."""


class Letter(msgspec.Struct, kw_only=True):
    """A dead letter. `attempts` counts the failures, `replays` how often it was published again. Times are
    aware. `original` and related fields are as in `records.messages.DeadLetter`, None unless they were
    requested."""

    id: str
    state: LetterState
    stage: str
    reason: str
    detail: str
    chain: str | None
    source_url: str | None
    file: str | None
    content_sha256: str | None
    batch_id: str | None
    place: str | None
    attempts: int
    first_failed_at: datetime
    last_failed_at: datetime
    replays: int
    replayed_at: datetime | None
    resolved_at: datetime | None
    dropped_by: str | None
    dropped_why: str | None
    cause: str | None = None
    original: str | None = None
    original_base64: str | None = None
    original_path: str | None = None
    original_sha256: str | None = None
    original_size: int | None = None


@dataclass(frozen=True)
class LetterFilter:
    """A filter by chain, stage, reason, state (None: any), by the time of the last failure (`since`
    inclusive, `until` exclusive, aware), and by a text in address or file name. At most `limit` letters."""

    chain: str | None = None
    stage: str | None = None
    reason: str | None = None
    state: LetterState | None = "open"
    since: datetime | None = None
    until: datetime | None = None
    address: str | None = None
    limit: int | None = None


_STATE: Final = """
    CASE WHEN resolved_at IS NULL THEN 'open' WHEN dropped_by IS NULL THEN 'resolved' ELSE 'dropped' END
"""
_SUMMARY: Final = f"""
    letter_key AS id, {_STATE} AS state, stage, reason, detail, chain, source_url, file, content_sha256,
    batch_id, place, attempts, first_failed_at, last_failed_at, replays, replayed_at, resolved_at, dropped_by,
    dropped_why
"""
_WHOLE: Final = """
    , cause, original, original_base64, original_path, original_sha256, original_size
"""
# Only the conditions in use become part of the statement, so that the planner can use indexes.
_CONDITIONS: Final[dict[str, LiteralString]] = {
    "chain": "chain = %(chain)s",
    "stage": "stage = %(stage)s",
    "reason": "reason = %(reason)s",
    "since": "last_failed_at >= %(since)s",
    "until": "last_failed_at < %(until)s",
    "address": "(strpos(source_url, %(address)s) > 0 OR strpos(file, %(address)s) > 0)",
}
_IN_STATE: Final[dict[LetterState | None, LiteralString]] = {
    "open": "resolved_at IS NULL",
    "resolved": "resolved_at IS NOT NULL AND dropped_by IS NULL",
    "dropped": "resolved_at IS NOT NULL AND dropped_by IS NOT NULL",
    None: "true",
}
_REPLAYED: Final = """
    UPDATE dead_letters SET replayed_at = clock_timestamp(), replays = replays + 1
    WHERE letter_key = ANY(%s)
"""
_NOT_REPLAYED: Final = """
    UPDATE dead_letters SET replayed_at = %s, replays = replays - 1 WHERE letter_key = %s
"""
_RESOLVED: Final = "UPDATE dead_letters SET resolved_at = clock_timestamp() WHERE letter_key = ANY(%s)"
_DROP: Final = """
    UPDATE dead_letters SET resolved_at = clock_timestamp(), dropped_by = %(by)s, dropped_why = %(why)s
    WHERE letter_key = ANY(%(ids)s) AND resolved_at IS NULL RETURNING letter_key
"""
_COUNTS: Final = """
    SELECT stage, reason, count(*) FROM dead_letters WHERE resolved_at IS NULL
    GROUP BY stage, reason ORDER BY count(*) DESC, stage, reason
"""


def find_letters(connection: Connection, wanted: LetterFilter, *, whole: bool = False) -> list[Letter]:
    """The letters that match the filter, latest failure first; with their originals if `whole`."""
    conditions = [_IN_STATE[wanted.state]]
    conditions += [text for name, text in _CONDITIONS.items() if getattr(wanted, name) is not None]
    values = {name: getattr(wanted, name) for name in (*_CONDITIONS, "limit")}
    statement = sql.SQL("SELECT {} FROM dead_letters WHERE {} ORDER BY last_failed_at DESC, id LIMIT %(limit)s")
    return fetch_as(
        connection,
        Letter,
        statement.format(_columns(whole), sql.SQL(" AND ").join(map(sql.SQL, conditions))),
        values,
    )


def letter_of_id(connection: Connection, letter_id: str) -> Letter:
    """The letter with this id, or the only one whose id starts with it (four digits or more), with its
    original. Raises UnknownLetterError."""
    if not _KEY.fullmatch(letter_id):
        raise UnknownLetterError(
            f"{letter_id!r} is no id of a dead letter: 4 to 64 digits of 0-9 and a-f, as "
            "`gogobe deadletters list` shows them"
        )
    statement = sql.SQL(
        "SELECT {} FROM dead_letters WHERE letter_key ^@ %(id)s ORDER BY letter_key LIMIT %(limit)s"
    )
    values = {"id": letter_id, "limit": _AMBIGUOUS_SHOWN}
    found = fetch_as(connection, Letter, statement.format(_columns(whole=True)), values)
    if not found:
        raise UnknownLetterError(
            f"no dead letter has the id {letter_id}: `gogobe deadletters list --state all` shows all"
        )
    if len(found) > 1:
        ids = ", ".join(letter.id[:16] for letter in found)
        raise UnknownLetterError(f"{letter_id} begins the ids of several dead letters ({ids}): give more of it")
    return found[0]


def open_counts(connection: Connection) -> list[tuple[str, str, int]]:
    """The number of open letters by stage and reason, highest first."""
    return [(stage, reason, count) for stage, reason, count in connection.execute(_COUNTS)]


def mark_replayed(connection: Connection, ids: Sequence[str]) -> None:
    """Records that letters are about to be published again, so that a later load of their files closes
    them."""
    connection.execute(_REPLAYED, (list(ids),))


def unmark_replayed(connection: Connection, letters: Sequence[Letter]) -> None:
    """Reverts `mark_replayed` for letters (as read before it) that could not be published."""
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_NOT_REPLAYED, [(letter.replayed_at, letter.id) for letter in letters])


def mark_resolved(connection: Connection, ids: Sequence[str]) -> None:
    """Closes letters whose message has been published, for which no load would close them."""
    connection.execute(_RESOLVED, (list(ids),))


def drop_letters(connection: Connection, ids: Sequence[str], by: str, why: str) -> int:
    """Closes open letters on an operator's decision (`by`, `why`); returns how many. A further failure of the
    same file opens its letter again."""
    return len(connection.execute(_DROP, {"ids": list(ids), "by": by, "why": why}).fetchall())


def _columns(whole: bool) -> sql.SQL:
    return sql.SQL(_SUMMARY + (_WHOLE if whole else ""))
