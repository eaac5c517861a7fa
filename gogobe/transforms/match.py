"""The items of a batch to their masters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.metrics import Metrics

from gogobe.masters.resolver import Resolver
from gogobe.messages import IngestBatch


class MatchItems(beam.PTransform):
    """`IngestBatch` → the same, each item with its `gtin`, `master_id`, `match` and `score`."""

    def expand(self, batches: Any) -> Any:
        return batches | beam.ParDo(_Match())


class _Match(beam.DoFn):
    def setup(self) -> None:
        self._resolver = Resolver()
        self._gtin = Metrics.counter("gogobe.match", "gtin")
        self._new = Metrics.counter("gogobe.match", "new")

    def process(self, batch: IngestBatch) -> Iterator[IngestBatch]:
        if batch.items:
            counts = self._resolver.resolve(batch.chain_id, batch.items)
            self._gtin.inc(counts.gtin)
            self._new.inc(counts.new)
        yield batch
