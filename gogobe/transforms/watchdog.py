"""A bound for code that may never return: the process ends, and prints the place in the code.

The timer is that of `faulthandler`, which runs in C and needs no interpreter lock: native code that holds the
lock cannot stop it. The runner starts another process and delivers the work again.
"""

from __future__ import annotations

import faulthandler
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

Output = TypeVar("Output")

# The file descriptor: `sys.stderr` may be replaced.
STANDARD_ERROR: Final = 2
LEAST_SECONDS: Final = 300.0
SECONDS_PER_MEGABYTE: Final = 30.0


def seconds_for(size: int) -> float:
    """The bound for one file by its size in bytes: many times what the slowest one needs."""
    return LEAST_SECONDS + SECONDS_PER_MEGABYTE * size / 1e6


class Watchdog:
    """Ends this process if a watched step takes too long. There is one timer for a process, so all instances
    share their deadlines: the first of them counts."""

    _lock: Final = threading.Lock()
    _deadlines: Final[dict[int, float]] = {}

    def watch(self, outputs: Iterable[Output], seconds: float) -> Iterator[Output]:
        """The outputs. Time counts only while they are made, not while the caller works with them."""
        iterator = iter(outputs)
        left = seconds
        try:
            while True:
                started = time.monotonic()
                self._set(started + left)
                output = next(iterator)
                self._set(None)
                left -= time.monotonic() - started
                yield output
        except StopIteration:
            return
        finally:
            self._set(None)

    def _set(self, deadline: float | None) -> None:
        with self._lock:
            if deadline is None:
                self._deadlines.pop(id(self), None)
            else:
                self._deadlines[id(self)] = deadline
            if self._deadlines:
                wait = max(0.001, min(self._deadlines.values()) - time.monotonic())
                faulthandler.dump_traceback_later(wait, exit=True, file=STANDARD_ERROR)
            else:
                faulthandler.cancel_dump_traceback_later()
