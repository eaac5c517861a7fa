"""A pool of daemon threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue


class Threads:
    """Threads that are created on demand and kept. A process does not wait for them at its end, unlike for
    the threads of an executor."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._count = 0
        self._busy = 0
        self._lock = threading.Lock()

    def run(self, work: Callable[[], None]) -> None:
        """Runs some work in a free thread, or in a new one."""
        with self._lock:
            self._busy += 1
            if self._busy > self._count:
                self._count += 1
                threading.Thread(target=self._serve, name="download", daemon=True).start()
        self._work.put(work)

    def close(self) -> None:
        """Ends each thread after its current work."""
        for _ in range(self._count):
            self._work.put(None)

    def _serve(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            with self._lock:
                self._busy -= 1
