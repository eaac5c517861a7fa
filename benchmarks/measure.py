"""Measuring one piece of work in a process of its own, and a running stack's services."""

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
    """One line of a benchmark: items, the median of the runs' items a second with their slowest and fastest,
    and by how many MB the work made its process grow, at most."""

    what: str
    items: int
    per_second: float
    slowest: float
    fastest: float
    memory_mb: float


class Service(msgspec.Struct, frozen=True):
    """What one service used while it was watched: CPU seconds of all its processes, and the most memory (MB)
    that one of them held."""

    name: str
    cpu_seconds: float
    memory_mb: float


class Report(msgspec.Struct):
    """A benchmark's result as its JSON file holds it. `load_average` is the machine's when it began."""

    machine: str
    python: str
    cores: int
    load_average: float
    figures: list[Figure]
    ratios: dict[str, float] = {}
    services: list[Service] = []


def new_report() -> Report:
    """A report on this machine, without figures yet."""
    return Report(
        platform.machine(), platform.python_version(), os.cpu_count() or 0, round(os.getloadavg()[0], 2), []
    )


def measure(what: str, prepare: Callable[[], State], work: Callable[[State], int], runs: int = 3) -> Figure:
    """Runs `work` on what `prepare` has made, in a fresh process each time; only `work`, which returns how many
    items it did, is measured."""
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
    """The memory a process held when the watch began, and the most it held since, in bytes."""

    before: int
    most: int

    @property
    def grown_mb(self) -> float:
        return (self.most - self.before) / _MEGABYTE


@contextmanager
def watched_memory() -> Iterator[Peak]:
    """Watches this process's resident memory for the length of a `with`, fifty times a second."""
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
    """Watches the processes below each service's leader; `pids` are the leaders' by name."""

    pids: dict[str, int]
    _memory: dict[str, int] = field(default_factory=dict)
    _cpu: dict[int, tuple[str, float, float]] = field(default_factory=dict)

    def look(self) -> None:
        """Takes a sample; a process that ends between two samples counts with what it had used in the last."""
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
        """What each service used since the first look."""
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
    """What services used, as a table."""
    table = Table(title=title, title_justify="left")
    table.add_column("service")
    table.add_column("CPU seconds", justify="right")
    table.add_column("memory MB (largest process)", justify="right")
    for one in services:
        table.add_row(one.name, f"{one.cpu_seconds:,.1f}", f"{one.memory_mb:,.0f}")
    console.print(table)


def write_report(report: Report, file: Path) -> None:
    """Writes the report as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))
