"""The tables `files` and `file_addresses`: a row for each file, its counts, and its completion."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.types.json import Jsonb

from gogobe.database.connection import Cursor
from gogobe.database.load.counts import is_complete, is_whole
from gogobe.database.load.marks import Mark, file_row_base
from gogobe.database.load.readings import Reading
from gogobe.database.load.stores import StoreMovedError
from gogobe.database.load.tallies import NewBatches, Tally, sum_by_file
from gogobe.feeds.price_level import PriceLevels, price_level_problem
from gogobe.records.messages import FileDownloaded, IngestBatch
from gogobe.records.rows import Kind

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompletedFile:
    """A file with all its `batches` in the database. `is_loaded`: the file is complete, and no batch
    failed."""

    content_sha256: str
    reader_version: int
    kind: Kind
    store_key: int | None
    published_at: datetime
    batches: int
    is_loaded: bool
    published_known: bool

    @property
    def mark(self) -> Mark:
        """The file's mark."""
        return self.published_at, file_row_base(
            self.content_sha256, self.reader_version, published_known=self.published_known
        )


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

# Locked until the commit, so that two loaders of one file count one after the other.
_LOCK_FILES: Final = """
    SELECT content_sha256, reader_version, published_at, published_known, chain_id, store_key, kind FROM files
    WHERE content_sha256 = ANY(%s) ORDER BY content_sha256 FOR NO KEY UPDATE
"""

# A file that is announced again: its row gets the latest announcement, its counts stay.
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

# One statement adds the counts and, if the file then has all its batches, sets its final state.
_COUNT: Final = """
    UPDATE files SET loaded = files.loaded + tally.loaded, unchanged = files.unchanged + tally.unchanged,
        stale = files.stale + tally.stale, refused = files.refused + tally.refused,
        prices_compared = prices_compared + tally.compared, prices_higher = prices_higher + tally.higher,
        prices_lower = prices_lower + tally.lower,
        batches_loaded = entered.whole, batches_failed = entered.failed,
        state = CASE WHEN entered.whole + entered.failed IS DISTINCT FROM batches_expected THEN state
                     WHEN complete AND entered.failed = 0 THEN 'loaded' ELSE 'incomplete' END,
        completed_at = CASE WHEN entered.whole + entered.failed IS DISTINCT FROM batches_expected
                            THEN completed_at ELSE clock_timestamp() END
    FROM unnest(%s::text[], %s::integer[], %s::integer[], %s::integer[], %s::integer[], %s::integer[],
                %s::integer[], %s::integer[], %s::integer[])
         AS tally (content_sha256, version, loaded, unchanged, stale, refused, compared, higher, lower)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE NOT b.failed) AS whole, count(*) FILTER (WHERE b.failed) AS failed
        FROM batches b WHERE b.content_sha256 = tally.content_sha256 AND b.reader_version = tally.version
          AND b.batch_id <> ALL (%s::text[])
        OFFSET 0
    ) entered
    WHERE files.content_sha256 = tally.content_sha256
    RETURNING files.content_sha256, reader_version, kind, store_key, published_at, batches_expected,
        state = 'loaded', published_known, prices_compared, prices_higher, prices_lower,
        batches_loaded + batches_failed
"""

_ADD_PROBLEM: Final = """
    UPDATE files SET problems = array_append(array_remove(problems, %(code)s), %(code)s)
    WHERE content_sha256 = %(file)s
"""

_TOTALS: Final = """
    UPDATE files SET announced = %s, read = %s, is_whole = %s, complete = %s,
        problems = ARRAY(SELECT DISTINCT unnest(problems || %s::text[])), unknown_elements = %s,
        unit_prices_off_basis = %s, batches_expected = %s
    WHERE content_sha256 = %s
"""


def address_key(source_url: str) -> str:
    """The key of an address in `file_addresses`: its SHA-256 in hexadecimal."""
    return hashlib.sha256(source_url.encode("utf-8", "surrogatepass")).hexdigest()


def add_files(cursor: Cursor, batches: Sequence[IngestBatch], store_keys: Mapping[str, int | None]) -> None:
    """Adds a line for each file, and its address, where there is none. `store_keys` by batch id."""
    files: dict[str, IngestBatch] = {}
    for batch in batches:
        files.setdefault(batch.content_sha256, batch)
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
    addresses = {(batch.content_sha256, address_key(batch.source_url)): batch for batch in batches}
    cursor.executemany(
        _ADD_ADDRESSES,
        [
            (sha, key, batch.source_url, batch.file, batch.discovered_at, batch.downloaded_at)
            for (sha, key), batch in sorted(addresses.items(), key=lambda entry: entry[0])
        ],
    )


def lock_files(cursor: Cursor, batches: Iterable[IngestBatch]) -> dict[str, Reading]:
    """Locks the files' rows until the commit; returns, by content hash, the reading that each row counts.

    Raises StoreMovedError if a row was deleted, so that the loader inserts it again.
    """
    files = {batch.content_sha256 for batch in batches}
    cursor.execute(_LOCK_FILES, (sorted(files),))
    counted = {sha: Reading(*line) for sha, *line in cursor.fetchall()}
    if counted.keys() != files:
        raise StoreMovedError("a file's row in the ledger was removed")
    return counted


def add_address(cursor: Cursor, file: FileDownloaded) -> None:
    """Inserts the address of a file that has a row, if it is new."""
    key = address_key(file.source_url)
    times = (file.discovered_at, file.downloaded_at)
    cursor.execute(_ADD_ADDRESSES, (file.content_sha256, key, file.source_url, file.file_name, *times))


def update_announcement(cursor: Cursor, batch: IngestBatch | FileDownloaded) -> None:
    """Updates the address and the times of a file that was announced again; its counts stay."""
    again = {
        "discovered_at": batch.discovered_at,
        "source_url": batch.source_url,
        "object_path": batch.s3_path,
        "address_key": address_key(batch.source_url),
        "file": batch.content_sha256,
    }
    cursor.execute(_ANNOUNCED_AGAIN, again)
    cursor.execute(_ADDRESS_AGAIN, again)


def count_batches(cursor: Cursor, new: NewBatches, later: Sequence[str] = ()) -> list[CompletedFile]:
    """Adds the batches' tallies to their files' lines; returns the files that are complete now. `later`: ids of
    batches that are entered, and not loaded yet.
    """
    return _count(cursor, new.entered, new.tallies, later)


def count_failed(cursor: Cursor, batch: IngestBatch, problem: str) -> None:
    """Counts a batch that could not be loaded; its file may thereby be completed, as incomplete. `problem` is
    added to the file's problems."""
    cursor.execute(_ADD_PROBLEM, {"code": problem, "file": batch.content_sha256})
    write_totals(cursor, [batch])
    _count(cursor, [batch], {batch.batch_id: Tally()}, ())


def _count(
    cursor: Cursor, batches: Sequence[IngestBatch], tallies: Mapping[str, Tally], later: Sequence[str]
) -> list[CompletedFile]:
    versions = {batch.content_sha256: batch.reader_version for batch in batches}
    sums = sorted(sum_by_file(batches, tallies).items())
    columns = zip(
        *(
            (
                sha,
                versions[sha],
                one.loaded,
                one.unchanged,
                one.stale,
                one.refused,
                one.levels.compared,
                one.levels.higher,
                one.levels.lower,
            )
            for sha, one in sums
        ),
        strict=True,
    )
    cursor.execute(_COUNT, [*(list(column) for column in columns), list(later)])
    completed = []
    for *line, compared, higher, lower, entered in cursor.fetchall():
        file = CompletedFile(*line)
        if entered != file.batches:
            continue
        completed.append(file)
        # Whether prices are on another scale than the store's last ones: known when all of them are counted.
        problem = price_level_problem(PriceLevels(compared, higher, lower))
        if problem is not None:
            logger.warning("%s: %s", file.content_sha256, problem.detail)
            cursor.execute(_ADD_PROBLEM, {"code": problem.code, "file": file.content_sha256})
    return completed


def write_totals(cursor: Cursor, batches: Iterable[IngestBatch]) -> None:
    """Writes the totals of whole files, which their last batches carry, in the order of arrival: the Count of a
    file is weighed against those of the chain's earlier files.
    """
    for batch in batches:
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
                totals.unit_prices_off_basis if totals else None,
                batch.sequence + 1,
                batch.content_sha256,
            ),
        )
