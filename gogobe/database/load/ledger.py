"""The ledger of files and batches: what counts a batch once, and what knows when a file is complete."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from psycopg.types.json import Jsonb

from gogobe.database.connection import Cursor
from gogobe.database.load.counts import is_complete, is_whole
from gogobe.database.load.marks import Mark, file_row_base
from gogobe.database.load.readings import Reading, newest_readings
from gogobe.records.messages import IngestBatch

Subject = Literal["prices", "promotions"]


def subject_of(batch: IngestBatch) -> Subject | None:
    """What a batch tells of: prices, promotions, or (None) stores."""
    if batch.kind in ("price", "pricefull"):
        return "prices"
    return "promotions" if batch.kind in ("promo", "promofull") else None


def is_full(batch: IngestBatch) -> bool:
    """Whether the batch's file lists everything that its store has."""
    return batch.kind in ("pricefull", "promofull")


@dataclass
class Tally:
    """What became of one batch's rows: each is in exactly one of the four.

    `loaded`: written, because new or changed; `unchanged`: confirmed what stood; `stale`: a newer file had
    spoken; `refused`: not taken by the reader.
    """

    loaded: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0


@dataclass(frozen=True)
class CompletedFile:
    """A file all of whose `batches` are in; `is_loaded`: the file is complete, and no batch failed."""

    content_sha256: str
    reader_version: int
    kind: str
    store_key: int | None
    published_at: datetime
    batches: int
    is_loaded: bool
    published_known: bool

    @property
    def mark(self) -> Mark:
        """What orders the file among the files of its store."""
        return self.published_at, file_row_base(
            self.content_sha256, self.reader_version, published_known=self.published_known
        )


@dataclass
class Taken:
    """The batches that this transaction takes, with a tally for each, and how many were known before.
    `broken_off`: those that only end their file, without a row; they are entered as failed."""

    batches: list[IngestBatch] = field(default_factory=list)
    broken_off: list[IngestBatch] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    duplicates: int = 0


_ADD_FILES: Final = """
    INSERT INTO files (content_sha256, chain, chain_id, sub_chain_id, store_id, store_key, kind, file,
                       published_at, published_known, source_url, discovered_at, downloaded_at, reader_version,
                       object_path, seen_at, first_loaded_at)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, clock_timestamp(), clock_timestamp())
    ON CONFLICT (content_sha256) DO NOTHING
"""

_ADD_ADDRESSES: Final = """
    INSERT INTO file_addresses (content_sha256, address_key, source_url, file, discovered_at, downloaded_at,
                                seen_at)
    VALUES (%s, %s, %s, %s, %s, %s, clock_timestamp())
    ON CONFLICT (content_sha256, address_key) DO NOTHING
"""

# Held until the commit, so that two loaders of one file count one after the other.
_HOLD_FILES: Final = """
    SELECT content_sha256, reader_version, published_at, published_known, store_key, kind FROM files
    WHERE content_sha256 = ANY(%s) ORDER BY content_sha256 FOR NO KEY UPDATE
"""

# A file that is announced again: its line follows the latest announcement, its counts stay.
_ANNOUNCED_AGAIN: Final = """
    UPDATE files SET
        source_url = CASE WHEN %(discovered_at)s >= discovered_at THEN %(source_url)s ELSE source_url END,
        object_path = CASE WHEN %(discovered_at)s >= discovered_at
                           THEN coalesce(%(object_path)s, object_path) ELSE object_path END,
        discovered_at = greatest(discovered_at, %(discovered_at)s), seen_at = clock_timestamp()
    WHERE content_sha256 = %(file)s
"""
_ADDRESS_AGAIN: Final = """
    UPDATE file_addresses SET
        discovered_at = greatest(discovered_at, %(discovered_at)s), seen_at = clock_timestamp()
    WHERE content_sha256 = %(file)s AND address_key = %(address_key)s
"""

_TAKE_BATCHES: Final = """
    INSERT INTO batches (batch_id, content_sha256, sequence, reader_version, first_row, last_row,
                         masters_version)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::integer[], %s::integer[], %s::integer[], %s::integer[],
                         %s::text[])
    ON CONFLICT (batch_id) DO UPDATE SET failed = false, committed_at = now(), first_row = excluded.first_row,
        last_row = excluded.last_row, masters_version = excluded.masters_version
    WHERE batches.failed
    RETURNING batch_id
"""

# Whoever reads the file again brings the batch that belongs here, and it is taken then.
_FAIL_BATCHES: Final = "UPDATE batches SET failed = true WHERE batch_id = ANY(%s)"

_COUNT: Final = """
    UPDATE files SET loaded = loaded + %(loaded)s, unchanged = unchanged + %(unchanged)s,
        stale = stale + %(stale)s, refused = refused + %(refused)s,
        batches_loaded = (SELECT count(*) FROM batches b WHERE b.content_sha256 = %(file)s
                          AND b.reader_version = files.reader_version AND NOT b.failed),
        batches_failed = (SELECT count(*) FROM batches b WHERE b.content_sha256 = %(file)s
                          AND b.reader_version = files.reader_version AND b.failed)
    WHERE content_sha256 = %(file)s
"""

_TOTALS: Final = """
    UPDATE files SET announced = %s, read = %s, is_whole = %s, complete = %s,
        problems = ARRAY(SELECT DISTINCT unnest(problems || %s::text[])), unknown_elements = %s,
        batches_expected = %s
    WHERE content_sha256 = %s
"""

_SETTLE: Final = """
    UPDATE files SET
        state = CASE WHEN complete AND batches_failed = 0 THEN 'loaded' ELSE 'incomplete' END,
        completed_at = clock_timestamp()
    WHERE content_sha256 = ANY(%s) AND batches_loaded + batches_failed = batches_expected
    RETURNING content_sha256, reader_version, kind, store_key, published_at, batches_expected,
        state = 'loaded', published_known
"""


def address_key(source_url: str) -> str:
    """What a file's address is found by: its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(source_url.encode("utf-8", "surrogatepass")).hexdigest()


def add_files(
    cursor: Cursor, batches: Iterable[IngestBatch], store_keys: Mapping[str, int | None]
) -> tuple[list[IngestBatch], bool]:
    """Adds a line for each file that has none, and its address, and holds all of them. Returns the batches of
    their files' newest readings, and whether an older reading was undone for them. `store_keys` by batch id."""
    batches = list(batches)
    files = {batch.content_sha256: batch for batch in batches}
    cursor.executemany(
        _ADD_FILES,
        [
            (
                sha,
                batch.chain,
                batch.chain_id,
                batch.sub_chain_id,
                batch.store_id,
                store_keys[batch.batch_id],
                batch.kind,
                batch.file,
                batch.published_at,
                batch.published_known,
                batch.source_url,
                batch.discovered_at,
                batch.downloaded_at,
                batch.reader_version,
                batch.s3_path,
            )
            for sha, batch in sorted(files.items())
        ],
    )
    cursor.execute(_HOLD_FILES, (list(files),))
    counted = {sha: Reading(*line) for sha, *line in cursor.fetchall()}
    addresses = {(batch.content_sha256, address_key(batch.source_url)): batch for batch in batches}
    cursor.executemany(
        _ADD_ADDRESSES,
        [
            (sha, address_key, batch.source_url, batch.file, batch.discovered_at, batch.downloaded_at)
            for (sha, address_key), batch in sorted(addresses.items(), key=lambda entry: entry[0])
        ],
    )
    return newest_readings(cursor, batches, counted, store_keys)


def take_batches(cursor: Cursor, batches: Sequence[IngestBatch]) -> Taken:
    """Enters the batches in the ledger and returns those that were not in it (or had failed before).

    A known batch that is its file's last tells that the file was announced again.
    """
    offered = {batch.batch_id: batch for batch in batches}
    ordered = [offered[batch_id] for batch_id in sorted(offered)]
    spans = [_row_span(batch) for batch in ordered]
    cursor.execute(
        _TAKE_BATCHES,
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
    for batch in ordered:
        if batch.last and batch.batch_id not in new:
            again = {
                "discovered_at": batch.discovered_at,
                "source_url": batch.source_url,
                "object_path": batch.s3_path,
                "address_key": address_key(batch.source_url),
                "file": batch.content_sha256,
            }
            cursor.execute(_ANNOUNCED_AGAIN, again)
            cursor.execute(_ADDRESS_AGAIN, again)
    taken = [batch for batch in offered.values() if batch.batch_id in new]
    broken_off = [batch for batch in taken if batch.is_broken_off]
    if broken_off:
        cursor.execute(_FAIL_BATCHES, ([batch.batch_id for batch in broken_off],))
    tallies = {batch.batch_id: Tally(refused=len(batch.refused)) for batch in taken}
    whole = [batch for batch in taken if not batch.is_broken_off]
    return Taken(whole, broken_off, tallies, duplicates=len(batches) - len(taken))


def _row_span(batch: IngestBatch) -> tuple[int | None, int | None]:
    """The first and the last row of its file that a batch holds, refused ones included; None for one without
    rows."""
    rows = [one.row for one in batch.refused]
    for taken in (batch.items, batch.promotions, batch.stores):
        rows += [one.row for one in taken]
    return (min(rows), max(rows)) if rows else (None, None)


def keep_refused_rows(cursor: Cursor, batches: Iterable[IngestBatch]) -> None:
    """The refused rows of the batches, with reason and line."""
    rows = [
        (batch.content_sha256, row.row, row.line, row.reason, row.item_code, row.detail)
        for batch in batches
        for row in batch.refused
    ]
    if rows:
        cursor.executemany(
            "INSERT INTO refused_rows (content_sha256, file_row, line, reason, item_code, detail) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (content_sha256, file_row) DO NOTHING",
            rows,
        )


def count_batches(cursor: Cursor, taken: Taken) -> list[CompletedFile]:
    """Adds the batches' tallies to their files' lines; returns the files that are complete by that."""
    sums: dict[str, Tally] = {}
    for batch in (*taken.batches, *taken.broken_off):
        tally, part = sums.setdefault(batch.content_sha256, Tally()), taken.tallies[batch.batch_id]
        tally.loaded += part.loaded
        tally.unchanged += part.unchanged
        tally.stale += part.stale
        tally.refused += part.refused
    files = sorted(sums)
    cursor.executemany(
        _COUNT,
        [
            {
                "file": sha,
                "loaded": sums[sha].loaded,
                "unchanged": sums[sha].unchanged,
                "stale": sums[sha].stale,
                "refused": sums[sha].refused,
            }
            for sha in files
        ],
    )
    write_totals(cursor, [*taken.batches, *taken.broken_off])
    return settle_files(cursor, files)


def fail_batch(cursor: Cursor, batch: IngestBatch, problem: str) -> None:
    """Marks a batch that was taken as failed, with its file's counts; the file may be settled by that."""
    cursor.execute("UPDATE batches SET failed = true WHERE batch_id = %s", (batch.batch_id,))
    cursor.execute(
        "UPDATE files SET batches_failed = batches_failed + 1, problems = array_append(problems, %s) "
        "WHERE content_sha256 = %s",
        (problem, batch.content_sha256),
    )
    write_totals(cursor, [batch])
    settle_files(cursor, [batch.content_sha256])


def write_totals(cursor: Cursor, batches: Iterable[IngestBatch]) -> None:
    """What the batches that are their files' last say of the whole file."""
    for batch in sorted(batches, key=lambda batch: batch.content_sha256):
        if not batch.last:
            continue
        totals = batch.totals
        cursor.execute(
            _TOTALS,
            (
                totals.announced if totals else None,
                totals.read if totals else None,
                totals is not None and is_whole(totals),
                totals is not None and is_complete(cursor, batch, totals),
                totals.problems if totals else ["no_totals"],
                Jsonb(totals.unknown_elements) if totals and totals.unknown_elements else None,
                batch.sequence + 1,
                batch.content_sha256,
            ),
        )


def settle_files(cursor: Cursor, files: Sequence[str]) -> list[CompletedFile]:
    """Gives the files that have all their batches their final state, and returns them."""
    cursor.execute(_SETTLE, (list(files),))
    return [CompletedFile(*row) for row in cursor.fetchall()]
