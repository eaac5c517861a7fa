"""Deduplication of a worker's writes: hashes of the rows that it has committed."""

from __future__ import annotations


class SentHashes:
    """Hashes of rows that one worker has committed.

    It is cleared when it would hold more than `limit` hashes; the rows are then sent a second time, which has
    no effect.
    """

    def __init__(self, limit: int = 500_000) -> None:
        self._limit = limit
        self._committed: set[int] = set()
        self._pending: set[int] = set()

    def add(self, row_hash: int) -> bool:
        """Adds a hash to the current transaction; returns whether it is new."""
        if row_hash in self._committed or row_hash in self._pending:
            return False
        self._pending.add(row_hash)
        return True

    def commit(self) -> None:
        """Keeps the hashes of the current transaction."""
        if len(self._committed) + len(self._pending) > self._limit:
            self._committed.clear()
        self._committed |= self._pending
        self._pending.clear()

    def rollback(self) -> None:
        """Discards the hashes of the current transaction."""
        self._pending.clear()


class SentEvidence:
    """The strongest evidence about each pair that one worker has committed: weaker evidence, of another store
    say, need not be sent. It is cleared when it would hold more than `limit` pairs."""

    def __init__(self, limit: int = 100_000) -> None:
        self._limit = limit
        self._committed: dict[int, tuple[float, int]] = {}
        self._pending: dict[int, tuple[float, int]] = {}

    def add(self, pair: int, score: float, evidence: int) -> bool:
        """Adds evidence to the current transaction; returns whether it may be stronger than what was added
        before. `pair` and `evidence` are hashes; of two with one score the database decides."""
        known = self._pending.get(pair) or self._committed.get(pair)
        if known is not None and (score < known[0] or (score, evidence) == known):
            return False
        self._pending[pair] = score, evidence
        return True

    def commit(self) -> None:
        """Keeps the evidence of the current transaction."""
        if len(self._committed) + len(self._pending) > self._limit:
            self._committed.clear()
        self._committed |= self._pending
        self._pending.clear()

    def rollback(self) -> None:
        """Discards the evidence of the current transaction."""
        self._pending.clear()
