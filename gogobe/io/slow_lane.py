"""The slow lane: downloads that no bundle waits for. They run, or are queued by host."""

from __future__ import annotations

from collections import deque
from typing import Final, Generic

from gogobe.io.download_work import Download, Message, Postponed, Value
from gogobe.io.hosts import Host

LATER_SECONDS: Final = 30.0


class SlowLane(Generic[Message, Value]):
    """Up to `threads` downloads run in it, and up to `backlog` are in it. Not thread-safe: the scheduler locks.

    Nothing is lost when the process ends: the files are in the retry queue.
    """

    def __init__(self, threads: int, backlog: int) -> None:
        self._threads = threads
        self._backlog = backlog
        self._running = 0
        self._all: dict[bytes, Download[Message, Value]] = {}
        self._queues: dict[str, deque[Download[Message, Value]]] = {}

    def __contains__(self, identity: bytes) -> bool:
        return identity in self._all

    @property
    def is_full(self) -> bool:
        """Whether all threads are busy."""
        return self._running >= self._threads

    @property
    def hosts(self) -> list[str]:
        """The hosts with queued downloads, in the order of their turns."""
        return list(self._queues)

    def has_queue(self, host: str) -> bool:
        """Whether downloads are queued for a host."""
        return host in self._queues

    def join(self, one: Download[Message, Value], host: Host) -> Postponed:
        """Adds a download that is running or has not started; cancels it if there is no room."""
        has_room = len(self._all) < self._backlog if one.started is None else not self.is_full
        if not has_room:
            one.ticket.is_cancelled = True
            return Postponed("busy", LATER_SECONDS + host.backlog_seconds())
        one.ticket.is_left = True
        self._all[one.identity] = one
        host.left += 1
        if one.started is None:
            self._queues.setdefault(one.host, deque()).append(one)
        else:
            self._running += 1
        return postponed(host)

    def next_of(self, host: str) -> Download[Message, Value]:
        """Removes and returns the next queued download of a host, which goes behind the other hosts."""
        queue = self._queues.pop(host)
        one = queue.popleft()
        if queue:
            self._queues[host] = queue
        self._running += 1
        return one

    def end(self, one: Download[Message, Value], host: Host) -> None:
        """Removes a download that has ended."""
        self._running -= 1
        host.left -= 1
        del self._all[one.identity]

    def drop(self, name: str, host: Host) -> None:
        """Removes the queued downloads of a host; their files are in the retry queue."""
        for one in self._queues.pop(name, ()):
            del self._all[one.identity]
            host.left -= 1


def postponed(host: Host) -> Postponed:
    """The result for a download in the slow lane: it is announced again when its host's backlog should be
    finished."""
    return Postponed("slow", LATER_SECONDS + 1.5 * host.backlog_seconds())
