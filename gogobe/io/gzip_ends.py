"""Checks whether a gzip file is complete: checksum and length in the trailer of each member match its
content."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from isal import igzip, isal_zlib

MAGIC: Final = b"\x1f\x8b"
CHUNK_BYTES: Final = 1 << 20
# Larger content is not decompressed here; the reader bounds it.
MAX_BYTES: Final = 1 << 30


def is_truncated(file: Path) -> bool:
    """Whether a file that begins as gzip is truncated or does not match its trailer."""
    read = 0
    try:
        with igzip.open(file, "rb") as content:
            while read < MAX_BYTES and (chunk := content.read(CHUNK_BYTES)):
                read += len(chunk)
    except (EOFError, OSError, zlib.error, isal_zlib.error):
        return True
    return False
