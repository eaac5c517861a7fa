"""Batches into the database, several to a commit; dead letters into their table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.transforms.window import GlobalWindows

from gogobe.database.address import Dsn
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader, LoadResult
from gogobe.records.messages import DeadLetter, IngestBatch
from gogobe.records.rows import BATCH_SIZE
from gogobe.transforms.dead_letters import failure
from gogobe.transforms.publish import batch_dead_letter
from gogobe.transforms.steps import step

STAGE: Final = "load"


class LoadBatches(beam.PTransform):
    """`IngestBatch` → `LoadResult`, one for each commit. A commit takes up to `commit_batches`, or as many rows
    as they hold where promotions list many items, and no batch waits longer than its bundle or
    `commit_seconds`: what is in a finished bundle is in the database."""

    def __init__(self, database: Dsn, commit_batches: int, commit_seconds: float) -> None:
        super().__init__()
        self._dofn = _Load(database, commit_batches, commit_seconds)

    def expand(self, batches: beam.PCollection[IngestBatch]) -> beam.pvalue.DoOutputsTuple:
        return batches | step("Commit", self._dofn, main="loaded", output=LoadResult)


class _Load(beam.DoFn):
    def __init__(self, database: Dsn, commit_batches: int, commit_seconds: float) -> None:
        self._database = database
        self._commit_batches = commit_batches
        self._commit_seconds = commit_seconds
        self._commits = Metrics.counter("gogobe.load", "commits")
        self._rows = Metrics.counter("gogobe.load", "rows")
        self._duplicates = Metrics.counter("gogobe.load", "duplicate_batches")
        self._milliseconds = Metrics.distribution("gogobe.load", "commit_milliseconds")

    def setup(self) -> None:
        self._loader = Loader(self._database)

    def start_bundle(self) -> None:
        self._waiting: list[IngestBatch] = []
        self._rows_waiting = 0
        self._since = time.monotonic()

    def process(self, batch: IngestBatch) -> Iterator[Any]:
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(batch)
        self._rows_waiting += max(rows_of(batch), BATCH_SIZE)
        late = time.monotonic() - self._since >= self._commit_seconds
        if late or self._rows_waiting >= self._commit_batches * BATCH_SIZE:
            result = self._commit()
            for letter in _failed(result):
                yield failure(letter)
            yield result

    def finish_bundle(self) -> Iterator[Any]:
        if not self._waiting:
            return
        result = self._commit()
        for letter in _failed(result):
            output = failure(letter)
            output.value = GlobalWindows.windowed_value(output.value)
            yield output
        yield GlobalWindows.windowed_value(result)

    def teardown(self) -> None:
        self._loader.close()

    def _commit(self) -> LoadResult:
        started = time.monotonic()
        batches, self._waiting, self._rows_waiting = self._waiting, [], 0
        result = self._loader.load(batches)
        self._commits.inc()
        self._rows.inc(result.rows)
        self._duplicates.inc(result.duplicate_batches)
        self._milliseconds.update(int((time.monotonic() - started) * 1000))
        return result


def rows_of(batch: IngestBatch) -> int:
    """How many rows of the database a batch comes to: items, stores, and the items of promotions."""
    return len(batch.items) + len(batch.stores) + sum(1 + len(one.items) for one in batch.promotions)


def _failed(result: LoadResult) -> list[DeadLetter]:
    return [batch_dead_letter(STAGE, one.batch, one.reason, one.detail, one.cause) for one in result.failed]


class RecordDeadLetters(beam.PTransform):
    """Dead letters into their table, a bundle at a time; seen again, a letter counts its attempts."""

    def __init__(self, database: Dsn) -> None:
        super().__init__()
        self._database = database

    def expand(self, letters: beam.PCollection[DeadLetter]) -> beam.PCollection[int]:
        return letters | "Record" >> beam.ParDo(_Record(self._database)).with_output_types(int)


class _Record(beam.DoFn):
    def __init__(self, database: Dsn) -> None:
        self._database = database

    def start_bundle(self) -> None:
        self._letters: list[DeadLetter] = []

    def process(self, letter: DeadLetter) -> None:
        self._letters.append(letter)

    def finish_bundle(self) -> None:
        if self._letters:
            record_dead_letters(self._database, self._letters)
