"""Measures a piece of work in its own process, and the services of a running stack."""

from __future__ import annotations

import multiprocessing
import os
import platform
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final, TypeVar

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

State = TypeVar("State")
_SAMPLE_SECONDS: Final = 0.02
_MEGABYTE: Final = 1 << 20


class Figure(msgspec.Struct, frozen=True):
    """One line of a benchmark: the number of items, the median of the runs' items per second with the slowest
    and the fastest, and the maximum growth of the process's memory in MB."""

    what: str
    items: int
    per_second: float
    slowest: float
    fastest: float
    memory_mb: float


class Service(msgspec.Struct, frozen=True):
    """The usage of one service while it was watched: CPU seconds of all its processes, and the maximum memory
    (MB) of one of them."""

    name: str
    cpu_seconds: float
    memory_mb: float


class Report(msgspec.Struct):
    """A benchmark's result, as in its JSON file. `load_average` is the machine's at the start."""

    machine: str
    python: str
    cores: int
    load_average: float
    figures: list[Figure]
    ratios: dict[str, float] = {}
    services: list[Service] = []


def new_report() -> Report:
    """A report for this machine, without figures."""
    return Report(
        platform.machine(), platform.python_version(), os.cpu_count() or 0, round(os.getloadavg()[0], 2), []
    )


def measure(what: str, prepare: Callable[[], State], work: Callable[[State], int], runs: int = 3) -> Figure:
    """Runs `work` on the result of `prepare`, in a fresh process each time. Only `work` is measured; it
    returns its number of items."""
    context = multiprocessing.get_context("spawn")
    found: list[tuple[int, float, float]] = []
    for _ in range(runs):
        here, there = context.Pipe()
        process = context.Process(target=_run, args=(prepare, work, there))
        process.start()
        there.close()
        found.append(here.recv())
        process.join()
    speeds = [items / seconds for items, seconds, _ in found]
    memory = max(mb for _, _, mb in found)
    return Figure(what, found[0][0], statistics.median(speeds), min(speeds), max(speeds), memory)


def _run(prepare: Callable[[], State], work: Callable[[State], int], answer: Connection) -> None:
    state = prepare()
    with watched_memory() as peak:
        started = time.perf_counter()
        items = work(state)
        seconds = time.perf_counter() - started
    answer.send((items, seconds, peak.grown_mb))


@dataclass
class Peak:
    """The resident memory of a process in bytes: when the watch started, and its maximum since."""

    before: int
    most: int

    @property
    def grown_mb(self) -> float:
        return (self.most - self.before) / _MEGABYTE


@contextmanager
def watched_memory() -> Iterator[Peak]:
    """Samples this process's resident memory during a `with` block, fifty times a second."""
    process = psutil.Process()
    peak = Peak(process.memory_info().rss, 0)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            peak.most = max(peak.most, process.memory_info().rss)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()
        peak.most = max(peak.most, process.memory_info().rss, peak.before)


@dataclass
class ServiceWatch:
    """Watches the processes below each service's leader; `pids` has the leaders by name."""

    pids: dict[str, int]
    _memory: dict[str, int] = field(default_factory=dict)
    _cpu: dict[int, tuple[str, float, float]] = field(default_factory=dict)

    def look(self) -> None:
        """Takes a sample. A process that ends between two samples counts with its usage in the last one."""
        for name, pid in self.pids.items():
            with suppress(psutil.NoSuchProcess):
                leader = psutil.Process(pid)
                for process in (leader, *leader.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        self._see(name, process)

    def _see(self, name: str, process: psutil.Process) -> None:
        times = process.cpu_times()
        used = times.user + times.system
        _, first, _ = self._cpu.setdefault(process.pid, (name, used, used))
        self._cpu[process.pid] = name, first, used
        self._memory[name] = max(self._memory.get(name, 0), process.memory_info().rss)

    def services(self) -> list[Service]:
        """The usage of each service since the first sample."""
        return [
            Service(
                name,
                round(sum(last - first for owner, first, last in self._cpu.values() if owner == name), 1),
                round(self._memory.get(name, 0) / _MEGABYTE),
            )
            for name in self.pids
        ]


def show_figures(title: str, figures: Sequence[Figure], console: Console) -> None:
    """The figures as a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for column in ("items", "items/s (median)", "slowest", "fastest", "memory MB"):
        table.add_column(column, justify="right")
    for one in figures:
        numbers = (one.items, one.per_second, one.slowest, one.fastest, one.memory_mb)
        table.add_row(one.what, *(f"{number:,.0f}" for number in numbers))
    console.print(table)


def show_services(title: str, services: Sequence[Service], console: Console) -> None:
    """The usage of services as a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("service")
    table.add_column("CPU seconds", justify="right")
    table.add_column("memory MB (largest process)", justify="right")
    for one in services:
        table.add_row(one.name, f"{one.cpu_seconds:,.1f}", f"{one.memory_mb:,.0f}")
    console.print(table)


def write_json(file: Path, result: object) -> None:
    """Writes a result as JSON; creates the file's folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1))
