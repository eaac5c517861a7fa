"""Reads stored files again with the present reader: loads them, or only shows the changes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final, Literal

import msgspec

from gogobe.backfill.load import Backfill, LoadConfig
from gogobe.backfill.read import BatchReader
from gogobe.database.connection import Connection, connect
from gogobe.database.ledger_files import LedgerFile, files_of
from gogobe.database.load.preview import Changes, preview_file
from gogobe.database.views import refresh_views
from gogobe.feeds.batches import READER_VERSION
from gogobe.io.objects import ObjectStore, OutsideStoreError, content_key
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch

State = Literal["read", "loaded", "incomplete", "unchanged", "missing"]

# In the order of publication, because the history requires the older file first.
_STORED: Final = """
    SELECT content_sha256 FROM files
    WHERE chain = %(chain)s
      AND (%(since)s::timestamptz IS NULL OR published_at >= %(since)s)
      AND (%(until)s::timestamptz IS NULL OR published_at < %(until)s)
    ORDER BY published_at, content_sha256
"""


class Reread(msgspec.Struct):
    """The outcome of reading a stored file again. `unchanged`: this reader has read it before, and all of it
    is loaded; `missing`: the store does not have it; `read`: read for a preview; `loaded` and `incomplete`:
    its present state in the ledger. `reasons` are those of its dead letters."""

    file: str
    content_sha256: str
    reader_version: int | None
    state: State
    reasons: list[str] = []


def stored_files(
    connection: Connection, chain: str, since: datetime | None, until: datetime | None
) -> list[LedgerFile]:
    """The ledger's files of a chain that were published from `since` on and before `until` (aware; None: no
    bound), in the order of publication."""
    values = {"chain": chain, "since": since, "until": until}
    hashes = [row[0] for row in connection.execute(_STORED, values)]
    lines = {file.content_sha256: file for file in files_of(connection, hashes)}
    return [lines[sha] for sha in hashes]


class Rereader:
    """Reads stored files again. `show` is called with each file before it is read."""

    def __init__(self, reader: BatchReader, config: LoadConfig, show: Callable[[LedgerFile], None]) -> None:
        self._reader = reader
        self._config = config
        self._show = show

    def load(self, files: Sequence[LedgerFile]) -> list[Reread]:
        """Loads the files and refreshes the views. Raises errors of the database or the store; committed
        files stay, and a repeated call loads the rest."""
        results, reasons = list[Reread](), dict[str, list[str]]()

        def report(letter: DeadLetter) -> None:
            reasons.setdefault(letter.content_sha256 or "", []).append(letter.reason)

        with Backfill(self._reader, self._config, report) as backfill:
            for file, result, path in self._opened(files):
                results.append(result)
                if path is not None:
                    backfill.add(_downloaded(file, self._store, path), path)
        with connect(self._config.database) as connection:
            lines = {
                one.content_sha256: one for one in files_of(connection, [one.content_sha256 for one in results])
            }
        for result in results:
            result.reasons = reasons.get(result.content_sha256, [])
            if result.state == "read":
                line = lines[result.content_sha256]
                result.state = "loaded" if line.state == "loaded" else "incomplete"
                result.reader_version = line.reader_version
        refresh_views(self._config.database)
        return results

    def preview(self, files: Sequence[LedgerFile], most: int) -> tuple[list[Reread], Changes]:
        """The changes that loading each of the files would make in the present database, with up to `most`
        rows as examples. Nothing is changed. Raises errors of the database or the store."""
        results, changes = list[Reread](), Changes()
        with connect(self._config.database) as connection:
            for file, result, path in self._opened(files):
                results.append(result)
                if path is not None:
                    outputs = self._reader.read(_downloaded(file, self._store, path), path)
                    preview_file(connection, self._portions(outputs, result), most, changes)
        return results, changes

    def _portions(self, outputs: Iterator[object], result: Reread) -> Iterator[list[IngestBatch]]:
        """The batches in groups of one commit; the file's problems are added to the result."""

        def batches() -> Iterator[IngestBatch]:
            for output in outputs:
                if isinstance(output, IngestBatch):
                    yield output
                elif isinstance(output, DeadLetter):
                    result.reasons.append(output.reason)

        found = batches()
        while portion := list(islice(found, self._config.commit_batches)):
            yield portion

    @property
    def _store(self) -> ObjectStore:
        return self._reader.config.store

    def _opened(self, files: Sequence[LedgerFile]) -> Iterator[tuple[LedgerFile, Reread, Path | None]]:
        """Each file with its result and its content on this machine; None if it is not read."""
        for file in files:
            self._show(file)
            result = Reread(file.file, file.content_sha256 or "", file.reader_version, "read")
            if file.state == "loaded" and (file.reader_version or 0) >= READER_VERSION:
                result.state = "unchanged"
                yield file, result, None
                continue
            try:
                with _content(file, self._store) as path:
                    yield file, result, path
            except (FileNotFoundError, OutsideStoreError):
                if not self._store.is_reachable():
                    raise
                result.state = "missing"
                yield file, result, None


def _path(file: LedgerFile, store: ObjectStore) -> str:
    key = content_key(file.chain or "", file.content_sha256 or "", file.file)
    return file.object_path or store.path_of(key)


@contextmanager
def _content(file: LedgerFile, store: ObjectStore) -> Iterator[Path]:
    """The file on this machine, for the length of a `with`. Raises FileNotFoundError, OutsideStoreError."""
    source = store.open(_path(file, store))
    with source, tempfile.NamedTemporaryFile(prefix="gogobe-replay-") as copy:
        shutil.copyfileobj(source, copy, 1 << 20)
        copy.flush()
        yield Path(copy.name)


def _downloaded(file: LedgerFile, store: ObjectStore, path: Path) -> FileDownloaded:
    """The message of the file's original download, so that its times are interpreted in the same way."""
    assert file.discovered_at is not None
    assert file.downloaded_at is not None
    return FileDownloaded(
        chain=file.chain or "",
        s3_path=_path(file, store),
        content_sha256=file.content_sha256 or "",
        size=path.stat().st_size,
        source_url=file.source_url,
        file_name=file.file,
        discovered_at=file.discovered_at,
        downloaded_at=file.downloaded_at,
    )
