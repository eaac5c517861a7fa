"""Decides whether a file is complete although its Count differs from its rows.

Some chains publish a Count that is always wrong. If it were trusted, none of their files would be complete,
and no price would ever end. So the Count counts as evidence, and only if the file itself is whole: read to
the closing tag of its root, from an undamaged container. A file that was cut short is never complete.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Final

from gogobe.database.connection import Cursor
from gogobe.feeds.problems import NOTICES
from gogobe.records.messages import FileTotals, IngestBatch

EVIDENCE: Final = timedelta(days=7)
SAME_DIFFERENCES: Final = 2
WRONG_DAYS: Final = 3

# How often the Counts of a chain's files of one kind were right in the days before. Files without rows are left
# out: a Count of zero is right by chance.
_EARLIER_FILES: Final = """
    SELECT count(*) FILTER (WHERE announced = read),
           count(*) FILTER (WHERE announced - read = %(difference)s),
           count(DISTINCT (published_at AT TIME ZONE 'UTC')::date) FILTER (
               WHERE announced <> read AND (published_at AT TIME ZONE 'UTC')::date < %(day)s)
    FROM files
    WHERE chain_id = %(chain_id)s AND kind = %(kind)s AND is_whole AND announced IS NOT NULL AND read > 0
      AND published_at >= %(since)s AND published_at < %(published_at)s AND content_sha256 <> %(file)s
"""


def is_whole(totals: FileTotals) -> bool:
    """Whether the file was read to its end without any problem other than its Count."""
    return totals.complete or set(totals.problems) - NOTICES == {"count_mismatch"}


def is_complete(cursor: Cursor, batch: IngestBatch, totals: FileTotals) -> bool:
    """Whether a file lists all that it should, by the totals in its last batch.

    A whole file with more rows than announced is complete. One with fewer is complete if the chain's Counts
    are known to be wrong: in the seven days before, no whole file of this kind had as many rows as it
    announced, and either two of them differ by the same number, or Counts were wrong on three earlier days.
    One file with a right Count restores the trust in the next ones.
    """
    if totals.complete:
        return True
    if not is_whole(totals) or totals.announced is None:
        return False
    return totals.read > totals.announced or _is_always_wrong(cursor, batch, totals.announced - totals.read)


def _is_always_wrong(cursor: Cursor, batch: IngestBatch, difference: int) -> bool:
    cursor.execute(
        _EARLIER_FILES,
        {
            "difference": difference,
            "day": batch.published_at.astimezone(UTC).date(),
            "chain_id": batch.chain_id,
            "kind": batch.kind,
            "since": batch.published_at - EVIDENCE,
            "published_at": batch.published_at,
            "file": batch.content_sha256,
        },
    )
    right, same, wrong_days = cursor.fetchone() or (0, 0, 0)
    return bool(right == 0 and (same >= SAME_DIFFERENCES or wrong_days >= WRONG_DAYS))
