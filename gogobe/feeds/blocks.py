"""Cuts rows into the blocks that become batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gogobe.feeds.stream import Run
from gogobe.records.messages import encode
from gogobe.records.rows import BATCH_SIZE, Block, Promotion, RefusedRow

# The limit of a message is 16 MB. Each item of a promotion later gets its offer.
BLOCK_BYTES: Final = 14 << 20
_OFFER_BYTES: Final = 100


class BlockCutter:
    """Cuts blocks of exactly 500 rows, or of fewer promotions with a total size of 14 MB.

    A block has at most `max_refused` refused rows. At the first one beyond them, `full_at` is set to the
    number of rows of the file before it.
    """

    def __init__(self, max_refused: int) -> None:
        self._max_refused = max_refused
        self._rows: list[Any] = []
        self._refused: list[RefusedRow] = []
        self._bytes = 0
        self.full_at: int | None = None

    def add(self, run: Run) -> Iterator[Block]:
        """Adds rows and yields the blocks that they complete."""
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
        if len(self._refused) <= self._max_refused:
            return False
        first_over = self._refused[self._max_refused].row
        if before is not None and first_over > before:
            return False
        self.full_at = first_over - 1
        self._rows = [row for row in self._rows if row.row < first_over]
        del self._refused[self._max_refused :]
        return True

    def rest(self) -> Block | None:
        """The last block; None if no rows are left."""
        return Block(self._rows, self._refused) if self._rows or self._refused else None
