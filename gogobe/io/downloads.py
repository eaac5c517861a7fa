"""Scheduling of downloads: many at once, each store's results in order, each host with a bounded share."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(eq=False)
class _Download(Generic[T]):
    key: str
    host: str
    work: Callable[[], T]
    outcome: Future[T] | None = None

    @property
    def done(self) -> bool:
        return self.outcome is not None and self.outcome.done()


class Downloads(Generic[T]):
    """Runs work in threads and gives its results: those of one key in the order of their submission, those of
    different keys as soon as they are there.

    At most `per_host` pieces of work of one host run at once, however many threads are free, so that a slow
    host leaves threads to the others. At most `pending` are submitted and not yet given back: `submit` blocks
    where more would be.

    What the work raises is raised when its result is due. One thread submits and takes the results.
    """

    def __init__(self, threads: int, per_host: int, pending: int) -> None:
        self._threads = threads
        self._per_host = per_host
        self._limit = pending
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="download")
        self._changed = threading.Condition()
        # In the order of submission: running, done but not first of its key, or waiting for its host's share.
        self._pending: list[_Download[T]] = []
        self._running: Counter[str] = Counter()

    def submit(self, key: str, host: str, work: Callable[[], T]) -> list[T]:
        """Takes work for the threads; returns the results that are due by now."""
        with self._changed:
            due = self._take_due()
            while len(self._pending) >= self._limit:
                self._changed.wait()
                due += self._take_due()
            self._pending.append(_Download(key, host, work))
            self._start()
        return due

    def finish(self) -> Iterator[T]:
        """The results of all that was submitted, each as soon as it is due."""
        while True:
            with self._changed:
                while not (due := self._take_due()) and self._pending:
                    self._changed.wait()
            if not due:
                return
            yield from due

    def abandon(self) -> None:
        """Forgets all that was submitted. Work that runs goes on to its end, and its result is dropped."""
        with self._changed:
            self._pending.clear()

    def close(self) -> None:
        """Abandons what is pending and waits for the work that runs."""
        self.abandon()
        self._pool.shutdown()

    def _take_due(self) -> list[T]:
        """Removes and returns the results before which no other of their key is pending."""
        blocked: set[str] = set()
        due: list[_Download[T]] = []
        for one in self._pending:
            if one.key not in blocked and one.done:
                due.append(one)
            else:
                blocked.add(one.key)
        self._pending = [one for one in self._pending if one not in due]
        return [one.outcome.result() for one in due if one.outcome is not None]

    def _start(self) -> None:
        """Gives free threads to what waits, in the order of submission; a host with its full share is passed
        over."""
        for one in self._pending:
            if self._running.total() >= self._threads:
                return
            if one.outcome is None and self._running[one.host] < self._per_host:
                self._running[one.host] += 1
                one.outcome = self._pool.submit(one.work)
                one.outcome.add_done_callback(partial(self._ended, one.host))

    def _ended(self, host: str, _: Future[T]) -> None:
        with self._changed:
            self._running[host] -= 1
            self._running += Counter()  # drops hosts with nothing running
            self._start()
            self._changed.notify_all()
