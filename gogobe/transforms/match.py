"""The items of a batch to their masters, by the newest snapshot; what was decided by name is recorded.

A side input carries the address of the snapshots and the version that was current when the pipeline began. It
is not relied on for newer ones: Flink reads a side input once. So each process looks for a newer version
itself, between bundles and only so often, and takes it up while it works, on every runner alike.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from gogobe.io.objects import ObjectStore
from gogobe.masters.codes.decisions import Decision, MatchCounts
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.published.watch import SnapshotWatch
from gogobe.masters.snapshot.files import Snapshot
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch
from gogobe.records.rows import Item
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.masters import MastersAddress
from gogobe.transforms.outages import isolate

STAGE: Final = "match"
DECISIONS: Final = "decisions"
KINDS: Final = ("gtin", "alias", "vector", "review", "new")


@dataclass
class Unmatched:
    """The items of a file with which matching ended in an unforeseen error: their number, and the first one's
    row and error. No more are kept, because an error keeps alive what it was raised over."""

    count: int = 0
    first: tuple[int, Exception] | None = None

    def add(self, row: int, error: Exception) -> None:
        """Counts an item."""
        self.first = self.first or (row, error)
        self.count += 1

    def letter(self, file: FileDownloaded, store: ObjectStore) -> DeadLetter | None:
        """The file's dead letter about them; None where there are none."""
        if self.first is None:
            return None
        row, error = self.first
        effect = f"{self.count} of the file's items are loaded as new, without having been compared by name"
        return DeadLetters(STAGE, store).internal_error(file, error, effect, place=f"row {row}")


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
        """Takes the address of the snapshots; the first time in a process, waits for the current one."""
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
        changes = self._watch.changes()
        self._switches.inc(changes.switches)
        self._failures.inc(changes.failures)
        if snapshot is not None:
            self._age.set(_age_seconds(snapshot))

    def match(self, batch: IngestBatch, unmatched: Unmatched) -> list[Decision]:
        """Gives the batch's items their masters, in place; returns what was decided by their names.

        An item with which matching fails in an unforeseen way is counted in `unmatched`, and is `new` with the
        id of its own, so that its price is not lost.
        """
        if not batch.items:
            return []
        batch.masters_version = self.version
        started = time.perf_counter_ns()
        counts = match_items(self._resolver, batch.chain_id, batch.items, unmatched)
        self._microseconds.update((time.perf_counter_ns() - started) // 1000)
        for kind, counter in self._counters.items():
            if number := getattr(counts, kind):
                counter.inc(number)
        return counts.decisions


def match_items(resolver: Resolver, chain_id: str, items: list[Item], unmatched: Unmatched) -> MatchCounts:
    """Matches items of one chain in place, all at once; those with which that fails are found one by one."""
    counts = MatchCounts()

    def match(part: Sequence[Item]) -> None:
        found = resolver.resolve(chain_id, list(part))
        if not math.isfinite(sum(item.score for item in part)):
            raise ArithmeticError("a score that is no number")
        counts.add(found)

    def leave_new(item: Item, error: Exception) -> None:
        item.gtin, item.match, item.score = None, "new", 0.0
        item.master_id = computed_master_id(chain_id, item.item_code)
        counts.new += 1
        unmatched.add(item.row, error)

    isolate(items, match, leave_new)
    return counts


def _age_seconds(snapshot: Snapshot) -> int:
    return int((datetime.now(UTC) - datetime.fromisoformat(snapshot.manifest.created_at)).total_seconds())
