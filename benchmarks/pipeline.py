"""`make bench`: the parts alone, the whole as a plain loop, and the whole as the streaming pipeline on Flink.

The same generated PriceFull files, a chain's stores of 5,000 items each, go through all of them.
"""

from __future__ import annotations

import functools
import tempfile
import threading
import time
from datetime import UTC, datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg

from benchmarks.feeds import write_feeds
from benchmarks.measure import Figure, measure, show
from gogobe.demo.run import pipeline_flags
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.reader import FeedReader
from gogobe.io.kafka import ensure_topics, publish
from gogobe.io.loader import Loader
from gogobe.io.migrations import migrate
from gogobe.local.postgres import running_postgres
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.masters.resolver import Resolver
from gogobe.messages import DISCOVERED, TOPICS, FileDiscovered, FileDownloaded, IngestBatch, encode
from gogobe.pipelines.ingest import submit
from gogobe.transforms.order import store_of

STORES, ITEMS = 60, 5_000
COMMIT_BATCHES = 20


def batches_of(file: Path) -> list[IngestBatch]:
    """A file's batches, parsed but not matched."""
    now = datetime.now(UTC)
    downloaded = FileDownloaded(
        chain="bench", s3_path=str(file), content_sha256=file.name, size=0, source_url=file.name,
        file_name=file.name, discovered_at=now, downloaded_at=now,
    )  # fmt: skip
    with file.open("rb") as source:
        return list(cut_batches(FeedReader(source, file.name), downloaded))


def parse(files: list[Path]) -> int:
    """Files to batches."""
    return sum(len(batch.items) for file in files for batch in batches_of(file))


def match(files: list[Path]) -> int:
    """Files to matched batches; parsing is part of it, so compare with parsing alone."""
    resolver = Resolver()
    count = 0
    for file in files:
        for batch in batches_of(file):
            resolver.resolve(batch.chain_id, batch.items)
            count += len(batch.items)
    return count


def plain_loop(files: list[Path], database: str) -> int:
    """What the pipeline does, by the same functions, without Beam, Flink or Kafka."""
    resolver, waiting, count = Resolver(), [], 0
    with Loader(database) as loader:
        for file in files:
            for batch in batches_of(file):
                resolver.resolve(batch.chain_id, batch.items)
                encode(batch)
                waiting.append(batch)
                count += len(batch.items)
                if len(waiting) == COMMIT_BATCHES:
                    loader.load(waiting)
                    waiting = []
        loader.load(waiting)
    return count


def on_flink(stack: StackAddresses, var: Path, files: list[Path]) -> Figure:
    """The streaming pipeline, from the first row's commit to the last's; start-up is not counted."""
    ensure_topics(stack.kafka, TOPICS)
    handler = functools.partial(_Quiet, directory=str(files[0].parent))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    pipeline = submit(pipeline_flags(stack, var))
    now = datetime.now(UTC)
    address = f"http://127.0.0.1:{server.server_port}"
    messages = [FileDiscovered("bench", f"{address}/{file.name}", now) for file in files]
    publish(stack.kafka, DISCOVERED, [(store_of(message).encode(), encode(message)) for message in messages])
    rows, seconds = _until_loaded(stack.database, len(files))
    pipeline.cancel()
    server.shutdown()
    return Figure("whole pipeline on Flink", rows, rows / seconds, rows / seconds, rows / seconds, 0)


def _until_loaded(database: str, files: int, limit: float = 240.0) -> tuple[int, float]:
    query = """
        SELECT count(*) FILTER (WHERE state = 'loaded'), sum(loaded + unchanged),
               extract(epoch FROM max(completed_at) - min(first_loaded_at))::float8 FROM files
    """
    deadline = time.monotonic() + limit
    with psycopg.connect(database, autocommit=True) as connection:
        while time.monotonic() < deadline:
            found = connection.execute(query).fetchone()
            if found is not None and found[0] == files:
                return int(found[1]), float(found[2])
            time.sleep(0.5)
    raise TimeoutError(f"not all of {files} files were loaded within {limit:.0f} seconds")


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


def main() -> None:
    """Measures everything and prints the table."""
    jars = Path("var/java").absolute()
    with tempfile.TemporaryDirectory(prefix="gogobe-bench-") as name:
        folder = Path(name)
        files = write_feeds(folder / "feeds", STORES, ITEMS)
        figures = [
            measure("parse alone", partial(parse, files[:20])),
            measure("parse and match", partial(match, files[:20])),
        ]
        with running_postgres(folder / "postgres", folder / "postgres.log") as server:
            migrate(server.dsn)
            figures.append(
                measure("plain loop, database and all", partial(plain_loop, files, server.dsn), runs=1)
            )
        with running_stack(folder / "var", jars) as stack:
            migrate(stack.database)
            figures.append(on_flink(stack, folder / "var", files))
        loop, pipeline = figures[-2].per_second, figures[-1].per_second
        show(
            f"Items a second; the pipeline runs at {pipeline / loop:.2f} of the plain loop",
            figures,
            Path("var/bench.json"),
        )


if __name__ == "__main__":
    main()
