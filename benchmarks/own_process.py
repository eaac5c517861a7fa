"""One piece of work in a process that is its own, whichever interpreter runs it: nothing but the standard
library is needed here."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def most_memory() -> int:
    """The most resident memory, in bytes, that this process has had since it began."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Unlike ru_maxrss it does not count what the process that started us held.
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("ascii"))
    assert found is not None, "/proc/self/status has VmHWM"
    return int(found[1]) * 1024


def report(work: Callable[[], int]) -> None:
    """Does the work, which returns how many items it did, and prints its figures as JSON."""
    started, cpu = time.perf_counter(), time.process_time()
    items = work()
    figures = {
        "items": items,
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "memory": most_memory(),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    report(lambda: 0)
