"""The items of a batch to their masters, by the newest snapshot; what was decided by name is recorded.

A side input carries the address of the snapshots and the version that was current when the pipeline began. It
is not relied on for newer ones: Flink reads a side input once. So each process looks for a newer version
itself, between bundles and only so often, and takes it up while it works, on every runner alike.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from gogobe.database.address import Dsn
from gogobe.database.load.sent import Offered
from gogobe.database.review.pairs import record_decisions
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.published.watch import SnapshotWatch
from gogobe.masters.snapshot.files import Snapshot
from gogobe.records.messages import IngestBatch
from gogobe.transforms.masters import MastersAddress

DECISIONS: Final = "decisions"
KINDS: Final = ("gtin", "alias", "vector", "review", "new")


class BatchMatcher:
    """A DoFn's part that matches items. The open snapshot is shared by all DoFns of a process, and its memory,
    being mapped, by all processes of a machine; the resolver is this DoFn's own."""

    def __init__(self, every: float) -> None:
        """Look for a newer snapshot at most every so many seconds."""
        self._every = every
        self._shared = Shared()
        self._watch: SnapshotWatch | None = None
        self._resolver = Resolver()
        self._counters = {kind: Metrics.counter("gogobe.match", kind) for kind in KINDS}
        self._microseconds = Metrics.distribution("gogobe.match", "batch_microseconds")
        self._switches = Metrics.counter("gogobe.match", "snapshot_switches")
        self._failures = Metrics.counter("gogobe.match", "snapshot_failures")
        self._age = Metrics.gauge("gogobe.match", "snapshot_age_seconds")

    @property
    def version(self) -> str | None:
        """The snapshot in use, None where there is none."""
        return self._resolver.snapshot.version if self._resolver.snapshot is not None else None

    def begin(self, address: MastersAddress) -> None:
        """Tells where the snapshots are; the first time a process hears of it, it waits for the current one."""
        if self._watch is None:
            self._watch = self._shared.acquire(
                lambda: SnapshotWatch(address.store, self._every, address.version)
            )
            self.refresh()

    def refresh(self) -> None:
        """Takes up a newer snapshot where the process has one by now."""
        if self._watch is None:
            return
        snapshot = self._watch.latest()
        if snapshot is not self._resolver.snapshot:
            self._resolver = Resolver(snapshot)
        news = self._watch.news()
        self._switches.inc(news.switches)
        self._failures.inc(news.failures)
        if snapshot is not None:
            self._age.set(_age_seconds(snapshot))

    def match(self, batch: IngestBatch) -> list[Decision]:
        """Gives the batch's items their masters, in place; returns what was decided by their names."""
        if not batch.items:
            return []
        started = time.perf_counter_ns()
        counts = self._resolver.resolve(batch.chain_id, batch.items)
        self._microseconds.update((time.perf_counter_ns() - started) // 1000)
        for kind, counter in self._counters.items():
            if number := getattr(counts, kind):
                counter.inc(number)
        return counts.decisions


def _age_seconds(snapshot: Snapshot) -> int:
    return int((datetime.now(UTC) - datetime.fromisoformat(snapshot.manifest.created_at)).total_seconds())


class RecordDecisions(beam.PTransform):
    """Lists of `Decision` into the table of pairs, a bundle at a time; what this worker has recorded before,
    in another store's file say, is not sent again."""

    def __init__(self, database: Dsn) -> None:
        super().__init__()
        self._database = database

    def expand(self, decisions: beam.PCollection[list[Decision]]) -> beam.PCollection[int]:
        return decisions | "Record" >> beam.ParDo(_RecordDecisions(self._database)).with_output_types(int)


class _RecordDecisions(beam.DoFn):
    def __init__(self, database: Dsn) -> None:
        self._database = database
        self._recorded = Metrics.counter("gogobe.match", "decisions_recorded")

    def setup(self) -> None:
        self._offered = Offered()

    def start_bundle(self) -> None:
        self._offered.rollback()  # of a bundle that failed
        self._fresh: list[Decision] = []

    def process(self, decisions: list[Decision]) -> None:
        for one in decisions:
            # Without the score: it differs a little from store to store, with the price.
            pair = (one.chain_id, one.item_code, one.candidate_id, one.match, one.item_name)
            if not self._offered.is_known(hash(pair)):
                self._fresh.append(one)

    def finish_bundle(self) -> None:
        if self._fresh:
            record_decisions(self._database, self._fresh)
            self._offered.commit()
            self._recorded.inc(len(self._fresh))
