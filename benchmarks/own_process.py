"""Runs a piece of work in its own process and prints its figures, under any interpreter: standard library
only."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path


def most_memory() -> int:
    """The maximum resident memory of this process in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Unlike ru_maxrss, VmHWM does not include the parent process's memory before exec.
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text("ascii"))
    assert found is not None, "/proc/self/status has VmHWM"
    return int(found[1]) * 1024


def report(work: Callable[[], int]) -> None:
    """Does the work, which returns its number of items, and prints its figures as JSON."""
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
