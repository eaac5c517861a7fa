"""Deduplication of a worker's writes: hashes of the rows that it has committed."""

from __future__ import annotations

from typing import Generic, TypeVar

Rows = TypeVar("Rows", set[int], dict[int, tuple[float, int]])


class _Sent(Generic[Rows]):
    """What one worker has committed, and what its current transaction adds, both empty at first.

    It is cleared when it would hold more than `limit` rows; they are then sent a second time, which has no
    effect.
    """

    def __init__(self, committed: Rows, pending: Rows, limit: int) -> None:
        self._committed: Rows = committed
        self._pending: Rows = pending
        self._limit = limit

    def commit(self) -> None:
        """Keeps what the current transaction has added."""
        if len(self._committed) + len(self._pending) > self._limit:
            self._committed.clear()
        self._committed |= self._pending
        self._pending.clear()

    def rollback(self) -> None:
        """Discards what the current transaction has added."""
        self._pending.clear()


class SentHashes(_Sent[set[int]]):
    """Hashes of the rows that one worker has committed."""

    def __init__(self, limit: int = 500_000) -> None:
        super().__init__(set(), set(), limit)

    def add(self, row_hash: int) -> bool:
        """Adds a hash to the current transaction; returns whether it is new."""
        if row_hash in self._committed or row_hash in self._pending:
            return False
        self._pending.add(row_hash)
        return True


class SentEvidence(_Sent[dict[int, tuple[float, int]]]):
    """The strongest evidence about each pair that one worker has committed: weaker evidence, of another store
    say, need not be sent."""

    def __init__(self, limit: int = 100_000) -> None:
        super().__init__({}, {}, limit)

    def add(self, pair: int, score: float, evidence: int) -> bool:
        """Adds evidence to the current transaction; returns whether it may be stronger than what was added
        before. `pair` and `evidence` are hashes; of two with one score the database decides."""
        known = self._pending.get(pair) or self._committed.get(pair)
        if known is not None and (score < known[0] or (score, evidence) == known):
            return False
        self._pending[pair] = score, evidence
        return True
