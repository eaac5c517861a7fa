"""Writes the body of a download to a file, computes its hash and checks it as gzip."""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Final

from gogobe.io.fetching import Fetched
from gogobe.io.gzip_ends import MAGIC, GzipCheck

START_BYTES: Final = 512
# libcurl passes chunks of 16 kB. Hashing and writing each of them would make the threads of a worker wait for
# the interpreter's lock a dozen times a file.
PIECE_BYTES: Final = 1 << 20


class Body:
    """Collects the chunks of a body and processes them in pieces of 1 MiB, so memory does not grow with the
    file. `take` and `end` raise OSError if the file cannot be written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._chunks: list[bytes] = []
        self._held = 0
        self._digest = hashlib.sha256()
        self._gzip: GzipCheck | None = None
        self.size = 0
        self.start = b""

    def take(self, chunk: bytes) -> None:
        """Adds the next chunk."""
        self.size += len(chunk)
        self._held += len(chunk)
        self._chunks.append(chunk)
        if self._held >= PIECE_BYTES:
            self._write()

    def end(self) -> Fetched:
        """Writes the last piece and returns size and hash of the whole body."""
        self._write()
        self._file.flush()
        is_truncated = self._gzip is not None and self._gzip.is_truncated
        return Fetched(self.size, self._digest.hexdigest(), is_truncated=is_truncated)

    def _write(self) -> None:
        piece, self._chunks, self._held = b"".join(self._chunks), [], 0
        if not self.start:
            self.start = piece[:START_BYTES]
            self._gzip = GzipCheck() if piece.startswith(MAGIC) else None
        self._digest.update(piece)
        if self._gzip is not None:
            self._gzip.feed(piece)
        self._file.write(piece)
