"""The figures of the download benchmark, and how they are shown."""

from __future__ import annotations

import statistics
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

CURL: Final = "curl --parallel"
CURL_SYNC: Final = "curl --parallel; sync"
SWARM: Final = "swarm"
SWARM_UNSAFE: Final = "swarm, not waiting for the disk"
# Each next to what it is compared with.
WAYS: Final = (CURL, SWARM_UNSAFE, CURL_SYNC, SWARM)


class Run(msgspec.Struct):
    """One run over all files. `cpu_seconds` are those of curl or of all workers; `memory_mb` is the largest
    worker's at its end, `growth_mb` since a fifth of its files; `highest_rate` is the most requests that a host
    got in a second."""

    what: str
    files: int
    seconds: float
    megabytes: float
    cpu_seconds: float = 0.0
    memory_mb: float = 0.0
    growth_mb: float = 0.0
    highest_rate: float = 0.0

    @property
    def per_second(self) -> float:
        return self.files / self.seconds


class Result(msgspec.Struct):
    """A benchmark's result. `load_average` is the machine's when it began; `rounds` have the runs of `WAYS`,
    `limited` is the run with `rate`; `wrong` counts files over all runs."""

    cores: int
    load_average: float
    hosts: int
    rate: float
    rounds: list[list[Run]]
    limited: Run | None = None
    wrong: int = 0

    def median(self, way: str) -> Run:
        """The run of a way with the median of all seconds."""
        runs = sorted(
            (one for runs in self.rounds for one in runs if one.what == way), key=lambda one: one.seconds
        )
        return runs[len(runs) // 2]

    def ratio(self, way: str, to: str) -> float:
        """Files a second of a way as a ratio to those of another: the median of the rounds' ratios."""
        found = [{one.what: one.per_second for one in runs} for runs in self.rounds]
        return statistics.median(one[way] / one[to] for one in found)


def show(result: Result) -> None:
    """Prints the table and the last line."""
    count = len(result.rounds)
    title = f"Files from {result.hosts} hosts: medians of {count} rounds (load average {result.load_average})"
    table = Table(title=title)
    table.add_column("run")
    columns = (
        "files",
        "seconds",
        "files/s",
        "MB/s",
        "CPU ms/file",
        "MB, largest worker",
        "growth",
        "requests/s",
    )
    for column in columns:
        table.add_column(column, justify="right")
    assert result.limited is not None
    for run in (*map(result.median, WAYS), result.limited):
        cpu = 1000 * run.cpu_seconds / run.files
        figures = (run.seconds, run.per_second, run.megabytes / run.seconds, cpu, run.memory_mb, run.growth_mb)
        shown = (f"{one:,.0f}" if one > 100 else f"{one:,.2f}" for one in figures)
        table.add_row(run.what, f"{run.files:,}", *shown, f"{run.highest_rate:.0f}")
    Console(width=140).print(table)
    swarm = result.median(SWARM)
    Console(width=140).print(
        f"fetch: {swarm.files:,} files of {result.hosts} hosts: {swarm.per_second:,.0f} files/s, "
        f"{swarm.megabytes / swarm.seconds:,.0f} MB/s on the disk, {result.ratio(SWARM, CURL_SYNC):.2f} of "
        f"curl and sync (median of {count}); not waiting for the disk "
        f"{result.ratio(SWARM_UNSAFE, CURL):.2f} of curl; "
        f"{swarm.memory_mb:.0f} MB ({swarm.growth_mb:+.0f} MB); at most {result.limited.highest_rate:.0f} of "
        f"{result.rate:g} requests/s of a host; {result.wrong} wrong",
        soft_wrap=True,
    )
