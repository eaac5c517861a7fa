"""The order of rows and files by time of publication, in Python and in SQL.

A mark is a time of publication and a `source_row`. The number consists of the file's rank (30 bits of a hash
of its content), the version of the reader (6 bits) and the row's place in its file (27 bits). So marks of
different rows practically never coincide, and the order does not depend on which file arrives first.

A file whose time of publication is not known counts as published when it was discovered, and its `source_row`
is negative. Marks are compared in two ways:

- Two rows of one code, `recency` and `RECENCY`: a row of known time is newer than any row of unknown time. So
  a file of unknown time never overwrites a row of known time.
- A row and a full file, `Mark` as a tuple and `MARK`: by time. A full file lists what its store had at that
  moment, so it ends an earlier row that it does not list, and does not affect a row that was published or
  discovered later.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final, LiteralString

from gogobe.records.messages import IngestBatch

Mark = tuple[datetime, int]
"""Time of publication (aware) and `source_row`: of a row, or of a file (its first `source_row`)."""

MARK: Final[LiteralString] = "({row}.published_at, {row}.source_row)"
"""The mark of a row in SQL; `{row}` is the table's alias."""

RECENCY: Final[LiteralString] = "({row}.source_row >= 0, {row}.published_at, {row}.source_row)"
"""`recency` of a row in SQL; `{row}` is the table's alias."""

_ROW_BITS: Final = 27
_VERSION_BITS: Final = 6
_RANK_BITS: Final = 30
_LAST_ROW: Final = (1 << _ROW_BITS) - 1
_UNKNOWN: Final = -(1 << 63)
ROWS_OF_A_FILE: Final = 1 << (_ROW_BITS + _VERSION_BITS)
"""The number of `source_row`s that all readings of a file share, counted from the first one of version 0."""


def recency(mark: Mark) -> tuple[bool, datetime, int]:
    """The sort key by which the newer of two rows of one code is found."""
    return mark[1] >= 0, *mark


def file_row_base(content_sha256: str, reader_version: int = 0, *, published_known: bool = True) -> int:
    """The first `source_row` of a reading of a file.

    The rank orders two files that were published at the same moment, the version two readings of one file.
    """
    digest = hashlib.blake2b(content_sha256.encode(), digest_size=8).digest()
    rank = int.from_bytes(digest, "big") >> (64 - _RANK_BITS)
    version = min(reader_version, (1 << _VERSION_BITS) - 1)
    base = (rank << _VERSION_BITS | version) << _ROW_BITS
    return base if published_known else base + _UNKNOWN


def mark_of(batch: IngestBatch) -> Mark:
    """The mark of the batch's file."""
    base = file_row_base(batch.content_sha256, batch.reader_version, published_known=batch.published_known)
    return batch.published_at, base


def row_in_file(source_row: int, content_sha256: str, *, published_known: bool) -> int | None:
    """The place in its file, from 1, of a row with this `source_row`; None for a row of another file."""
    offset = source_row - file_row_base(content_sha256, published_known=published_known)
    return offset & _LAST_ROW if 0 <= offset < ROWS_OF_A_FILE else None


def row_mark(file: Mark, row: int) -> Mark:
    """The mark of a row, given its file's mark and its place in the file, from 1."""
    return file[0], file[1] + min(row, _LAST_ROW)
