"""Files read, matched and committed one after the other, many batches in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from gogobe.chains.chain import Chains
from gogobe.database.address import Dsn
from gogobe.database.load.loader import Loader
from gogobe.io.objects import ObjectStore
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch
from gogobe.records.rows import BATCH_SIZE
from gogobe.transforms import load, parse, record
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.masters import locate_masters
from gogobe.transforms.match import BatchMatcher
from gogobe.transforms.outages import is_outage

MASTERS_EVERY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class BackfillConfig:
    """What files are loaded with, and into what. Large originals of dead letters go into `store`."""

    database: Dsn
    store: ObjectStore
    snapshots: SnapshotStore
    chains: Chains
    commit_batches: int


class Backfill:
    """Loads files one after the other; used in a `with`. What is not committed yet is when it ends without an
    error.

    `rows_read` counts the rows of all batches so far. The batches have the ids that the pipeline gives them: a
    file that was loaded before, by either, changes nothing. Every method raises what a step of the pipeline
    would raise for the runner to try again: the database or the object store out of reach.
    """

    def __init__(self, config: BackfillConfig, report: Callable[[DeadLetter], None]) -> None:
        """`report` gets every dead letter as it is recorded."""
        self._config = config
        self._report = report
        self._reading = DeadLetters(parse.STAGE, config.store)
        self._loading = DeadLetters(load.STAGE, config.store)
        self._recording = DeadLetters(record.STAGE, config.store)
        self._matcher = BatchMatcher(MASTERS_EVERY_SECONDS)
        self._loader = Loader(config.database)
        self._waiting = _Waiting()
        self.rows_read = 0

    def __enter__(self) -> Self:
        self._matcher.begin(locate_masters(self._config.snapshots))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with ExitStack() as stack:
            stack.callback(self._loader.close)
            if error is None:
                self._commit()

    def add(self, file: FileDownloaded, path: Path) -> None:
        """Reads the file's content at `path` into batches, and commits them where they are many enough."""
        self._matcher.refresh()
        for output in self._outputs(file, path):
            match output:
                case DeadLetter():
                    self._waiting.letters.append(output)
                case IngestBatch():
                    self._waiting.add(output)
                    self.rows_read += load.rows_of(output)
                case decisions:
                    self._waiting.decisions += decisions
            if self._waiting.rows >= self._config.commit_batches * BATCH_SIZE:
                self._commit()

    def _outputs(self, file: FileDownloaded, path: Path) -> Iterator[IngestBatch | list[Decision] | DeadLetter]:
        with path.open("rb") as source:
            try:
                yield from parse.FileReading(file, source, self._matcher, self._config.chains, self._reading)
            except Exception as error:
                if is_outage(error):
                    raise
                yield self._reading.internal_error(file, error)

    def _commit(self) -> None:
        """Batches first: a letter in the table then says that what could be loaded is."""
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
    """What the next commit takes."""

    batches: list[IngestBatch] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    letters: list[DeadLetter] = field(default_factory=list)
    rows: int = 0

    def add(self, batch: IngestBatch) -> None:
        self.batches.append(batch)
        self.rows += max(load.rows_of(batch), BATCH_SIZE)
