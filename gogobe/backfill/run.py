"""A whole backfill, with the outcome of every file."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, cast

import msgspec

from gogobe.backfill.describe import UndescribedFileError, describe
from gogobe.backfill.load import Backfill, LoadConfig
from gogobe.backfill.read import BatchReader, ReadConfig
from gogobe.backfill.sources import Source, SourceError, local_copy
from gogobe.database.address import Dsn
from gogobe.database.connection import connect
from gogobe.database.queries import FileLine, files_by_content
from gogobe.database.session import Session, session_of
from gogobe.database.views import refresh_views
from gogobe.feeds.batches import READER_VERSION
from gogobe.records.addresses import public_address
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch, encode

State = Literal["loaded", "unchanged", "read", "incomplete", "refused", "unreadable", "duplicate"]
GOOD: Final[frozenset[State]] = frozenset({"loaded", "unchanged", "read", "duplicate"})
FILES_AT_ONCE: Final = 1000


class FileProblem(msgspec.Struct, frozen=True):
    """Why a file, or a part of it (`place`), was not loaded: reason and detail of a dead letter."""

    reason: str
    detail: str
    place: str | None = None


class FileResult(msgspec.Struct):
    """The outcome of a file; the counts are those of its ledger line.

    `loaded`: all of it is in the database. `unchanged`: it was already loaded. `read`: all of it was read,
    and nothing was to be loaded. `incomplete`: a part is missing. `refused`: no row was accepted.
    `unreadable`: it cannot be read, or its chain is unknown. `duplicate`: another file of this run has the
    same bytes.
    """

    address: str
    file: str
    state: State = "refused"
    chain: str = ""
    store: str = ""
    kind: str = ""
    read: int = 0
    loaded: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0
    problems: list[FileProblem] = []


@dataclass(frozen=True)
class Choices:
    """The options of a backfill. `chain`: of all files; empty: the ChainId of each file. `in_place`: files
    are not put into the object store. `endpoint`: an S3 or GCS server other than the cloud's own."""

    chain: str = ""
    in_place: bool = False
    endpoint: str = ""


Show = Callable[[Source], None]
"""Called with each file before it is read."""


def load_files(
    sources: Sequence[Source], reader: BatchReader, config: LoadConfig, choices: Choices, show: Show
) -> list[FileResult]:
    """Loads files in their order and refreshes the views. A file that the ledger has as loaded by this reader
    or a newer one is not read again.

    Problems of a file are in its result. Raises errors of the database or the store; committed files stay,
    and a repeated call loads the rest.
    """
    outcomes = _Outcomes(sources, _time_of(config.database))
    with Backfill(reader, config, outcomes.report) as backfill, session_of(config.database) as session:
        for file, path in _described(outcomes, reader.config, choices, show):
            if not _is_loaded(session, file):
                backfill.add(file, path)
    outcomes.enter_counts(config.database)
    refresh_views(config.database)
    return outcomes.results


def _is_loaded(session: Session, file: FileDownloaded) -> bool:
    lines = session.run(lambda connection: files_by_content(connection, [file.content_sha256]))
    return any(
        line.state == "loaded" and (line.reader_version or 0) >= READER_VERSION for line in lines.values()
    )


def print_files(
    sources: Sequence[Source],
    reader: BatchReader,
    write: Callable[[bytes], object],
    choices: Choices,
    show: Show,
) -> list[FileResult]:
    """Writes the batches of the files in the form of their topic, one JSON object a line, and loads nothing.
    The state of a file is then `read`, or its problem."""
    outcomes = _Outcomes(sources, datetime.now(UTC))
    for file, path in _described(outcomes, reader.config, choices, show):
        for output in reader.read(file, path):
            if isinstance(output, IngestBatch):
                write(encode(output) + b"\n")
                outcomes.add_batch(output)
            elif isinstance(output, DeadLetter):
                outcomes.report(output)
    return outcomes.results


def _described(
    outcomes: _Outcomes, config: ReadConfig, choices: Choices, show: Show
) -> Iterator[tuple[FileDownloaded, Path]]:
    """Each distinct file of this run that can be described, with its path on this machine, which is valid
    until the next file."""
    at = datetime.now(UTC)
    store = None if choices.in_place else config.store
    with tempfile.TemporaryDirectory(prefix="gogobe-load-") as scratch:
        for source in outcomes.sources:
            show(source)
            try:
                with local_copy(source, Path(scratch), choices.endpoint) as path:
                    file = describe(source, path, chains=config.chains, store=store, at=at, chain=choices.chain)
                    if outcomes.is_new(source, file.content_sha256):
                        yield file, path
            except (SourceError, UndescribedFileError) as error:
                outcomes.cannot_read(source, error)


def _time_of(database: Dsn) -> datetime:
    """The database's current time, which the ledger uses, too."""
    with connect(database) as connection:
        row = connection.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    return cast("datetime", row[0])


class _Outcomes:
    """The results of a run, by address and, after a file is read, by content."""

    def __init__(self, sources: Sequence[Source], since: datetime) -> None:
        self.sources = sources
        self._since = since
        self._by_address = {
            address: FileResult(address, source.name)
            for source in sources
            if (address := public_address(source.address))
        }
        self._by_content: dict[str, FileResult] = {}

    @property
    def results(self) -> list[FileResult]:
        return list(self._by_address.values())

    def report(self, letter: DeadLetter) -> None:
        """Adds a dead letter to its file's result; a letter about no single file is only in the table."""
        if result := self._by_address.get(letter.source_url or ""):
            result.problems.append(FileProblem(letter.reason, letter.detail, letter.place))

    def add_batch(self, batch: IngestBatch) -> None:
        """Counts a batch that is printed and not loaded."""
        result = self._by_content[batch.content_sha256]
        result.chain, result.store, result.kind = batch.chain, batch.store_id, batch.kind
        if batch.totals is not None:
            result.state = "read" if batch.totals.complete else "incomplete"
            result.read, result.refused = batch.totals.read, batch.totals.refused

    def is_new(self, source: Source, content_sha256: str) -> bool:
        """Whether no previous file had the same bytes."""
        result = self._of(source)
        if self._by_content.setdefault(content_sha256, result) is not result:
            result.state = "duplicate"
        return result.state != "duplicate"

    def cannot_read(self, source: Source, error: Exception) -> None:
        result = self._of(source)
        result.state = "unreadable"
        why = error.why if isinstance(error, SourceError) else str(error)
        result.problems.append(FileProblem("unreadable", why))

    def enter_counts(self, database: Dsn) -> None:
        """Sets the counts of the run's files from the ledger."""
        hashes = list(self._by_content)
        with connect(database) as connection:
            for start in range(0, len(hashes), FILES_AT_ONCE):
                lines = files_by_content(connection, hashes[start : start + FILES_AT_ONCE])
                for content_sha256, line in lines.items():
                    self._enter(self._by_content[content_sha256], line)

    def _enter(self, result: FileResult, line: FileLine) -> None:
        before = line.completed_at is not None and line.completed_at < self._since
        result.state = ("unchanged" if before else "loaded") if line.state == "loaded" else "incomplete"
        result.chain, result.store, result.kind = line.chain, line.store_id, line.kind
        result.read, result.loaded, result.unchanged = line.read or 0, line.loaded, line.unchanged
        result.stale, result.refused = line.stale, line.refused

    def _of(self, source: Source) -> FileResult:
        return self._by_address[public_address(source.address)]
