"""Whether a gzip file is whole: each member's checksum and length, in its trailer, fit its content."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Final

from isal import igzip, isal_zlib

MAGIC: Final = b"\x1f\x8b"
CHUNK_BYTES: Final = 1 << 20
# What would be larger is not decompressed here; the reader bounds it.
MOST_BYTES: Final = 1 << 30


def is_cut(file: Path) -> bool:
    """Whether a file that begins as gzip breaks off, or does not fit its trailer."""
    read = 0
    try:
        with igzip.open(file, "rb") as content:
            while read < MOST_BYTES and (chunk := content.read(CHUNK_BYTES)):
                read += len(chunk)
    except (EOFError, OSError, zlib.error, isal_zlib.error):
        return True
    return False
