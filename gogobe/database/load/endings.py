"""Full files that are complete: what they no longer list has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gogobe.database.connection import Cursor
from gogobe.database.load.ledger import CompletedFile, Subject
from gogobe.database.load.marks import Mark
from gogobe.database.load.prices import end_prices
from gogobe.database.load.promotions import end_promotions
from gogobe.database.load.stores import LockedStore

_FULL_KINDS: Final[Mapping[str, Subject]] = {"pricefull": "prices", "promofull": "promotions"}

_NEWEST_FULL: Final = {
    "prices": "UPDATE stores SET prices_full_at = %s, prices_full_row = %s WHERE store_key = %s",
    "promotions": "UPDATE stores SET promotions_full_at = %s, promotions_full_row = %s WHERE store_key = %s",
}

# From here on the store's mark says of every older file that it is out of date: no list is needed for that.
_DROP_LISTS: Final = """
    DELETE FROM listed_codes
    WHERE store_key = %s AND subject = %s AND (published_at, file_row) <= (%s, %s)
"""

# Of the files that ended as incomplete only the newest keeps its lists: it says most of what is out of date.
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

# Held, because `drop_old_lists` may run at the same time.
_COUNT_LISTS: Final = """
    SELECT count(*) FROM (SELECT 1 FROM listed_codes WHERE content_sha256 = %s FOR KEY SHARE) held
"""

_ENDED: Final = "UPDATE files SET ended = ended + %s WHERE content_sha256 = %s"
_LISTS_DROPPED: Final = """
    UPDATE files SET problems = array_append(problems, 'lists_dropped') WHERE content_sha256 = %s
"""


def end_what_is_gone(
    cursor: Cursor, completed: Iterable[CompletedFile], stores: Mapping[int, LockedStore]
) -> int:
    """Ends what the completed full files no longer list; returns how many prices and promotions.

    A file that was cut short, is a PriceFull without a row, or lacks a batch, ends nothing; nor does one that
    is older than its store's newest complete full file, whose time of publication is not known, or whose lists
    were dropped before it was complete.
    """
    newest: dict[tuple[int, Subject], Mark] = {}
    total = 0
    for file in sorted(completed, key=lambda file: file.mark):
        subject = _FULL_KINDS.get(file.kind)
        if subject is None or file.store_key is None or not file.published_known:
            continue
        mark = file.mark
        standing = newest.get((file.store_key, subject)) or stores[file.store_key].full[subject]
        if standing is not None and mark < standing:
            cursor.execute(_DROP_LISTS, (file.store_key, subject, *mark))
        elif not file.is_loaded:
            cursor.execute(_DROP_OVERTAKEN_LISTS, (file.store_key, subject))
        elif not _has_all_lists(cursor, file):
            cursor.execute(_LISTS_DROPPED, (file.content_sha256,))
        else:
            total += _end(cursor, file, subject)
            newest[file.store_key, subject] = mark
            cursor.execute(_NEWEST_FULL[subject], (*mark, file.store_key))
            cursor.execute(_DROP_LISTS, (file.store_key, subject, *mark))
    return total


def _has_all_lists(cursor: Cursor, file: CompletedFile) -> bool:
    """Whether the lists of all of the file's batches are there: what they lack would seem to have ended."""
    return cursor.execute(_COUNT_LISTS, (file.content_sha256,)).fetchone() == (file.batches,)


def _end(cursor: Cursor, file: CompletedFile, subject: Subject) -> int:
    ended = end_prices(cursor, file) if subject == "prices" else end_promotions(cursor, file)
    cursor.execute(_ENDED, (ended, file.content_sha256))
    return ended
