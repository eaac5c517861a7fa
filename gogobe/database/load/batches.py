"""The table `batches`: each batch is inserted once, so its rows are loaded once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gogobe.database.connection import Cursor
from gogobe.database.load.files import update_announcement
from gogobe.database.load.tallies import NewBatches, Tally
from gogobe.records.messages import IngestBatch

_ENTER: Final = """
    INSERT INTO batches (batch_id, content_sha256, sequence, reader_version, first_row, last_row,
                         masters_version)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::integer[], %s::integer[], %s::integer[], %s::integer[],
                         %s::text[])
    ON CONFLICT (batch_id) DO UPDATE SET failed = false, committed_at = now(), first_row = excluded.first_row,
        last_row = excluded.last_row, masters_version = excluded.masters_version
    WHERE batches.failed
    RETURNING batch_id
"""

# A failed batch is loaded when the file is read again and brings it complete.
_FAIL: Final = "UPDATE batches SET failed = true WHERE batch_id = ANY(%s)"

_KEEP_REFUSED: Final = """
    INSERT INTO refused_rows (content_sha256, file_row, line, reason, item_code, detail)
    VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (content_sha256, file_row) DO NOTHING
"""


def enter_batches(cursor: Cursor, batches: Sequence[IngestBatch]) -> NewBatches:
    """Enters the batches in the ledger and returns the new ones, and those recorded as failed, in the order of
    `batches`.

    If a known batch is the last of its file, the file was announced again.
    """
    offered: dict[str, IngestBatch] = {}
    again: list[IngestBatch] = []
    for batch in batches:
        if offered.setdefault(batch.batch_id, batch) is not batch:
            again.append(batch)
    ordered = [offered[batch_id] for batch_id in sorted(offered)]
    spans = [_row_span(batch) for batch in ordered]
    cursor.execute(
        _ENTER,
        (
            [batch.batch_id for batch in ordered],
            [batch.content_sha256 for batch in ordered],
            [batch.sequence for batch in ordered],
            [batch.reader_version for batch in ordered],
            [first for first, _ in spans],
            [last for _, last in spans],
            [batch.masters_version for batch in ordered],
        ),
    )
    new = {row[0] for row in cursor.fetchall()}
    again += [batch for batch in ordered if batch.batch_id not in new]
    again.sort(key=lambda batch: (batch.content_sha256, batch.discovered_at))
    for batch in again:
        if batch.last:
            update_announcement(cursor, batch)
    entered = [batch for batch in offered.values() if batch.batch_id in new]
    aborted = [batch for batch in entered if batch.is_aborted]
    if aborted:
        mark_failed(cursor, aborted)
    return NewBatches(
        entered,
        {batch.batch_id: Tally(refused=len(batch.refused)) for batch in entered},
        duplicates=len(batches) - len(entered),
    )


def _row_span(batch: IngestBatch) -> tuple[int | None, int | None]:
    """The first and the last row of its file in a batch, refused rows included; None for a batch without
    rows."""
    rows = [one.row for part in (batch.promotions, batch.stores, batch.refused) for one in part]
    if batch.items:  # in the order of the file
        rows += [batch.items[0].row, batch.items[-1].row]
    return (min(rows), max(rows)) if rows else (None, None)


def mark_failed(cursor: Cursor, batches: Iterable[IngestBatch]) -> None:
    """Marks entered batches as failed."""
    cursor.execute(_FAIL, ([batch.batch_id for batch in batches],))


def keep_refused_rows(cursor: Cursor, batches: Iterable[IngestBatch]) -> None:
    """Writes the refused rows of the batches with reason and line."""
    rows = [
        (batch.content_sha256, row.row, row.line, row.reason, row.item_code, row.detail)
        for batch in batches
        for row in batch.refused
    ]
    if rows:
        cursor.executemany(_KEEP_REFUSED, rows)
