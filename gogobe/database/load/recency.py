"""Selects the current batches of a round, for prices and promotions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from gogobe.database.connection import Cursor, copy_rows
from gogobe.database.load.marks import Mark, mark_of
from gogobe.database.load.stores import LockedStore
from gogobe.database.load.subjects import Subject, codes_of, is_full
from gogobe.database.load.tallies import NewBatches
from gogobe.records.messages import IngestBatch

Row = TypeVar("Row")
Key = tuple[int, str]
"""A store's key, and an item code or promotion id."""

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
    """The codes listed by full files that are not complete yet: they make rows of older files stale."""

    def __init__(self, rows: Iterable[tuple[int, Mark, Sequence[str]]]) -> None:
        self._lists: dict[int, dict[Mark, set[str]]] = {}
        for store_key, mark, codes in rows:
            self._lists.setdefault(store_key, {}).setdefault(mark, set()).update(codes)

    def codes_after(self, store_key: int, mark: Mark) -> set[str]:
        """The codes that files newer than `mark` list in the store."""
        lists = self._lists.get(store_key, {})
        return {code for other, codes in lists.items() if other > mark for code in codes}


@dataclass(frozen=True)
class Selected:
    """The batches of one subject in a round.

    `current`: to be merged. `lists`: what newer full files list that are not complete. `outdated`: batches of
    known time that are older than their store's newest complete full file.
    """

    current: Sequence[IngestBatch]
    lists: NewerLists
    outdated: Sequence[IngestBatch]


def select_current(
    cursor: Cursor,
    new: NewBatches,
    store_keys: Mapping[str, int],
    stores: Mapping[int, LockedStore],
    subject: Subject,
) -> Selected:
    """Separates current batches from outdated ones, whose rows count as stale, and stores the lists of
    current full files until they are complete. `store_keys` by batch id; `stores` are locked."""
    current, outdated = [], []
    for batch in new.of_subject(subject):
        if not stores[store_keys[batch.batch_id]].is_outdated(subject, mark_of(batch)):
            current.append(batch)
            continue
        new.tally(batch).stale += len(codes_of(batch))
        if batch.published_known:
            outdated.append(batch)
    if not current:
        return Selected([], NewerLists([]), outdated)
    lists = _newer_lists(cursor, current, store_keys, subject)
    _keep_listed_codes(
        cursor,
        [batch for batch in current if is_full(batch.kind) and batch.published_known],
        store_keys,
        subject,
    )
    return Selected(current, lists, outdated)


def merge_passes(batches: Iterable[dict[Key, Row]]) -> Iterator[dict[Key, Row]]:
    """The rows of batches to merge, each batch given as its rows by key.

    If a batch repeats keys of batches before it, it goes into a further pass, so that it is compared with their
    rows.
    """
    rows: dict[Key, Row] = {}
    for own in batches:
        if not rows.keys().isdisjoint(own):
            yield rows
            rows = {}
        rows |= own
    if rows:
        yield rows


def _newer_lists(
    cursor: Cursor, batches: Iterable[IngestBatch], store_keys: Mapping[str, int], subject: Subject
) -> NewerLists:
    """The lists of incomplete full files that are newer than the store's oldest batch."""
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
    """Writes the codes that batches of full files list, those of refused rows included."""
    if not batches:
        return
    rows = [
        (
            batch.content_sha256,
            batch.sequence,
            store_keys[batch.batch_id],
            subject,
            *mark_of(batch),
            [*codes_of(batch), *(row.item_code for row in batch.refused if row.item_code)],
        )
        for batch in batches
    ]
    copy_rows(cursor, "listed_codes", _LISTED_COLUMNS, rows)
