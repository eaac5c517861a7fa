"""Cuts rows into the blocks that become batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gogobe.feeds.stream import Run
from gogobe.records.messages import encode
from gogobe.records.rows import BATCH_SIZE, Block, Promotion, RefusedRow

# A batch is one message, of 16 MB at most; each item of a promotion gets its offer yet.
BLOCK_BYTES: Final = 14 << 20
_OFFER_BYTES: Final = 100


class BlockCutter:
    """Cuts blocks of exactly 500 rows, or of fewer promotions that make 14 MB together.

    A block may have `most` refused rows; after them `full_at` is the number of rows of the file that it covers.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._rows: list[Any] = []
        self._refused: list[RefusedRow] = []
        self._bytes = 0
        self.full_at: int | None = None

    def add(self, run: Run) -> Iterator[Block]:
        """Takes rows; gives the blocks that are full by them."""
        self._refused += run.refused
        if run.rows and isinstance(run.rows[0], Promotion):
            for row in run.rows:
                yield from self._add_promotion(row)
        else:
            self._rows += run.rows
            while len(self._rows) >= BATCH_SIZE and not self._is_full(self._rows[BATCH_SIZE - 1].row):
                yield self._cut(BATCH_SIZE)
        if len(self._rows) < BATCH_SIZE:
            self._is_full(None)

    def _add_promotion(self, promotion: Promotion) -> Iterator[Block]:
        size = len(encode(promotion)) + _OFFER_BYTES * len(promotion.items)
        if self._rows and (len(self._rows) == BATCH_SIZE or self._bytes + size > BLOCK_BYTES):
            yield self._cut(len(self._rows))
            self._bytes = 0
        self._rows.append(promotion)
        self._bytes += size

    def _cut(self, size: int) -> Block:
        rows, self._rows = self._rows[:size], self._rows[size:]
        last = rows[-1].row
        refused = [row for row in self._refused if row.row <= last]
        self._refused = [row for row in self._refused if row.row > last]
        return Block(rows, refused)

    def _is_full(self, before: int | None) -> bool:
        if len(self._refused) <= self._most:
            return False
        first_over = self._refused[self._most].row
        if before is not None and first_over > before:
            return False
        self.full_at = first_over - 1
        self._rows = [row for row in self._rows if row.row < first_over]
        del self._refused[self._most :]
        return True

    def rest(self) -> Block | None:
        """The last block."""
        return Block(self._rows, self._refused) if self._rows or self._refused else None
