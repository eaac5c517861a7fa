"""Measuring one piece of work in a process of its own: seconds and peak memory."""

from __future__ import annotations

import json
import multiprocessing
import platform
import resource
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table


class Figure(msgspec.Struct, frozen=True):
    """One line of a benchmark: items, the median of the runs' items a second, their spread, and the peak
    memory in MB that the work added to its process."""

    what: str
    items: int
    per_second: float
    slowest: float
    fastest: float
    memory_mb: float


def measure(what: str, work: Callable[[], int], runs: int = 3) -> Figure:
    """Runs `work`, which returns how many items it did, in a fresh process each time."""
    context = multiprocessing.get_context("spawn")
    found = []
    for _ in range(runs):
        here, there = context.Pipe()
        process = context.Process(target=_run, args=(work, there))
        process.start()
        found.append(here.recv())
        process.join()
    speeds = sorted(items / seconds for items, seconds, _ in found)
    memory = max(mb for _, _, mb in found)
    return Figure(what, found[0][0], speeds[len(speeds) // 2], speeds[0], speeds[-1], memory)


def _run(work: Callable[[], int], answer: Connection) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    items = work()
    seconds = time.perf_counter() - started
    answer.send((items, seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024))


def show(title: str, figures: Sequence[Figure], file: Path) -> None:
    """Prints the figures as a table and writes them as JSON."""
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for column in ("items", "items/s (median)", "slowest", "fastest", "memory MB"):
        table.add_column(column, justify="right")
    for one in figures:
        numbers = (one.items, one.per_second, one.slowest, one.fastest, one.memory_mb)
        table.add_row(one.what, *(f"{number:,.0f}" for number in numbers))
    Console(width=120).print(table)
    file.parent.mkdir(parents=True, exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    file.write_text(json.dumps({**machine, "figures": msgspec.to_builtins(figures)}, indent=1), "utf-8")
