"""Full files that are complete: what they no longer list has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from gogobe.database.connection import Cursor
from gogobe.database.load.ledger import CompletedFile, Subject, file_row_base
from gogobe.database.load.prices import end_prices
from gogobe.database.load.promotions import end_promotions
from gogobe.database.load.stores import LockedStore, Mark

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


def end_what_is_gone(
    cursor: Cursor, completed: Iterable[CompletedFile], stores: Mapping[int, LockedStore]
) -> int:
    """Ends what the completed full files no longer list; returns how many prices and promotions.

    A file that was cut short, is a PriceFull without a row, or lacks a batch, ends nothing; nor does one that
    is older than its store's newest complete full file.
    """
    newest: dict[tuple[int, Subject], Mark] = {}
    total = 0
    for file in sorted(completed, key=mark_of_file):
        subject = _FULL_KINDS.get(file.kind)
        if subject is None or file.store_key is None:
            continue
        mark = mark_of_file(file)
        standing = newest.get((file.store_key, subject)) or stores[file.store_key].full[subject]
        if standing is not None and mark < standing:
            cursor.execute(_DROP_LISTS, (file.store_key, subject, *mark))
        elif file.ends_others:
            ended = end_prices(cursor, file) if subject == "prices" else end_promotions(cursor, file)
            newest[file.store_key, subject] = mark
            cursor.execute(_NEWEST_FULL[subject], (*mark, file.store_key))
            cursor.execute(_DROP_LISTS, (file.store_key, subject, *mark))
            cursor.execute(
                "UPDATE files SET ended = ended + %s WHERE content_sha256 = %s", (ended, file.content_sha256)
            )
            total += ended
    return total


def mark_of_file(file: CompletedFile) -> Mark:
    """What orders the file among the files of its store."""
    return file.published_at, file_row_base(file.content_sha256)
