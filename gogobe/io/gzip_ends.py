"""Checks whether a gzip file is complete: checksum and length in the trailer of each member match its
content."""

from __future__ import annotations

import zlib
from typing import Any, Final

from isal import isal_zlib

MAGIC: Final = b"\x1f\x8b"
CHUNK_BYTES: Final = 1 << 20
# Larger content is not decompressed here; the reader bounds it.
MAX_BYTES: Final = 1 << 30
_GZIP: Final = 16 + zlib.MAX_WBITS


class GzipCheck:
    """Decompresses a gzip file piece by piece, without keeping its content, to detect a truncated file."""

    def __init__(self) -> None:
        self._member: Any = None
        self._read = 0
        self._is_broken = False

    def feed(self, data: bytes) -> None:
        """Processes the next bytes of the file."""
        while data and not self._is_broken and self._read < MAX_BYTES:
            if self._member is None:
                data = data.lstrip(b"\0")  # padding between members, and after the last
                if not data:
                    return
                self._member = isal_zlib.decompressobj(_GZIP)
            try:
                self._read += len(self._member.decompress(data, CHUNK_BYTES))
            except (zlib.error, isal_zlib.error):
                self._is_broken = True
                return
            if self._member.eof:
                data, self._member = self._member.unused_data, None
            else:
                data = self._member.unconsumed_tail

    @property
    def is_truncated(self) -> bool:
        """Whether the file so far is truncated or does not match a trailer."""
        return self._is_broken or (self._member is not None and self._read < MAX_BYTES)
