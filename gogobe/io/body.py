"""The body of a file on its way to the disk: hashed, checked as gzip and written."""

from __future__ import annotations

import hashlib
from typing import BinaryIO, Final

from gogobe.io.fetching import Fetched
from gogobe.io.gzip_ends import MAGIC, GzipCheck

START_BYTES: Final = 512
# What is taken comes in chunks of 16 kB. Work on each of them would let the threads of a worker wait for each
# other (the interpreter's lock) a dozen times a file, not once.
PIECE_BYTES: Final = 1 << 20


class Body:
    """Takes a body in chunks and writes it into `file` in pieces of a mebibyte; it holds no more than that.
    `take` and `end` raise OSError where the file cannot be written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._chunks: list[bytes] = []
        self._held = 0
        self._digest = hashlib.sha256()
        self._gzip: GzipCheck | None = None
        self.size = 0
        self.start = b""

    def take(self, chunk: bytes) -> None:
        """Takes the next chunk."""
        self.size += len(chunk)
        self._held += len(chunk)
        self._chunks.append(chunk)
        if self._held >= PIECE_BYTES:
            self._write()

    def end(self) -> Fetched:
        """Writes what is left; the size and the hash of the whole."""
        self._write()
        self._file.flush()
        is_cut = self._gzip is not None and self._gzip.is_cut
        return Fetched(self.size, self._digest.hexdigest(), is_cut=is_cut)

    def _write(self) -> None:
        piece, self._chunks, self._held = b"".join(self._chunks), [], 0
        if not self.start:
            self.start = piece[:START_BYTES]
            self._gzip = GzipCheck() if piece.startswith(MAGIC) else None
        self._digest.update(piece)
        if self._gzip is not None:
            self._gzip.feed(piece)
        self._file.write(piece)
