"""The result of a load, and the batches that could not be loaded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from gogobe.records.messages import IngestBatch

REFUSED: Final = "refused_by_database"


@dataclass(frozen=True)
class FailedBatch:
    """A batch that was not loaded. `reason`: `refused_by_database` (its data has no representation in the
    database), `chain_differs` (its ChainId belongs to another chain) or `internal_error` (the loader itself
    failed on it); `detail` is a sentence for people, `cause` the error."""

    batch: IngestBatch
    reason: str
    detail: str
    cause: str


@dataclass
class LoadResult:
    """The outcome of a load. Each row counts in one of these: `rows` (written: new or changed), `unchanged`
    (equal to the stored row), `stale` (older than the stored row), `refused` (by the reader).

    `batches` were loaded, `duplicate_batches` were in the ledger before. `ended`: prices and promotions that
    a complete file no longer lists.
    """

    batches: int = 0
    duplicate_batches: int = 0
    rows: int = 0
    unchanged: int = 0
    stale: int = 0
    refused: int = 0
    ended: int = 0
    files_completed: int = 0
    failed: list[FailedBatch] = field(default_factory=list)

    @property
    def changed_views(self) -> bool:
        """Whether a refresh may change a view. Also true for duplicate batches, because the refresh that was
        due after the first delivery may have been lost with its worker."""
        return self.batches > 0 or self.duplicate_batches > 0 or bool(self.failed)

    def add(self, other: LoadResult) -> None:
        """Adds the counts of another load."""
        self.batches += other.batches
        self.duplicate_batches += other.duplicate_batches
        self.rows += other.rows
        self.unchanged += other.unchanged
        self.stale += other.stale
        self.refused += other.refused
        self.ended += other.ended
        self.files_completed += other.files_completed
        self.failed += other.failed
