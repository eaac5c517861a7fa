"""`make bench`: each part alone, the whole as a plain loop, and the whole as the streaming pipeline on Flink.

The bundled price files go through all of them, multiplied to enough stores of their chains to run for a
while. Items are matched with the demo's masters snapshot, which has all of the chains but one.
"""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import click
import psycopg
from rich.console import Console

from benchmarks.feeds import Feed, write_large, write_stores
from benchmarks.measure import (
    Figure,
    Service,
    ServiceWatch,
    measure,
    new_report,
    show_figures,
    show_services,
    write_json,
)
from gogobe.chains.load import load_chains
from gogobe.database.load.loader import Loader
from gogobe.database.migrations import migrate
from gogobe.database.views import refresh_views
from gogobe.demo.masters import catalogue_rows
from gogobe.demo.run import pipeline_flags
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.ordering import store_of
from gogobe.feeds.reader import FeedReader
from gogobe.io.download_work import Plan, Ticket
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchSettings
from gogobe.io.kafka.topics import ensure_topics, publish
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.io.portals import Portals
from gogobe.local.flink import cancel_jobs
from gogobe.local.postgres import running_postgres
from gogobe.local.stack import Stack, StackAddresses, running_stack
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.published.store import SnapshotStore
from gogobe.masters.snapshot.files import open_snapshot
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.submission import submit
from gogobe.records.messages import (
    DISCOVERED,
    INGEST,
    TOPICS,
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
    encode,
)
from gogobe.settings import stack_settings
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.download import DownloadConfig, Downloader
from gogobe.transforms.publish import keyed_batch

COMMIT_BATCHES: Final = 20
PART_ROUNDS: Final = 3
LIMIT_SECONDS: Final = 900.0
WORKERS: Final = "Python worker pool"


def batches_of(feed: Feed) -> Iterator[IngestBatch]:
    """A file's batches, parsed but not matched."""
    now = datetime.now(UTC)
    name = feed.path.name
    downloaded = FileDownloaded(feed.chain, str(feed.path), name, 0, name, name, now, now)
    with feed.path.open("rb") as source:
        yield from cut_batches(FeedReader(source, name), downloaded)


def parse(feeds: Sequence[Feed]) -> int:
    """Files to batches."""
    return sum(len(batch.items) for feed in feeds for batch in batches_of(feed))


def parsed(feeds: Sequence[Feed]) -> list[IngestBatch]:
    """All batches of the files."""
    return [batch for feed in feeds for batch in batches_of(feed)]


def match(masters: Path, batches: Sequence[IngestBatch]) -> int:
    """Batches to matched batches."""
    resolver = Resolver(open_snapshot(masters))
    for batch in batches:
        resolver.resolve(batch.chain_id, batch.items)
    return sum(len(batch.items) for batch in batches)


def matched(masters: Path, feeds: Sequence[Feed]) -> list[IngestBatch]:
    """All batches of the files, matched."""
    batches = parsed(feeds)
    match(masters, batches)
    return batches


def load(database: str, batches: Sequence[IngestBatch]) -> int:
    """Loads matched batches into the database, with as many batches per commit as the pipeline."""
    with Loader(database) as loader:
        for start in range(0, len(batches), COMMIT_BATCHES):
            loader.load(batches[start : start + COMMIT_BATCHES])
    return sum(len(batch.items) for batch in batches)


def plain_loop(stack: StackAddresses, var: Path, masters: Path, announced: Sequence[FileDiscovered]) -> int:
    """The work of the pipeline by the same functions in sequence, without Beam and Flink."""
    store = ObjectStore(str(var / "loop-store"))
    settings = FetchSettings(allowed=AllowedHosts.parse("127.0.0.1"))
    config = DownloadConfig(store, settings, Portals(load_chains(), per_host=4), Plan())
    downloader = Downloader(config, Fetcher(settings), DeadLetters("download", store))
    resolver, waiting, count = Resolver(open_snapshot(masters)), [], 0
    with Loader(stack.database) as loader:
        for message in announced:
            file = downloader.download(message, Ticket())
            with store.open(file.s3_path) as source:
                for batch in cut_batches(FeedReader(source, file.file_name), file):
                    resolver.resolve(batch.chain_id, batch.items)
                    waiting.append(batch)
                    count += len(batch.items)
                    if len(waiting) == COMMIT_BATCHES:
                        publish(stack.kafka, INGEST, map(keyed_batch, waiting))
                        loader.load(waiting)
                        waiting = []
        publish(stack.kafka, INGEST, map(keyed_batch, waiting))
        loader.load(waiting)
    refresh_views(stack.database)
    return count


def on_flink(
    what: str, stack: StackAddresses, announced: Sequence[FileDiscovered], watch: ServiceWatch
) -> Figure:
    """Sends announced files through the running pipeline; measures from the first row's commit to the
    last's."""
    publish(stack.kafka, DISCOVERED, [(store_of(one).encode(), encode(one)) for one in announced])
    rows, seconds = _until_loaded(stack.database, announced[0].timestamp, len(announced), watch)
    memory = next(service.memory_mb for service in watch.services() if service.name == WORKERS)
    return Figure(what, rows, rows / seconds, rows / seconds, rows / seconds, memory)


_LOADED: Final = """
    SELECT count(*) FILTER (WHERE state = 'loaded'), coalesce(sum(loaded + unchanged), 0)::bigint,
           extract(epoch FROM max(completed_at) - min(first_loaded_at))::float8
    FROM files WHERE discovered_at >= %s
"""


def _until_loaded(database: str, began: datetime, files: int, watch: ServiceWatch) -> tuple[int, float]:
    deadline = time.monotonic() + LIMIT_SECONDS
    with psycopg.connect(database, autocommit=True) as connection:
        while time.monotonic() < deadline:
            found = connection.execute(_LOADED, (began,)).fetchone()
            if found is not None:
                if found[1]:
                    watch.look()
                if found[0] == files:
                    return int(found[1]), float(found[2])
            time.sleep(0.25)
    raise TimeoutError(f"not all of {files} files were loaded within {LIMIT_SECONDS:.0f} seconds")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serves a folder's files over HTTP; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def announcements(address: str, feeds: Sequence[Feed]) -> list[FileDiscovered]:
    """Announcements of the files, as crawlers would send them now."""
    now = datetime.now(UTC)
    return [FileDiscovered(one.chain, f"{address}/{one.chain}/{one.path.name}", now) for one in feeds]


def parts(folder: Path, masters: Path, feeds: Sequence[Feed]) -> list[Figure]:
    """Parsing, matching and loading, each alone."""
    figures = [
        measure("parse alone", partial(list, feeds), parse),
        measure("match alone", partial(parsed, feeds), partial(match, masters)),
    ]
    with running_postgres(folder / "postgres", folder / "postgres.log") as server:
        migrate(server.dsn)
        figures.append(
            measure("load alone", partial(matched, masters, feeds), partial(load, server.dsn), runs=1)
        )
    return figures


def whole_loop(folder: Path, masters: Path, feeds: Sequence[Feed]) -> Figure:
    """The plain loop, on its own stack."""
    var = folder / "loop"
    with running_stack(var, _jars()) as stack, served(folder / "feeds") as address:
        migrate(stack.database)
        ensure_topics(stack.kafka, TOPICS)
        messages = announcements(address, feeds)
        return measure("plain loop", partial(list, messages), partial(plain_loop, stack, var, masters), runs=1)


def whole_pipeline(
    folder: Path, masters: Path, feeds: Sequence[Feed], large: Sequence[Feed]
) -> tuple[list[Figure], list[Service]]:
    """The pipeline on Flink: many files at once, then large files one by one; and its services' usage for the
    many."""
    var = folder / "pipeline"
    with running_stack(var, _jars()) as stack, served(folder / "feeds") as address:
        SnapshotStore(stack_settings(stack, var).masters).publish(masters)
        submit(INGEST_JOB, pipeline_flags(stack, var, address.partition("//")[2]))
        pids = {service.name: service.pid for service in Stack(var).status()}
        on_flink("warming up", stack, announcements(address, feeds[:1]), ServiceWatch(pids))
        watch = ServiceWatch(pids)
        figures = [on_flink("pipeline on Flink", stack, announcements(address, feeds[1:]), watch)]
        for feed in large:
            announced = announcements(address, [feed])
            figures.append(on_flink(f"pipeline, a file of {feed.rows:,}", stack, announced, ServiceWatch(pids)))
        cancel_jobs(stack.flink)
    return figures, watch.services()


def _jars() -> Path:
    return Path("var/java").absolute()


@click.command()
@click.option("--rounds", default=30, show_default=True, help="How many stores are made of each price file.")
@click.option(
    "--large", "large_rows", default=(50_000, 500_000), multiple=True, show_default=True, help="A file's rows."
)
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/bench.json"))
def main(rounds: int, large_rows: tuple[int, ...], output: Path) -> None:
    """Items a second and memory of parsing, matching, loading, all of it in a plain loop and on Flink."""
    console, report = Console(width=120), new_report()
    with tempfile.TemporaryDirectory(prefix="gogobe-bench-") as name:
        folder = Path(name)
        feeds = write_stores(folder / "feeds", rounds)
        large = [write_large(folder / "feeds", rows) for rows in large_rows]
        masters = folder / "masters"
        build_snapshot(catalogue_rows(), masters)
        some = feeds[: len(feeds) * PART_ROUNDS // rounds]
        report.figures = [*parts(folder, masters, some), whole_loop(folder, masters, feeds)]
        pipeline, report.services = whole_pipeline(folder, masters, feeds, large)
    loop = report.figures[-1]
    report.figures += pipeline
    report.ratios = {"pipeline_to_plain_loop": round(pipeline[0].per_second / loop.per_second, 2)}
    title = f"Items a second (load average {report.load_average} at the start, {report.cores} cores)"
    show_figures(title, report.figures, console)
    show_services(f"What {pipeline[0].items:,} items took on Flink", report.services, console)
    console.print(f"The pipeline runs at {report.ratios['pipeline_to_plain_loop']} of the plain loop.")
    write_json(output, report)


if __name__ == "__main__":
    main()
