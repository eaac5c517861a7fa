"""Reads files of the store into batches of 500 rows, and matches their items to masters."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

import apache_beam as beam
import msgspec
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from gogobe.chains.chain import Chains
from gogobe.chains.load import load_chains
from gogobe.feeds.batches import aborted_batch, cut_batches
from gogobe.feeds.clock import Clock
from gogobe.feeds.problems import NOTICES, Problem
from gogobe.feeds.reader import FeedReader
from gogobe.feeds.summary import FeedSummary
from gogobe.io.objects import ObjectStore, OutsideStoreError
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import POISON, DeadLetter, FileDownloaded, IngestBatch
from gogobe.transforms.dead_letters import DeadLetters, failure
from gogobe.transforms.masters import LocateMasters, MastersAddress
from gogobe.transforms.match import DECISIONS, BatchMatcher, Unmatched
from gogobe.transforms.outages import is_outage
from gogobe.transforms.poison import MOST_ATTEMPTS, Attempts, poison_detail
from gogobe.transforms.steps import step
from gogobe.transforms.watchdog import Watchdog, seconds_for

STAGE: Final = "parse"


def open_file(file: FileDownloaded, store: ObjectStore) -> BinaryIO:
    """The bytes of a file: from this machine if `local_path` is a file of the store, otherwise from the
    store. Raises OutsideStoreError, FileNotFoundError, one of `store_errors()`."""
    local = store.local_file(file.local_path)
    if local is not None and local.stat().st_size == file.size:
        return local.open("rb")
    return store.open(file.s3_path)


def one_per_code(problems: Iterable[Problem]) -> list[Problem]:
    """The problems of a file, one for each code, because a file has one dead letter for each reason: the
    first of the code, with the details of all."""
    found: dict[str, Problem] = {}
    for problem in problems:
        first = found.setdefault(problem.code, problem)
        if problem.detail not in first.detail:
            found[problem.code] = msgspec.structs.replace(first, detail=f"{first.detail}; {problem.detail}")
    return list(found.values())


class FileReading:
    """Reads one file into batches of 500 rows, with a master for each item. Can be iterated over once.

    Yields the batches in order; after each batch the decisions made by name in it; at the end the dead
    letters for problems of reading or matching. An unexpected exception is raised; if batches were yielded
    before, a batch that ends the file as incomplete precedes it.
    """

    def __init__(
        self,
        file: FileDownloaded,
        source: BinaryIO,
        matcher: BatchMatcher,
        chains: Chains,
        letters: DeadLetters,
    ) -> None:
        self._file = file
        self._reader = FeedReader(source, file.file_name, clock=Clock(file.downloaded_at))
        self._matcher = matcher
        self._chains = chains
        self._letters = letters

    @property
    def summary(self) -> FeedSummary:
        """The reader's summary so far."""
        return self._reader.summary

    def __iter__(self) -> Iterator[IngestBatch | list[Decision] | DeadLetter]:
        unmatched = Unmatched()
        yielded: IngestBatch | None = None
        try:
            for batch in cut_batches(self._reader, self._file, self._chains):
                decisions = self._matcher.match(batch, unmatched)
                yield batch
                yielded = batch
                if decisions:
                    yield decisions
        except Exception as error:
            if yielded is not None and not yielded.last and not is_outage(error):
                yield aborted_batch(yielded, self.summary)
            raise
        for problem in one_per_code(
            problem for problem in self.summary.problems if problem.code not in NOTICES
        ):
            yield self._letters.letter(self._file, problem.code, problem.detail, place=problem.place)
        if letter := unmatched.letter(self._file, self._letters.store):
            yield letter


class ParseAndMatch(beam.PTransform):
    """`FileDownloaded` → `IngestBatch`es of exactly 500 rows except the last, each item with its `gtin`,
    `master_id`, `match` and `score`. Problems of a file are dead letters, in addition to its readable rows.
    Decisions made by name are in the output `DECISIONS`, as lists of `Decision`.

    Reading and matching are one step, because the address of the snapshots is a side input, and no runner
    fuses a step that has one with the step before it. Between two steps each batch would be encoded, sent
    through the runner and decoded, and two of them would end a bundle and so a commit. It also respects
    Beam's rule that a step does not mutate its input: the items belong to this step until they are matched.
    """

    def __init__(
        self,
        store: ObjectStore,
        snapshots: SnapshotStore,
        masters_every: float,
        chains: Chains | None = None,
    ) -> None:
        """`chains` determine which chain a file may belong to; None: the bundled ones."""
        super().__init__()
        self._snapshots = snapshots
        self._dofn = _ParseAndMatch(store, masters_every, load_chains() if chains is None else chains)

    def expand(self, files: beam.PCollection[FileDownloaded]) -> beam.pvalue.DoOutputsTuple:
        masters = files.pipeline | "Masters" >> LocateMasters(self._snapshots)
        return files | step(
            "Cut into batches",
            self._dofn,
            beam.pvalue.AsSingleton(masters),
            main="batches",
            output=IngestBatch,
            **{DECISIONS: list[Decision]},
        )


class _ParseAndMatch(beam.DoFn):
    def __init__(self, store: ObjectStore, masters_every: float, chains: Chains) -> None:
        self._store = store
        self._chains = chains
        self._letters = DeadLetters(STAGE, store)
        self._matcher = BatchMatcher(masters_every)
        self._files = Metrics.counter("gogobe.parse", "files")
        self._rows = Metrics.counter("gogobe.parse", "rows")
        self._refused = Metrics.counter("gogobe.parse", "refused")
        self._milliseconds = Metrics.distribution("gogobe.parse", "file_milliseconds")

    def setup(self) -> None:
        self._attempts = Attempts()
        self._watchdog = Watchdog()

    def start_bundle(self) -> None:
        self._matcher.refresh()
        self._attempts.collect()

    def teardown(self) -> None:
        self._attempts.close()

    def process(self, file: FileDownloaded, masters: MastersAddress) -> Iterator[IngestBatch | TaggedOutput]:
        yield from self._letters.guard(file, self._read(file, masters))

    def _read(self, file: FileDownloaded, masters: MastersAddress) -> Iterator[IngestBatch | TaggedOutput]:
        self._matcher.begin(masters)
        try:
            source = open_file(file, self._store)
        except OutsideStoreError as error:
            yield failure(self._letters.letter(file, "outside_store", str(error)))
            return
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            if not self._store.is_reachable():
                raise
            detail = f"{file.s3_path} is not in the store; announce {file.source_url} again ({error})"
            yield failure(self._letters.letter(file, "missing_object", detail))
            return
        with source:
            if (attempts := self._attempts.count(file.content_sha256)) >= MOST_ATTEMPTS:
                detail = poison_detail(file.file_name, attempts)
                yield failure(self._letters.letter(file, POISON, detail, attempts=attempts))
                return
            with self._attempts.reading(file.content_sha256):
                yield from self._parse(file, source)

    def _parse(self, file: FileDownloaded, source: BinaryIO) -> Iterator[IngestBatch | TaggedOutput]:
        started = time.monotonic()
        reading = FileReading(file, source, self._matcher, self._chains, self._letters)
        for output in self._watchdog.watch(reading, seconds_for(file.size)):
            match output:
                case IngestBatch():
                    yield output
                case DeadLetter():
                    yield failure(output)
                case decisions:
                    yield TaggedOutput(DECISIONS, decisions)
        self._files.inc()
        self._rows.inc(reading.summary.read)
        self._refused.inc(reading.summary.refused)
        self._milliseconds.update(int((time.monotonic() - started) * 1000))
