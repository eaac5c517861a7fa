"""What has been sent to the database already."""

from __future__ import annotations


class Offered:
    """What one worker has already committed, so that a chain's next store does not send the same again.

    Holds hashes only; at `limit` of them it starts anew, which costs a second sending and nothing else.
    """

    def __init__(self, limit: int = 500_000) -> None:
        self._limit = limit
        self._committed: set[int] = set()
        self._pending: set[int] = set()

    def is_known(self, what: int) -> bool:
        """Whether this (a hash of it) has been offered before; if not, it is from the next commit on."""
        if what in self._committed or what in self._pending:
            return True
        self._pending.add(what)
        return False

    def commit(self) -> None:
        """What was offered is in the database."""
        if len(self._committed) + len(self._pending) > self._limit:
            self._committed.clear()
        self._committed |= self._pending
        self._pending.clear()

    def rollback(self) -> None:
        """What was offered is not in the database."""
        self._pending.clear()
