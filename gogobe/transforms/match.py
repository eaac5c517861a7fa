"""Matches the items of a batch to masters by the newest snapshot, and returns the decisions made by name.

A side input has the address of the snapshots and the version that was current when the pipeline started. It
does not deliver newer versions: Flink reads a side input once. Each process therefore checks for a newer
version itself, between bundles at a limited rate, and switches to it while it runs, on every runner.
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
    """The items of a file whose matching raised an unexpected exception: their number, and row and exception
    of the first. Only one is kept, because an exception keeps all objects of its traceback alive."""

    count: int = 0
    first: tuple[int, Exception] | None = None

    def add(self, row: int, error: Exception) -> None:
        """Counts an item."""
        self.first = self.first or (row, error)
        self.count += 1

    def letter(self, file: FileDownloaded, store: ObjectStore) -> DeadLetter | None:
        """The dead letter of the file about these items; None without any."""
        if self.first is None:
            return None
        row, error = self.first
        effect = f"{self.count} of the file's items are loaded as new, without having been compared by name"
        return DeadLetters(STAGE, store).internal_error(file, error, effect, place=f"row {row}")


class BatchMatcher:
    """The part of a DoFn that matches items. All DoFns of a process share the open snapshot; all processes of
    a machine share its memory, which is mapped. The resolver belongs to this DoFn."""

    def __init__(self, every: float) -> None:
        """`every`: minimum of seconds between two checks for a newer snapshot."""
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
        """The version of the snapshot in use; None without one."""
        return self._resolver.snapshot.version if self._resolver.snapshot is not None else None

    def begin(self, address: MastersAddress) -> None:
        """Sets the address of the snapshots. The first call in a process waits for the current one."""
        if self._watch is None:
            self._watch = self._shared.acquire(
                lambda: SnapshotWatch(address.store, self._every, address.version)
            )
            self.refresh()

    def refresh(self) -> None:
        """Switches to a newer snapshot if the process has one."""
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
        """Sets the masters of the batch's items, in place. Returns the decisions made by name.

        An item whose matching raises an unexpected exception is counted in `unmatched`, and becomes `new`
        with its own id, so that its price is not lost.
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
    """Matches items of one chain in place, all at once. If that fails, the failing items are isolated one by
    one."""
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
