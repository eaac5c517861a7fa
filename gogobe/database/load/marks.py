"""What orders rows: when their file was published, and within one moment a number drawn from file and row.

`source_row` has the file's rank (30 bits, drawn from its content), the version of the reader (6 bits) and the
row's place in its file (27 bits). It is negative for a file whose time of publication is not known: such a row
counts as older than any whose time is known, whatever its time of discovery says.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from gogobe.records.messages import IngestBatch

Mark = tuple[datetime, int]
"""When a file was published, and its first `source_row`: what orders the files of one store or chain."""

_ROW_BITS: Final = 27
_VERSION_BITS: Final = 6
_RANK_BITS: Final = 30
_LAST_ROW: Final = (1 << _ROW_BITS) - 1
_UNKNOWN: Final = -(1 << 63)
ROWS_OF_A_FILE: Final = 1 << (_ROW_BITS + _VERSION_BITS)
"""The `source_row`s of all readings of a file: so many from the first one of version 0 on."""


def file_row_base(content_sha256: str, reader_version: int = 0, *, published_known: bool = True) -> int:
    """The first `source_row` of a reading of a file. Of two files published at the same moment the same one
    wins whichever comes first; of two readings of a file the newer."""
    digest = hashlib.blake2b(content_sha256.encode(), digest_size=8).digest()
    rank = int.from_bytes(digest, "big") >> (64 - _RANK_BITS)
    version = min(reader_version, (1 << _VERSION_BITS) - 1)
    base = (rank << _VERSION_BITS | version) << _ROW_BITS
    return base if published_known else base + _UNKNOWN


def source_row(batch: IngestBatch, row: int) -> int:
    """A row's place among all rows of its moment of publication."""
    return mark_of(batch)[1] + min(row, _LAST_ROW)


def mark_of(batch: IngestBatch) -> Mark:
    """What orders the batch's file among the files of its store."""
    base = file_row_base(batch.content_sha256, batch.reader_version, published_known=batch.published_known)
    return batch.published_at, base


def recency(published_at: datetime, row: int) -> tuple[bool, datetime, int]:
    """What is compared to find the newer of two rows."""
    return row >= 0, published_at, row
