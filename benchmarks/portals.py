"""Benchmark of isolation between portals: `python -m benchmarks.portals [--files N] [--healthy N]`.

Starts the local stack and the pipeline, and announces N files of healthy portals alone. Then it announces as
many files of a portal that is down and of one that takes 20 s to answer, and after them other files of
healthy portals. Compares the healthy files' time from announcement to committed rows, and reads Flink's
checkpoints. Prints a table and a last line with the figures, and writes `var/bench-portals.json`. Exit code 1
if a file was lost, if the median of healthy files is above 1.2 times that of the first run, or if a
checkpoint took 10 s and longer than in the first run (a checkpoint waits for the files that are being
parsed).
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import click
import msgspec
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.feeds import Feed, write_stores
from benchmarks.measure import write_json
from benchmarks.pipeline import announcements, served
from gogobe.demo.run import pipeline_flags
from gogobe.feeds.names import parse_file_name
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import publish
from gogobe.local.flink import FlinkJob, cancel_jobs, checkpoints, wait_for_job
from gogobe.local.processes import free_ports
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.submission import submit
from gogobe.records.messages import DISCOVERED, FileDiscovered, encode
from gogobe.settings import Settings

ANSWER_SECONDS: Final = 20.0
LIMIT_SECONDS: Final = 900.0
MOST_RATIO: Final = 1.2
MOST_CHECKPOINT_SECONDS: Final = 10.0
JOB_NAME: Final = "gogobe-ingest"
DEAD_HOST: Final = "127.0.0.2"
SLOW_HOST: Final = "127.0.0.3"

_LOADED: Final = """
    SELECT extract(epoch FROM completed_at - discovered_at)::float8 FROM files
    WHERE state = 'loaded' AND source_url LIKE %s AND discovered_at >= %s
"""
# Where a file of a failing portal can be. Equal files have one row in `files`, and each address its own.
_ACCOUNTS: Final = (
    "waiting_files WHERE url",
    "file_addresses WHERE source_url",
    "dead_letters WHERE source_url",
)
_WAITING: Final = """
    SELECT host, reason, count(*), max(attempts) FROM waiting_files GROUP BY host, reason ORDER BY host, reason
"""


class Run(msgspec.Struct):
    """The healthy files of one run: seconds from announcement to committed rows, and the longest
    checkpoint."""

    what: str
    files: int
    median: float
    p95: float
    longest: float
    checkpoint: float


class Result(msgspec.Struct):
    """The benchmark's result. `waiting` has host, reason, files and attempts; `load_average` is the machine's
    at the start; `lost` counts files of failing portals that are neither waiting nor loaded nor dead
    letters."""

    cores: int
    load_average: float
    ill_files: int
    runs: list[Run]
    waiting: list[tuple[str, str, int, int]]
    dead_letters: int = 0
    lost: int = 0

    @property
    def ratio(self) -> float:
        return self.runs[1].median / self.runs[0].median


@contextlib.contextmanager
def slow_portal(feed: Feed) -> Iterator[str]:
    """A portal that answers after ANSWER_SECONDS; yields its address."""
    body = feed.path.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(ANSWER_SECONDS)
            with contextlib.suppress(ConnectionError):
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server((SLOW_HOST, 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://{SLOW_HOST}:{server.server_port}"
        finally:
            server.shutdown()


class Checkpoints:
    """The longest checkpoint of a job since the watch started, in seconds."""

    def __init__(self, job: FlinkJob) -> None:
        self._job = job
        self._seen = {one.id for one in checkpoints(job).history}
        self.longest = 0.0

    def look(self) -> None:
        """Reads completed and running checkpoints."""
        for one in checkpoints(self._job).history:
            if one.id not in self._seen and one.status != "FAILED":
                self.longest = max(self.longest, one.duration / 1000)


@dataclass(frozen=True)
class Pipeline:
    """The running job, its stack, and the address of the healthy portal."""

    stack: StackAddresses
    job: FlinkJob
    address: str


def run(what: str, pipeline: Pipeline, ill: Sequence[FileDiscovered], feeds: Sequence[Feed]) -> Run:
    """Announces files of failing portals and healthy ones after them; waits until the healthy ones are
    loaded."""
    stack, address = pipeline.stack, pipeline.address
    watched = Checkpoints(pipeline.job)
    began = datetime.now(UTC)
    healthy = announcements(address, feeds)
    publish(stack.kafka, DISCOVERED, [(store_of(one).encode(), encode(one)) for one in (*ill, *healthy)])
    deadline = time.monotonic() + LIMIT_SECONDS
    with psycopg.connect(stack.database, autocommit=True) as connection:
        while time.monotonic() < deadline:
            rows = connection.execute(_LOADED, (f"{address}/%", began)).fetchall()
            watched.look()
            if len(rows) == len(feeds):
                break
            time.sleep(0.5)
        else:
            raise TimeoutError(
                f"{len(rows)} of {len(feeds)} healthy files were loaded in {LIMIT_SECONDS:.0f} s"
            )
    seconds = sorted(row[0] for row in rows)
    p95 = seconds[round(0.95 * (len(seconds) - 1))]
    return Run(what, len(feeds), statistics.median(seconds), p95, seconds[-1], watched.longest)


def ill_files(address: str, count: int, feed: Feed) -> list[FileDiscovered]:
    """Files of `count` stores of one portal, named as `feed`, which the slow portal answers with."""
    now = datetime.now(UTC)
    chain_id = parse_file_name(feed.path.name).chain_id
    return [
        FileDiscovered(feed.chain, f"{address}/PriceFull{chain_id}-{number:04d}-202608110600.gz", now)
        for number in range(count)
    ]


def account(stack: StackAddresses, result: Result, addresses: Sequence[str]) -> None:
    """Counts where the files of failing portals are: none may be lost."""
    with psycopg.connect(stack.database, autocommit=True) as connection:
        result.waiting = [tuple(row) for row in connection.execute(_WAITING)]
        known = 0
        for address in addresses:
            for table in _ACCOUNTS:
                row = connection.execute(f"SELECT count(*) FROM {table} LIKE %s".encode(), (f"{address}/%",))
                count = (row.fetchone() or (0,))[0]
                known += count
                result.dead_letters += count if table.startswith("dead") else 0
    result.lost = max(0, result.ill_files - known)


def measure(files: int, healthy: int, folder: Path) -> Result:
    """Both runs, on one stack."""
    result = Result(os.cpu_count() or 0, round(os.getloadavg()[0], 2), 2 * files, [], [])
    rounds = -(-2 * healthy // len(write_stores(folder / "one", 1))) + 1
    feeds = write_stores(folder / "feeds", rounds)
    first, second = feeds[1 : healthy + 1], feeds[healthy + 1 : 2 * healthy + 1]
    (dead_port,) = free_ports(1)
    var = folder / "var"
    with (
        running_stack(var, Path("var/java").absolute()) as stack,
        served(folder / "feeds") as address,
        slow_portal(feeds[0]) as slow,
    ):
        dead = f"http://{DEAD_HOST}:{dead_port}"
        hosts = ", ".join(one.partition("//")[2] for one in (address, dead, slow))
        submit(INGEST_JOB, [*pipeline_flags(stack, var, hosts), f"--fetch_wait={Settings().fetch_wait}"])
        pipeline = Pipeline(stack, wait_for_job(stack.flink, JOB_NAME), address)
        run("warming up", pipeline, [], feeds[:1])
        result.runs.append(run("alone", pipeline, [], first))
        ill = [*ill_files(dead, files, feeds[0]), *ill_files(slow, files, feeds[0])]
        result.runs.append(run("after ill portals", pipeline, ill, second))
        account(stack, result, (dead, slow))
        cancel_jobs(stack.flink)
    return result


def show(result: Result) -> None:
    """Prints the tables and the last line."""
    console = Console(width=120)
    table = Table(title=f"Healthy files, seconds to committed rows (load average {result.load_average})")
    for column in ("run", "files", "median", "p95", "longest", "longest checkpoint"):
        table.add_column(column, justify="left" if column == "run" else "right")
    for one in result.runs:
        figures = (one.median, one.p95, one.longest, one.checkpoint)
        table.add_row(one.what, str(one.files), *(f"{figure:.1f}" for figure in figures))
    console.print(table)
    for host, reason, count, attempts in result.waiting:
        console.print(f"{count} files wait for {host}: {reason}, {attempts} attempts at most")
    alone, after = result.runs
    console.print(
        f"portals: {result.ill_files} ill and {after.files} healthy files: median {after.median:.1f} s, "
        f"{result.ratio:.2f} of {alone.median:.1f} s alone, longest checkpoint {after.checkpoint:.1f} s "
        f"(alone {alone.checkpoint:.1f} s), {result.lost} lost, {result.dead_letters} dead letters",
        soft_wrap=True,
    )


@click.command()
@click.option("--files", default=300, show_default=True, help="Files of the dead portal, and of the slow one.")
@click.option("--healthy", default=300, show_default=True, help="Healthy files of each run.")
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/bench-portals.json"))
def main(files: int, healthy: int, output: Path) -> None:
    """Healthy files behind those of a dead and of a slow portal."""
    with tempfile.TemporaryDirectory(prefix="gogobe-bench-", ignore_cleanup_errors=True) as folder:
        result = measure(files, healthy, Path(folder))
    write_json(output, result)
    show(result)
    alone, after = result.runs
    is_held_up = after.checkpoint >= max(MOST_CHECKPOINT_SECONDS, alone.checkpoint)
    if result.lost or result.ratio > MOST_RATIO or is_held_up:
        sys.exit(1)


if __name__ == "__main__":
    main()
