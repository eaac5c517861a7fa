"""Loads the batches of many files, with as many in one transaction as the pipeline commits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gogobe.backfill.read import BatchReader
from gogobe.database.address import Dsn
from gogobe.database.load.loader import Loader
from gogobe.masters.codes.decisions import Decision
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch
from gogobe.records.rows import BATCH_SIZE
from gogobe.transforms import load, record
from gogobe.transforms.dead_letters import DeadLetters

# The maximum of dead letters in one commit, for bad files without rows.
MAX_LETTERS: Final = 100


@dataclass(frozen=True)
class LoadConfig:
    """The database, and the maximum of batches in one commit."""

    database: Dsn
    commit_batches: int


class Backfill:
    """Loads files one after the other. A context manager; its end without an exception commits the rest.

    Batches have the same ids as in the pipeline: a file that either has already loaded changes nothing. Every
    method raises the exceptions that make a runner retry: an unreachable database or object store.
    """

    def __init__(self, reader: BatchReader, config: LoadConfig, report: Callable[[DeadLetter], None]) -> None:
        """`report` is called with every dead letter after it is recorded."""
        self._reader = reader
        self._config = config
        self._report = report
        self._loading = DeadLetters(load.STAGE, reader.config.store)
        self._recording = DeadLetters(record.STAGE, reader.config.store)
        self._loader = Loader(config.database, chains=reader.config.chains)
        self._waiting = _Waiting()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            stack.callback(self._loader.close)
            if error is None:
                self._commit()

    def add(self, file: FileDownloaded, path: Path) -> None:
        """Reads the content of a file at `path` into batches, and commits when enough are waiting."""
        for output in self._reader.read(file, path):
            match output:
                case IngestBatch():
                    self._waiting.add(output)
                case DeadLetter():
                    self._waiting.letters.append(output)
                case decisions:
                    self._waiting.decisions += decisions
            rows, letters = self._waiting.rows, len(self._waiting.letters)
            if rows >= self._config.commit_batches * BATCH_SIZE or letters >= MAX_LETTERS:
                self._commit()

    def _commit(self) -> None:
        """Commits batches first: a letter in the table then implies that the loadable batches are loaded."""
        waiting, self._waiting = self._waiting, _Waiting()
        database = self._config.database
        _, failed = load.load_each(self._loader, waiting.batches, self._loading)
        failed += record.record_each(database, waiting.decisions, self._recording)
        letters = [*waiting.letters, *failed]
        record.record_letters(database, letters)
        for letter in letters:
            self._report(letter)


@dataclass
class _Waiting:
    """The content of the next commit."""

    batches: list[IngestBatch] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    rows: int = 0

    def add(self, batch: IngestBatch) -> None:
        self.batches.append(batch)
        self.rows += max(load.rows_of(batch), BATCH_SIZE)
