"""Loads batches into the database, several in one commit."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final, Never

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.chains.chain import Chains
from gogobe.chains.load import load_chains
from gogobe.database.address import Dsn
from gogobe.database.connection import WORKER_ATTEMPTS
from gogobe.database.load.loader import Loader, LoadResult
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DeadLetter, IngestBatch
from gogobe.records.rows import BATCH_SIZE
from gogobe.transforms.dead_letters import DeadLetters, failure
from gogobe.transforms.outages import is_outage, isolate
from gogobe.transforms.steps import step, windowed

STAGE: Final = "load"


class LoadBatches(beam.PTransform):
    """`IngestBatch` → `LoadResult`, one for each commit. A commit has up to `commit_batches` batches, or
    fewer if their promotions list many items. A batch waits no longer than the end of its bundle, and at most
    `commit_seconds`: all batches of a finished bundle are in the database."""

    def __init__(
        self,
        database: Dsn,
        store: ObjectStore,
        commit_batches: int,
        commit_seconds: float,
        chains: Chains | None = None,
    ) -> None:
        """`chains` determine which chain may write under which ChainId; None: the bundled ones."""
        super().__init__()
        letters = DeadLetters(STAGE, store)
        known = load_chains() if chains is None else chains
        self._dofn = _Load(database, letters, commit_batches, commit_seconds, known)

    def expand(self, batches: beam.PCollection[IngestBatch]) -> beam.pvalue.DoOutputsTuple:
        return batches | step("Commit", self._dofn, main="loaded", output=LoadResult)


class _Load(beam.DoFn):
    def __init__(
        self, database: Dsn, letters: DeadLetters, commit_batches: int, commit_seconds: float, chains: Chains
    ) -> None:
        self._database = database
        self._chains = chains
        self._letters = letters
        self._commit_batches = commit_batches
        self._commit_seconds = commit_seconds
        self._commits = Metrics.counter("gogobe.load", "commits")
        self._rows = Metrics.counter("gogobe.load", "rows")
        self._duplicates = Metrics.counter("gogobe.load", "duplicate_batches")
        self._milliseconds = Metrics.distribution("gogobe.load", "commit_milliseconds")

    def setup(self) -> None:
        self._loader = Loader(self._database, chains=self._chains, attempts=WORKER_ATTEMPTS)

    def start_bundle(self) -> None:
        self._waiting: list[IngestBatch] = []
        self._rows_waiting = 0
        self._since = time.monotonic()

    def process(self, batch: IngestBatch) -> Iterator[LoadResult | TaggedOutput]:
        yield from self._letters.guard(batch, self._add(batch))
        late = time.monotonic() - self._since >= self._commit_seconds
        if self._waiting and (late or self._rows_waiting >= self._commit_batches * BATCH_SIZE):
            yield from self._commit()

    def _add(self, batch: IngestBatch) -> Iterator[Never]:
        self._rows_waiting += max(rows_of(batch), BATCH_SIZE)
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append(batch)
        yield from ()

    def finish_bundle(self) -> Iterator[WindowedValue | TaggedOutput]:
        if self._waiting:
            yield from map(windowed, self._commit())

    def teardown(self) -> None:
        self._loader.close()

    def _commit(self) -> Iterator[LoadResult | TaggedOutput]:
        started = time.monotonic()
        batches, self._waiting, self._rows_waiting = self._waiting, [], 0
        result, letters = load_each(self._loader, batches, self._letters)
        self._commits.inc()
        self._rows.inc(result.rows)
        self._duplicates.inc(result.duplicate_batches)
        self._milliseconds.update(int((time.monotonic() - started) * 1000))
        yield from map(failure, letters)
        yield result


def load_each(
    loader: Loader, batches: Sequence[IngestBatch], letters: DeadLetters
) -> tuple[LoadResult, list[DeadLetter]]:
    """Loads batches in as few transactions as possible. Returns a dead letter for each batch that the
    database refuses, or whose loading raises an unexpected exception."""
    result = LoadResult()
    failed: list[DeadLetter] = []

    def load(part: Sequence[IngestBatch]) -> None:
        result.add(loader.load(part))

    def give_up(batch: IngestBatch, error: Exception) -> None:
        try:
            result.add(loader.fail(batch, error))
        except Exception as second:  # the ledger refuses it as well
            if is_outage(second):
                raise
            failed.append(letters.internal_error(batch, error))

    isolate(batches, load, give_up)
    refused = [letters.letter(one.batch, one.reason, one.detail, cause=one.cause) for one in result.failed]
    return result, refused + failed


def rows_of(batch: IngestBatch) -> int:
    """The number of database rows of a batch: items, stores, and the items of promotions."""
    return len(batch.items) + len(batch.stores) + sum(1 + len(one.items) for one in batch.promotions)
