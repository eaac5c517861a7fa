"""Benchmark of a flood: `python -m benchmarks.flood [--files N]`.

Starts the local stack and the job `ingest`. First single files of one chain are announced, one after the other,
which gives their idle latency. Then N files of another chain are announced at once, several of each store, and
while they wait, again single files of the first chain. Memory of the workers, messages that wait and files that
are done are sampled meanwhile.

Prints a table and a last line with the figures, and writes `var/bench-flood.json`. Exit code 1 if a file is
lost, if a price is not that of its store's newest file, if a change of a price is missing in the history
(files of a store overtook each other), if a single file took more than 3 times its idle latency, or if the
memory of the Python workers in the last third of the flood is above that of the first by a tenth.
"""

from __future__ import annotations

import gzip
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click
import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.measure import write_json
from benchmarks.pipeline import served
from chaos.processes import memory_of
from gogobe.demo.run import pipeline_flags
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import lag, publish
from gogobe.local.flink import cancel_jobs, wait_for_job
from gogobe.local.processes import Records, ServiceRecord
from gogobe.local.services import WORKER_POOL
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.submission import submit
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered, encode
from gogobe.settings import Settings

JOB_NAME: Final = "gogobe-ingest"
FLOODING: Final = ("7290027600007", "shufersal")
OTHER: Final = ("7290058140886", "rami_levy")
VERSIONS: Final = 5
ITEMS: Final = 50
SINGLE: Final = 7
FIRST_AFTER: Final = 0.5
BETWEEN: Final = 3.0
LIMIT_SECONDS: Final = 3600.0
SAMPLE_SECONDS: Final = 1.0
MOST_RATIO: Final = 3.0
MOST_GROWTH: Final = 1.1
_MORNING: Final = datetime(2025, 8, 8, 3, 0, tzinfo=UTC)

_DONE: Final = """
    SELECT extract(epoch FROM completed_at)::float8 FROM files WHERE state = 'loaded' AND source_url = %s
"""
_COUNT: Final = "SELECT count(*) FROM files WHERE state = 'loaded' AND chain = %s"
# Each version of a store's file has its number as all prices.
_OLD_PRICES: Final = """
    SELECT count(*) FROM prices JOIN stores USING (store_key)
    WHERE chain_id = %s AND ended_at IS NULL AND price <> %s
"""
_HISTORY: Final = """
    SELECT count(*) FROM price_changes JOIN stores USING (store_key) WHERE chain_id = %s
"""
_PRICES: Final = (
    "SELECT count(*) FROM prices JOIN stores USING (store_key) WHERE chain_id = %s AND ended_at IS NULL"
)


class Sample(msgspec.Struct):
    """The state at `at` seconds: files of the flooding chain that are loaded, messages that wait in both
    topics, and the resident MB of the Python workers."""

    at: float
    loaded: int
    waiting: int
    in_overflow: int
    memory_mb: int


class Result(msgspec.Struct):
    """The benchmark's result. Latencies in seconds: from the announcement of a single file to its commit."""

    cores: int
    load_average: float
    files: int
    idle: list[float] = []
    flooded: list[float] = []
    samples: list[Sample] = []
    seconds: float = 0.0
    lost: int = 0
    old_prices: int = 0
    missing_history: int = 0

    @property
    def ratio(self) -> float:
        """The longest latency in the flood, in idle latencies."""
        return max(self.flooded, default=0.0) / statistics.median(self.idle)

    @property
    def growth(self) -> float:
        """Memory in the last third of the flood, compared with the first."""
        third = max(1, len(self.samples) // 3)
        first, last = self.samples[:third], self.samples[-third:]
        return statistics.median(one.memory_mb for one in last) / statistics.median(
            one.memory_mb for one in first
        )


@dataclass(frozen=True)
class Shop:
    """Writes and announces files of one chain, over the address of its portal."""

    folder: Path
    address: str
    chain_id: str
    chain: str

    def announcement(self, store: int, version: int) -> FileDiscovered:
        """Writes the file of a store; all its prices are `version`."""
        at = _MORNING + timedelta(hours=version)
        name = f"PriceFull{self.chain_id}-{store:04}-{at + timedelta(hours=3):%Y%m%d%H%M}.gz"
        items = "".join(
            f"<Item><ItemCode>{7_290_000_100_000 + store * 100 + n}</ItemCode><ItemType>1</ItemType>"
            f"<ItemName>חלב {n}</ItemName><ItemPrice>{version}.00</ItemPrice></Item>"
            for n in range(ITEMS)
        )
        text = (
            f"<root><ChainId>{self.chain_id}</ChainId><SubChainId>1</SubChainId><StoreId>{store:04}</StoreId>"
            f'<Items Count="{ITEMS}">{items}</Items></root>'
        )
        path = self.folder / self.chain / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(gzip.compress(text.encode(), 1, mtime=0))
        return FileDiscovered(self.chain, f"{self.address}/{self.chain}/{name}", datetime.now(UTC))


@dataclass
class Flood:
    """The running stack under a flood."""

    stack: StackAddresses
    workers: Sequence[ServiceRecord]
    connection: psycopg.Connection[tuple[object, ...]]
    result: Result
    began: float = field(default_factory=time.monotonic)

    def announce(self, messages: Sequence[FileDiscovered]) -> None:
        """Publishes announcements, all at once."""
        publish(self.stack.kafka, DISCOVERED, [(store_of(one).encode(), encode(one)) for one in messages])

    def latency(self, message: FileDiscovered) -> float:
        """Announces one file; returns the seconds until its commit. Samples meanwhile."""
        message = msgspec.structs.replace(message, timestamp=datetime.now(UTC))
        self.announce([message])
        deadline = time.monotonic() + LIMIT_SECONDS
        while not (row := self.connection.execute(_DONE, (message.url,)).fetchone()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{message.url} was not loaded within {LIMIT_SECONDS:.0f} seconds")
            time.sleep(0.05)
        return float(str(row[0])) - message.timestamp.timestamp()

    def look(self) -> Sample:
        """Takes a sample."""
        row = self.connection.execute(_COUNT, (FLOODING[1],)).fetchone() or (0,)
        group = Settings().group
        sample = Sample(
            round(time.monotonic() - self.began, 1),
            int(str(row[0])),
            lag(self.stack.kafka, group, DISCOVERED),
            lag(self.stack.kafka, group, OVERFLOW),
            memory_of(self.workers) >> 20,
        )
        self.result.samples.append(sample)
        return sample


def measure(files: int, folder: Path) -> Result:
    """Idle latencies, then the flood."""
    result = Result(os.cpu_count() or 0, round(os.getloadavg()[0], 2), files)
    var = folder / "var"
    portal = folder / "feeds"
    portal.mkdir()
    with running_stack(var, Path("var/java").absolute()) as stack, served(portal) as address:
        many, other = Shop(portal, address, *FLOODING), Shop(portal, address, *OTHER)
        flood_files = [
            many.announcement(store, version)
            for version in range(1, VERSIONS + 1)
            for store in range(1, files // VERSIONS + 1)
        ]
        submit(INGEST_JOB, pipeline_flags(stack, var, address.partition("//")[2]))
        wait_for_job(stack.flink, JOB_NAME)
        workers = [one for one in Records(var / "services").read() if one.name == WORKER_POOL]
        with psycopg.connect(stack.database, autocommit=True) as connection:
            flood = Flood(stack, workers, connection, result)
            flood.latency(other.announcement(1, 1))  # the first one waits for the workers
            for store in range(2, 2 + SINGLE):
                result.idle.append(flood.latency(other.announcement(store, 1)))
                time.sleep(1.0)
            _flood(flood, other, flood_files)
            _account(flood, len(flood_files))
        cancel_jobs(stack.flink)
    return result


def _flood(flood: Flood, other: Shop, files: Sequence[FileDiscovered]) -> None:
    """All at once, and single files of another chain while they wait."""
    flood.began = time.monotonic()
    flood.announce(files)
    store, next_single = 100, time.monotonic() + FIRST_AFTER
    while True:
        sample = flood.look()
        if sample.loaded >= len(files):
            break
        if time.monotonic() - flood.began > LIMIT_SECONDS:
            raise TimeoutError(f"{sample.loaded} of {len(files)} files within {LIMIT_SECONDS:.0f} seconds")
        if time.monotonic() >= next_single:
            store += 1
            flood.result.flooded.append(flood.latency(other.announcement(store, 1)))
            next_single = time.monotonic() + BETWEEN
        time.sleep(SAMPLE_SECONDS)
    flood.result.seconds = time.monotonic() - flood.began


def _account(flood: Flood, files: int) -> None:
    """What is lost or old."""
    chain_id = FLOODING[0]
    old = flood.connection.execute(_OLD_PRICES, (chain_id, VERSIONS)).fetchone() or (0,)
    prices = flood.connection.execute(_PRICES, (chain_id,)).fetchone() or (0,)
    flood.result.old_prices = int(str(old[0]))
    flood.result.lost = files // VERSIONS * ITEMS - int(str(prices[0]))
    history = flood.connection.execute(_HISTORY, (chain_id,)).fetchone() or (0,)
    flood.result.missing_history = files // VERSIONS * ITEMS * (VERSIONS - 1) - int(str(history[0]))


def show(result: Result) -> None:
    """Prints the table and the last line."""
    console = Console(width=110)
    table = Table(title=f"A flood of {result.files} files (load average {result.load_average})")
    for column in ("at", "files loaded", "waiting", "in the overflow", "workers' memory"):
        table.add_column(column, justify="right")
    for one in result.samples[:: max(1, len(result.samples) // 12)]:
        table.add_row(
            f"{one.at:.0f} s", str(one.loaded), str(one.waiting), str(one.in_overflow), f"{one.memory_mb} MB"
        )
    console.print(table)
    console.print(
        f"flood: {result.files} files in {result.seconds:.0f} s, {result.files / result.seconds:.1f} a second; "
        f"a file of another chain after {statistics.median(result.flooded):.1f} s (median of "
        f"{len(result.flooded)}), {max(result.flooded):.1f} s (longest), {result.ratio:.1f} of "
        f"{statistics.median(result.idle):.1f} s idle; memory {result.growth:.2f} of the beginning; "
        f"{result.lost} prices lost, {result.old_prices} old, {result.missing_history} changes missing",
        soft_wrap=True,
    )


@click.command()
@click.option(
    "--files", default=5_000, show_default=True, type=click.IntRange(500), help="Files announced at once."
)
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/bench-flood.json"))
def main(files: int, output: Path) -> None:
    """Files of one chain while thousands of another wait."""
    with tempfile.TemporaryDirectory(prefix="gogobe-bench-", ignore_cleanup_errors=True) as folder:
        result = measure(files, Path(folder))
    write_json(output, result)
    show(result)
    if (
        result.lost
        or result.old_prices
        or result.missing_history
        or result.ratio > MOST_RATIO
        or result.growth > MOST_GROWTH
    ):
        sys.exit(1)


if __name__ == "__main__":
    main()
