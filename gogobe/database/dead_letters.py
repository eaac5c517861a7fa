"""Dead letters in their table: each once, however often it comes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection
from gogobe.database.session import Session, session_of
from gogobe.records.messages import DeadLetter

_TEXTS: Final = (
    "stage", "reason", "detail", "original", "original_base64", "cause", "chain", "source_url", "file",
    "content_sha256", "place",
)  # fmt: skip
# Seen again at the same instant, it is the same delivery; later, it is a further attempt that failed.
_RECORD: Final = """
    INSERT INTO dead_letters AS d (letter_key, stage, reason, detail, original, original_base64, cause, chain,
                                   source_url, file, content_sha256, place, attempts, first_failed_at,
                                   last_failed_at)
    VALUES (%(key)s, %(stage)s, %(reason)s, %(detail)s, %(original)s, %(original_base64)s, %(cause)s, %(chain)s,
            %(source_url)s, %(file)s, %(content_sha256)s, %(place)s, %(attempts)s, %(failed_at)s, %(failed_at)s)
    ON CONFLICT (letter_key) DO UPDATE SET
        attempts = d.attempts + CASE WHEN excluded.last_failed_at > d.last_failed_at
                                     THEN excluded.attempts ELSE 0 END,
        detail = CASE WHEN excluded.last_failed_at > d.last_failed_at THEN excluded.detail ELSE d.detail END,
        cause = CASE WHEN excluded.last_failed_at > d.last_failed_at THEN excluded.cause ELSE d.cause END,
        first_failed_at = least(d.first_failed_at, excluded.first_failed_at),
        last_failed_at = greatest(d.last_failed_at, excluded.last_failed_at)
"""


def letter_key(letter: DeadLetter) -> str:
    """What makes two dead letters the same: stage, reason, original message, content and place."""
    original = letter.original_base64 or letter.original
    parts = (letter.stage, letter.reason, original, letter.content_sha256 or "", letter.place or "")
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def record_dead_letters(database: Session | Dsn, letters: Sequence[DeadLetter]) -> None:
    """Puts the letters into the table, in one transaction. A letter seen again counts its attempts and moves
    its last time. Raises psycopg.Error."""
    rows = {
        (key := letter_key(letter), letter.failed_at): {
            "key": key,
            **{name: _storable(getattr(letter, name)) for name in _TEXTS},
            "attempts": letter.attempts,
            "failed_at": letter.failed_at,
        }
        for letter in letters
    }
    ordered = [rows[key] for key in sorted(rows)]
    with session_of(database) as session:
        session.run(lambda connection: _record(connection, ordered))


def _record(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(_RECORD, rows)


def _storable(text: str | None) -> str | None:
    """Text as PostgreSQL can hold it: a dead letter must always find its place. It knows no NUL and no lone
    surrogate; both become the replacement character."""
    if text is None:
        return None
    return text.replace("\0", "�").encode("utf-8", "replace").decode("utf-8")
