"""Files that kill or hang their worker process: attempts are counted outside of it, on the machine's disk.

While a process reads a file, the file's key is in a note that the process holds locked. A process that dies
leaves its note unlocked and not empty; the next process on the machine finds it and counts an attempt at that
file. A healthy file costs two small writes and a look for its count; no server is asked.

The folder must survive the worker process: that of TMPDIR does, unless a container loses its disk with the
process.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gogobe.feeds.batches import READER_VERSION

MOST_ATTEMPTS: Final = 3
# A file that is announced again after this time is tried again.
FORGOTTEN_SECONDS: Final = 86_400.0


def default_folder() -> Path:
    """The folder of this user below the machine's folder for temporary files."""
    return Path(tempfile.gettempdir(), f"gogobe-reading-{os.getuid()}")


class Attempts:
    """Attempts at reading files on this machine. One instance serves one thread; any number of instances, of
    any number of processes, share a folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or default_folder()
        self._counts = self._folder / "attempts"
        self._counts.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._note = self._folder / f"{uuid.uuid4().hex}.note"
        self._descriptor = os.open(self._note, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def close(self) -> None:
        """Removes the note of this instance."""
        self._note.unlink(missing_ok=True)
        os.close(self._descriptor)

    def collect(self) -> None:
        """Counts an attempt at each file that a process was reading when it died."""
        for note in self._folder.glob("*.note"):
            if note != self._note:
                self._collect(note)

    def count(self, sha256: str) -> int:
        """How many processes died while they read the file with this reader."""
        counter = self._counter(sha256)
        try:
            found = counter.stat()
        except FileNotFoundError:
            return 0
        if time.time() - found.st_mtime > FORGOTTEN_SECONDS:
            counter.unlink(missing_ok=True)
            return 0
        return found.st_size

    @contextlib.contextmanager
    def reading(self, sha256: str) -> Iterator[None]:
        """For the length of a `with` this process reads the file. An exception is an end like any other; a file
        that is read to its end is forgotten."""
        os.pwrite(self._descriptor, _key(sha256).encode(), 0)
        try:
            yield
            if self.count(sha256):
                self._counter(sha256).unlink(missing_ok=True)
        finally:
            os.ftruncate(self._descriptor, 0)

    def _collect(self, note: Path) -> None:
        try:
            descriptor = os.open(note, os.O_RDWR)
        except FileNotFoundError:
            return
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if key := os.pread(descriptor, 128, 0).decode("ascii"):
                with (self._counts / key).open("ab") as counter:
                    counter.write(b".")
            os.ftruncate(descriptor, 0)  # another process may have opened it before it is removed
            note.unlink(missing_ok=True)
        except BlockingIOError:
            pass  # its process lives
        finally:
            os.close(descriptor)

    def _counter(self, sha256: str) -> Path:
        return self._counts / _key(sha256)


def _key(sha256: str) -> str:
    """A file's name on this machine's disk, for this reader. A hash from a message may be any text."""
    return hashlib.sha256(f"{READER_VERSION} {sha256}".encode("utf-8", "surrogatepass")).hexdigest()


def poison_detail(name: str, attempts: int) -> str:
    """The sentence of the dead letter."""
    return (
        f"{name}: {attempts} worker processes died or hung while they read it. A later version of the reader "
        "tries it again when it is replayed, this one after a day"
    )
