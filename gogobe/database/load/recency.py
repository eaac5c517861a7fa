"""Which batches of a load are current, and in what order: the same for prices and for promotions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gogobe.database.connection import Cursor, copy_rows
from gogobe.database.load.ledger import Subject, Taken, is_full, subject_of
from gogobe.database.load.marks import Mark, mark_of
from gogobe.database.load.stores import LockedStore
from gogobe.records.messages import IngestBatch

_NEWER_LISTS: Final = """
    SELECT listed.store_key, listed.published_at, listed.file_row, listed.codes
    FROM unnest(%s::integer[], %s::timestamptz[], %s::bigint[]) AS oldest (store_key, published_at, file_row)
    JOIN listed_codes listed ON listed.store_key = oldest.store_key AND listed.subject = %s
     AND (listed.published_at, listed.file_row) > (oldest.published_at, oldest.file_row)
"""

_LISTED_COLUMNS: Final = (
    ("content_sha256", "text"),
    ("sequence", "int4"),
    ("store_key", "int4"),
    ("subject", "text"),
    ("published_at", "timestamptz"),
    ("file_row", "int8"),
    ("codes", "text[]"),
)


class NewerLists:
    """What full files that are still on their way list: a row of an older file is stale where they list it."""

    def __init__(self, rows: Iterable[tuple[int, Mark, Sequence[str]]]) -> None:
        self._lists: dict[int, dict[Mark, set[str]]] = {}
        for store_key, mark, codes in rows:
            self._lists.setdefault(store_key, {}).setdefault(mark, set()).update(codes)

    def codes_after(self, store_key: int, mark: Mark) -> set[str]:
        """The codes that files newer than `mark` list in the store."""
        lists = self._lists.get(store_key, {})
        return {code for other, codes in lists.items() if other > mark for code in codes}


def take_current(
    cursor: Cursor,
    taken: Taken,
    store_keys: Mapping[str, int],
    stores: Mapping[int, LockedStore],
    subject: Subject,
) -> tuple[list[list[IngestBatch]], NewerLists]:
    """The subject's batches that a newer complete full file has not overtaken, in rounds (see `_rounds`), and
    what newer full files on their way list. The rows of the others are counted as stale; what current full
    files list is kept until they are complete. `store_keys` by batch id; `stores` are held."""
    current = []
    for batch in _in_order(taken.batches, subject):
        if stores[store_keys[batch.batch_id]].is_outdated(subject, mark_of(batch)):
            taken.tallies[batch.batch_id].stale += len(_codes(batch))
        else:
            current.append(batch)
    if not current:
        return [], NewerLists([])
    lists = _newer_lists(cursor, current, store_keys, subject)
    _keep_listed_codes(
        cursor, [batch for batch in current if is_full(batch) and batch.published_known], store_keys, subject
    )
    return _rounds(current, store_keys), lists


def _codes(batch: IngestBatch) -> list[str]:
    """The codes of the batch's rows; it has items or promotions, never both."""
    return [row.item_code for row in batch.items] or [row.promotion_id for row in batch.promotions]


def _in_order(batches: Iterable[IngestBatch], subject: Subject) -> list[IngestBatch]:
    """The batches of one subject, older files first, each file's in its order."""
    chosen = [batch for batch in batches if subject_of(batch) == subject]
    return sorted(chosen, key=lambda batch: (*mark_of(batch), batch.sequence))


def _newer_lists(
    cursor: Cursor, batches: Iterable[IngestBatch], store_keys: Mapping[str, int], subject: Subject
) -> NewerLists:
    """The lists of full files not yet complete that are newer than the store's oldest of the batches."""
    oldest: dict[int, Mark] = {}
    for batch in batches:
        key = store_keys[batch.batch_id]
        oldest[key] = min(mark_of(batch), oldest.get(key, mark_of(batch)))
    moments, file_rows = zip(*oldest.values(), strict=True)
    cursor.execute(_NEWER_LISTS, (list(oldest), list(moments), list(file_rows), subject))
    return NewerLists((key, (at, file_row), codes) for key, at, file_row, codes in cursor.fetchall())


def _keep_listed_codes(
    cursor: Cursor, batches: Sequence[IngestBatch], store_keys: Mapping[str, int], subject: Subject
) -> None:
    """Keeps which codes batches of full files list, those of refused rows too, until the file is complete."""
    if not batches:
        return
    rows = [
        (
            batch.content_sha256,
            batch.sequence,
            store_keys[batch.batch_id],
            subject,
            *mark_of(batch),
            [*_codes(batch), *(row.item_code for row in batch.refused if row.item_code)],
        )
        for batch in batches
    ]
    copy_rows(cursor, "listed_codes", _LISTED_COLUMNS, rows)


def _rounds(batches: Iterable[IngestBatch], store_keys: Mapping[str, int]) -> list[list[IngestBatch]]:
    """The batches, given in order, in rounds that have one file of a store each: a store's files are merged one
    after the other, so that the history tells of each, whatever shares a commit."""
    found: list[list[IngestBatch]] = []
    files: dict[int, list[str]] = {}
    for batch in batches:
        of_store = files.setdefault(store_keys[batch.batch_id], [])
        if batch.content_sha256 not in of_store:
            of_store.append(batch.content_sha256)
        number = of_store.index(batch.content_sha256)
        if number == len(found):
            found.append([])
        found[number].append(batch)
    return found
