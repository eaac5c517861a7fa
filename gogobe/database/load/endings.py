"""Ends prices and promotions that a complete full file no longer lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gogobe.database.connection import Cursor
from gogobe.database.load.files import CompletedFile
from gogobe.database.load.stores import LockedStore
from gogobe.database.load.subjects import TABLES, Subject, is_full, subject_of

# Newer lists count too: a newer full file may have confirmed a row already, without writing it. NOT IN is
# executed as a hash of the codes, for any estimate of the planner.
_END_UNLISTED: Final = """
    UPDATE {table} p SET ended_at = %(published_at)s
    WHERE p.store_key = %(store_key)s AND p.ended_at IS NULL
      AND (p.published_at, p.source_row) < (%(published_at)s, %(file_row)s)
      AND p.{code} NOT IN (
          SELECT unnest(codes) FROM listed_codes l
          WHERE l.store_key = %(store_key)s AND l.subject = '{table}'
            AND (l.published_at, l.file_row) >= (%(published_at)s, %(file_row)s))
"""

_SET_MARK: Final = "UPDATE stores SET {full_at} = %s, {full_row} = %s WHERE store_key = %s"

# From now on the store's mark makes every older file outdated, so older lists are not needed.
_DROP_LISTS: Final = """
    DELETE FROM listed_codes
    WHERE store_key = %s AND subject = %s AND (published_at, file_row) <= (%s, %s)
"""

# Only the newest incomplete file keeps its lists: it makes most rows stale.
_DROP_OVERTAKEN_LISTS: Final = """
    DELETE FROM listed_codes WHERE content_sha256 IN (
        SELECT content_sha256 FROM (
            SELECT content_sha256, row_number() OVER (ORDER BY published_at DESC, file_row DESC) AS place
            FROM (SELECT DISTINCT content_sha256, published_at, file_row FROM listed_codes
                  WHERE store_key = %s AND subject = %s) listed
            WHERE EXISTS (SELECT 1 FROM files f WHERE f.content_sha256 = listed.content_sha256
                          AND f.state = 'incomplete' OFFSET 0)
        ) incomplete WHERE place > 1)
"""

# Locked, because `maintenance` may delete lists at the same time.
_COUNT_LISTS: Final = """
    SELECT count(*) FROM (SELECT 1 FROM listed_codes WHERE content_sha256 = %s FOR KEY SHARE) held
"""

_COUNT_ENDED: Final = "UPDATE files SET ended = ended + %s WHERE content_sha256 = %s"
_LISTS_DROPPED: Final = """
    UPDATE files SET problems = array_append(problems, 'lists_dropped') WHERE content_sha256 = %s
"""


def end_unlisted(cursor: Cursor, completed: Iterable[CompletedFile], stores: Mapping[int, LockedStore]) -> int:
    """Ends what the completed full files do not list, and makes them their stores' newest full files; returns
    the number of prices and promotions.

    A file ends nothing if it is incomplete, if its time of publication is not known, if its store has a newer
    complete full file, or if its lists were dropped before it was complete.
    """
    total = 0
    for file in sorted(completed, key=lambda file: file.mark):
        subject = subject_of(file.kind)
        if subject is None or not is_full(file.kind) or file.store_key is None or not file.published_known:
            continue
        mark = file.mark
        full = stores[file.store_key].full
        newer = full[subject]
        if newer is not None and mark < newer:
            cursor.execute(_DROP_LISTS, (file.store_key, subject, *mark))
        elif not file.is_loaded:
            cursor.execute(_DROP_OVERTAKEN_LISTS, (file.store_key, subject))
        elif not _has_all_lists(cursor, file):
            cursor.execute(_LISTS_DROPPED, (file.content_sha256,))
        else:
            total += _end(cursor, file, subject)
            full[subject] = mark
            cursor.execute(TABLES[subject].fill(_SET_MARK), (*mark, file.store_key))
            cursor.execute(_DROP_LISTS, (file.store_key, subject, *mark))
    return total


def _has_all_lists(cursor: Cursor, file: CompletedFile) -> bool:
    """Whether the lists of all batches of the file are stored; without one of them, its rows would seem
    unlisted."""
    return cursor.execute(_COUNT_LISTS, (file.content_sha256,)).fetchone() == (file.batches,)


def _end(cursor: Cursor, file: CompletedFile, subject: Subject) -> int:
    published_at, file_row = file.mark
    cursor.execute(
        TABLES[subject].fill(_END_UNLISTED),
        {"store_key": file.store_key, "published_at": published_at, "file_row": file_row},
    )
    ended = cursor.rowcount
    cursor.execute(_COUNT_ENDED, (ended, file.content_sha256))
    return ended
