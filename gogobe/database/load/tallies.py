"""The batches that a transaction loads, and the outcomes of their rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gogobe.database.load.subjects import Subject, subject_of
from gogobe.feeds.price_level import PriceLevels
from gogobe.records.messages import IngestBatch


@dataclass
class Tally:
    """The number of a batch's rows by outcome; each row counts once.

    `loaded`: written, because new or changed; `unchanged`: equal to the stored row; `stale`: older than the
    stored row or than a full file; `refused`: by the reader. `levels`: comparison of newer prices with the
    store's previous ones.
    """

    loaded: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0
    levels: PriceLevels = field(default_factory=PriceLevels)

    def add(self, other: Tally) -> None:
        """Adds another tally to this one."""
        self.loaded += other.loaded
        self.unchanged += other.unchanged
        self.stale += other.stale
        self.refused += other.refused
        self.levels += other.levels


@dataclass
class NewBatches:
    """The batches that a transaction loads, because the ledger did not have them.

    `entered` is in the order of arrival and includes batches without rows that only end their file, which are
    entered as failed. `tallies` by batch id. `duplicates`: how many batches the ledger had before.
    """

    entered: list[IngestBatch] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)
    duplicates: int = 0

    @property
    def batches(self) -> list[IngestBatch]:
        """The batches with rows."""
        return [batch for batch in self.entered if not batch.is_aborted]

    def of_subject(self, subject: Subject) -> list[IngestBatch]:
        """The batches of prices or of promotions."""
        return [batch for batch in self.batches if subject_of(batch.kind) == subject]

    def part(self, batches: list[IngestBatch]) -> NewBatches:
        """Some of the batches, counted into the same tallies."""
        return NewBatches(batches, self.tallies)

    def tally(self, batch: IngestBatch) -> Tally:
        """The batch's tally."""
        return self.tallies[batch.batch_id]


def sum_by_file(batches: Iterable[IngestBatch], tallies: Mapping[str, Tally]) -> dict[str, Tally]:
    """The sums of the batches' tallies by content hash."""
    sums: dict[str, Tally] = {}
    for batch in batches:
        sums.setdefault(batch.content_sha256, Tally()).add(tallies[batch.batch_id])
    return sums
