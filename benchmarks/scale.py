"""`make scale`: the stages on a Flink cluster of 1, 2 and 4 workers on this machine.

For each number of TaskManagers a fresh stack downloads, parses and loads the same files, one stage after the
other, each as a job of its own: what a stage does is measured from its first output to its last, so that
starting it is not counted. Prints items a second and, for each stage, the CPU seconds of each service, and
writes `var/scale.json`. The workers share the machine's cores: beyond their number, more workers show what
the division itself costs.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.feeds import Feed, write_stores
from benchmarks.measure import Service, ServiceWatch, new_report
from benchmarks.pipeline import announcements, served
from gogobe.demo.masters import catalogue_rows
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import backlog, ensure_topics, lag, publish
from gogobe.local.flink import cancel_jobs, wait_for_job
from gogobe.local.stack import Stack, StackAddresses, running_stack
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.published.store import SnapshotStore
from gogobe.pipelines.download import DOWNLOAD_JOB
from gogobe.pipelines.job import JobKind
from gogobe.pipelines.load import LOAD_JOB
from gogobe.pipelines.options import flags_of, flink_flags
from gogobe.pipelines.parse import PARSE_JOB
from gogobe.pipelines.submission import submit
from gogobe.records.messages import DISCOVERED, DOWNLOADED, INGEST, TOPICS, encode
from gogobe.settings import Settings, stack_settings

WORKERS: Final = (1, 2, 4)
LIMIT_SECONDS: Final = 600.0
SAMPLE_SECONDS: Final = 0.2
# A group that commits nothing: its backlog is all that a topic holds.
ONLOOKER: Final = "gogobe-scale-onlooker"


class StageFigure(msgspec.Struct, frozen=True):
    """One stage with one number of workers: the items of the files that it did, the seconds from its first
    output to its last, and what the services used from its submission on."""

    workers: int
    stage: str
    items: int
    seconds: float
    services: list[Service]

    @property
    def per_second(self) -> float:
        return self.items / self.seconds

    @property
    def cpu_seconds(self) -> float:
        return sum(service.cpu_seconds for service in self.services)


class ScaleReport(msgspec.Struct):
    """The result as the JSON file holds it. `load_average` is the machine's when it began."""

    machine: str
    cores: int
    load_average: float
    items: int
    figures: list[StageFigure]


@dataclass(frozen=True)
class Bench:
    """A stack with the files to do. `items`: rows of all files."""

    stack: StackAddresses
    var: Path
    settings: Settings
    workers: int
    items: int

    def stages(self) -> Iterator[StageFigure]:
        """Runs the stages one after the other."""
        yield self._stage(DOWNLOAD_JOB, lambda: self._published(DOWNLOADED))
        yield self._stage(PARSE_JOB, lambda: self._published(INGEST))
        yield self._stage(LOAD_JOB, self._loaded)

    def _stage(self, kind: JobKind, done: Callable[[], int]) -> StageFigure:
        pids = {service.name: service.pid for service in Stack(self.var).status()}
        name = f"gogobe-{kind.name}"
        stack = self.stack
        flags = flink_flags(
            stack.job_endpoint,
            stack.worker_pool,
            name,
            self.workers,
            stack.task_managers,
            bundle_elements=kind.bundle_elements,
        )
        submit(kind, [*flags, *flags_of(self.settings)])
        wait_for_job(stack.flink, name)
        watch = ServiceWatch(pids)
        watch.look()
        seconds = self._until_done(kind, done, watch)
        cancel_jobs(stack.flink)
        used = [one for one in watch.services() if one.cpu_seconds >= 0.1]
        return StageFigure(self.workers, kind.name, self.items, seconds, used)

    def _until_done(self, kind: JobKind, done: Callable[[], int], watch: ServiceWatch) -> float:
        """Waits for the last offset; returns the seconds from the first output to the last."""
        first = last = 0.0
        count, deadline = 0, time.monotonic() + LIMIT_SECONDS
        while True:
            now = time.monotonic()
            watch.look()
            if (found := done()) != count:
                count, last = found, now
                first = first or now - SAMPLE_SECONDS
            if count and not any(lag(self.stack.kafka, self.settings.group, topic) for topic in kind.topics):
                return max(last - first, SAMPLE_SECONDS)
            if now > deadline:
                raise TimeoutError(f"{kind.name} did not end within {LIMIT_SECONDS:.0f} seconds")
            time.sleep(SAMPLE_SECONDS)

    def _published(self, topic: str) -> int:
        return backlog(self.stack.kafka, ONLOOKER, topic).records

    def _loaded(self) -> int:
        with psycopg.connect(self.stack.database) as connection:
            row = connection.execute(
                "SELECT coalesce(sum(loaded + unchanged), 0)::bigint FROM files"
            ).fetchone()
        return int(row[0]) if row else 0


def run(folder: Path, masters: Path, feeds: Sequence[Feed], workers: int) -> Iterator[StageFigure]:
    """All stages on a cluster of so many TaskManagers."""
    var = folder / f"workers-{workers}"
    jars = Path("var/java").absolute()
    with running_stack(var, jars, task_managers=workers) as stack, served(folder / "feeds") as address:
        settings = msgspec.structs.replace(
            stack_settings(stack, var),
            views_every=3600.0,
            fetch_hosts=address.partition("//")[2],
            topic_partitions=2 * max(WORKERS),
        )
        SnapshotStore(settings.masters).publish(masters)
        ensure_topics(stack.kafka, TOPICS, settings.topic_partitions)
        messages = announcements(address, feeds)
        publish(stack.kafka, DISCOVERED, [(store_of(one).encode(), encode(one)) for one in messages])
        yield from Bench(stack, var, settings, workers, sum(feed.rows for feed in feeds)).stages()


def show(report: ScaleReport, console: Console) -> None:
    """Items a second by stage and workers, and the CPU seconds behind them."""
    title = f"{report.items:,} items (load average {report.load_average} at the start, {report.cores} cores)"
    table = Table(title=title, title_justify="left")
    for column in ("stage", "workers", "items/s", "seconds", "CPU µs an item", "CPU seconds of"):
        table.add_column(column, justify="left" if column in ("stage", "CPU seconds of") else "right")
    for one in sorted(report.figures, key=lambda figure: (figure.stage, figure.workers)):
        services = ", ".join(f"{service.name} {service.cpu_seconds:.1f}" for service in one.services)
        micros = one.cpu_seconds / one.items * 1e6
        table.add_row(
            one.stage,
            str(one.workers),
            f"{one.per_second:,.0f}",
            f"{one.seconds:.1f}",
            f"{micros:.1f}",
            services,
        )
    console.print(table)


@click.command()
@click.option("--rounds", default=10, show_default=True, help="How many stores are made of each price file.")
@click.option("--workers", default=WORKERS, multiple=True, show_default=True, help="TaskManagers of a cluster.")
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/scale.json"))
def main(rounds: int, workers: tuple[int, ...], output: Path) -> None:
    """Items a second of each stage on a Flink cluster of 1, 2 and 4 workers, and where the time goes."""
    machine, console = new_report(), Console(width=140)
    figures: list[StageFigure] = []
    with tempfile.TemporaryDirectory(prefix="gogobe-scale-") as name:
        folder = Path(name)
        feeds = write_stores(folder / "feeds", rounds)
        masters = folder / "masters"
        build_snapshot(catalogue_rows(), masters)
        for number in workers:
            for figure in run(folder, masters, feeds, number):
                console.print(f"{figure.stage}, {number} workers: {figure.seconds:.1f} s")
                figures.append(figure)
    items = sum(feed.rows for feed in feeds)
    report = ScaleReport(machine.machine, machine.cores, machine.load_average, items, figures)
    show(report, console)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1))


if __name__ == "__main__":
    main()
