"""The table of dead letters: one row per file, stage and reason, open until the file is loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, Cursor
from gogobe.database.session import Session, session_of
from gogobe.database.waiting import remove_failed, remove_loaded
from gogobe.records.addresses import public_address
from gogobe.records.excerpts import storable_fields
from gogobe.records.messages import POISON, DeadLetter, FileDownloaded, IngestBatch

# The same time of failure is the same delivery. A later time is a further failed attempt: the letter is open
# again, with the details of the latest failure.
_RECORD: Final = """
    INSERT INTO dead_letters AS d (
        letter_key, stage, reason, detail, cause, chain, source_url, file, content_sha256, batch_id, place,
        original, original_base64, original_path, original_sha256, original_size,
        attempts, first_failed_at, last_failed_at)
    VALUES (
        %(letter_key)s, %(stage)s, %(reason)s, %(detail)s, %(cause)s, %(chain)s, %(source_url)s, %(file)s,
        %(content_sha256)s, %(batch_id)s, %(place)s, %(original)s, %(original_base64)s, %(original_path)s,
        %(original_sha256)s, %(original_size)s, %(attempts)s, %(failed_at)s, %(failed_at)s)
    ON CONFLICT (letter_key) DO UPDATE SET
        (detail, cause, file, content_sha256, place, original, original_base64, original_path, original_sha256,
         original_size, attempts, last_failed_at, resolved_at, dropped_by, dropped_why)
        = (excluded.detail, excluded.cause, excluded.file, excluded.content_sha256, excluded.place,
           excluded.original, excluded.original_base64, excluded.original_path, excluded.original_sha256,
           excluded.original_size, d.attempts + excluded.attempts, excluded.last_failed_at, NULL,
           NULL, NULL)
    WHERE excluded.last_failed_at > d.last_failed_at
"""

# The processes that died may have committed some batches. No other will come.
_END_POISONED: Final = """
    UPDATE files SET state = 'incomplete', completed_at = clock_timestamp(),
        problems = array_append(array_remove(problems, %(poison)s), %(poison)s)
    WHERE state = 'loading' AND content_sha256 IN (
        SELECT content_sha256 FROM files WHERE content_sha256 = ANY(%(files)s)
        ORDER BY content_sha256 FOR NO KEY UPDATE)
"""

# A loaded file closes the letters that failed before its download or were replayed since, and those of
# refused batches, which are loaded now. Letters of stage `publish` stay: a load does not add a message to a
# topic.
_RESOLVE: Final = """
    UPDATE dead_letters SET resolved_at = now() WHERE letter_key IN (
        SELECT d.letter_key
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[])
             AS b (content_sha256, chain, source_url, downloaded_at)
        JOIN files f ON f.content_sha256 = b.content_sha256 AND f.state = 'loaded'
        JOIN dead_letters d ON d.source_url = b.source_url AND d.chain = b.chain
        WHERE d.resolved_at IS NULL AND d.stage <> 'publish'
          AND (d.last_failed_at < b.downloaded_at OR d.last_failed_at < d.replayed_at OR d.stage = 'load')
        ORDER BY d.letter_key FOR UPDATE OF d)
"""


def letter_key(letter: DeadLetter) -> str:
    """The identity of a dead letter: a hash of stage, reason, and the batch that failed, or else the file
    (chain and address without its signature), or else the message itself."""
    if letter.batch_id is not None:
        subject = ("batch", letter.batch_id)
    elif letter.source_url:
        subject = ("file", f"{letter.chain or ''} {public_address(letter.source_url)}")
    else:
        subject = ("message", letter.original_sha256 or letter.original_base64 or letter.original)
    parts = (letter.stage, letter.reason, *subject)
    return hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def record_dead_letters(database: Session | Dsn, letters: Sequence[DeadLetter]) -> None:
    """Writes the letters in one transaction. A letter that recurs later counts its attempts and is open
    again. Its file leaves the retry queue, and ends as incomplete where it is poison. Raises psycopg.Error."""
    rows = [_row(letter) for letter in letters]
    rows.sort(key=lambda row: (row["letter_key"], row["failed_at"]))
    with session_of(database) as session:
        session.run(lambda connection: _record(connection, rows, letters))


def _record(connection: Connection, rows: Sequence[dict[str, Any]], letters: Sequence[DeadLetter]) -> None:
    poisoned = [row["content_sha256"] for row in rows if row["reason"] == POISON and row["content_sha256"]]
    with connection.transaction(), connection.cursor() as cursor:
        if poisoned:  # before the letters: loaders lock in this order
            cursor.execute(_END_POISONED, {"files": poisoned, "poison": POISON})
        cursor.executemany(_RECORD, rows)
        remove_failed(cursor, letters)


def _row(letter: DeadLetter) -> dict[str, Any]:
    return storable_fields(letter) | {"letter_key": letter_key(letter)}


def resolve_loaded(cursor: Cursor, batches: Iterable[IngestBatch | FileDownloaded]) -> None:
    """Closes the letters of the batches' files that are loaded now, and removes these files from the retry
    queue."""
    files: dict[tuple[str, str, str], datetime] = {}
    for batch in batches:
        file = (batch.content_sha256, batch.chain, batch.source_url)
        files[file] = max(batch.downloaded_at, files.get(file, batch.downloaded_at))
    shas, chains, urls = zip(*files, strict=True)
    downloads = (list(shas), list(chains), list(urls), list(files.values()))
    cursor.execute(_RESOLVE, downloads)
    remove_loaded(cursor, downloads)
