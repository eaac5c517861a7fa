"""Benchmark of search quality: `python -m benchmarks.search [--misses]`.

Starts a server, loads the demo's feeds, and runs the queries of `data/search_truth.csv.gz`. Prints success at
1 and at 5 for the half that the weights were tuned on and for the other half: the share of queries with an
accepted master in first place, and among the first five. `--misses` lists queries without success at 1.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from rich.console import Console
from rich.table import Table

from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.migrations import migrate
from gogobe.database.search import find_masters
from gogobe.database.views import refresh_views
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.names import parse_file_name
from gogobe.feeds.reader import FeedReader
from gogobe.local.postgres import running_postgres
from gogobe.masters.matching.resolver import Resolver
from gogobe.records.messages import FileDownloaded, IngestBatch

TRUTH: Final = Path(__file__).parent / "data" / "search_truth.csv.gz"
FEEDS: Final = Path(__file__).parents[1] / "gogobe" / "demo" / "feeds"
SHOWN: Final = 5
# The previous search, by trigrams of whole names, with the same masters and queries (2026-11-26).
BEFORE: Final = {"tuning": (0.611, 0.800), "report": (0.664, 0.805)}

Truth = Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class Result:
    """The result of a query: whether each of the first masters is accepted, and the time it took."""

    query: str
    accepted: list[bool]
    seconds: float


def half(query: str) -> str:
    """The half of the truth that a query belongs to, by its hash."""
    return "report" if hashlib.sha256(query.encode()).digest()[0] % 2 else "tuning"


def load_feeds(dsn: str) -> None:
    """Loads the bundled price files and refreshes the views. Masters are resolved by barcode only."""
    resolver = Resolver()
    with Loader(dsn) as loader:
        for path in sorted(FEEDS.glob("Price*.gz")):
            loader.load(batches_of(path, resolver))
    refresh_views(dsn)


def batches_of(path: Path, resolver: Resolver) -> list[IngestBatch]:
    """The matched batches of one price file, as the pipeline makes them."""
    name = parse_file_name(path.name)
    assert name.published_at is not None
    content = hashlib.sha256(path.read_bytes()).hexdigest()
    times = (name.published_at, name.published_at)
    file = FileDownloaded(name.chain_id, "", content, path.stat().st_size, path.as_uri(), path.name, *times)
    with path.open("rb") as source:
        batches = list(cut_batches(FeedReader(source, path.name), file))
    for batch in batches:
        resolver.resolve(batch.chain_id, batch.items)
    return batches


def read_truth(connection: Connection) -> Truth:
    """The accepted masters of each query. Raises LookupError for a code that no chain sells."""
    aliases = {
        (chain_id, code): master_id
        for chain_id, code, master_id in connection.execute(
            "SELECT a.chain_id, a.item_code, coalesce(m.merged_into, m.master_id) "
            "FROM master_aliases a JOIN masters m ON m.master_id = a.master_id"
        )
    }
    accepted: defaultdict[str, set[int]] = defaultdict(set)
    with gzip.open(TRUTH, "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            code = row["chain_id"], row["item_code"]
            if code not in aliases:
                raise LookupError(f"{TRUTH.name}: no master has the code {code}")
            accepted[row["query"]].add(aliases[code])
    return {query: frozenset(masters) for query, masters in accepted.items()}


def ask(connection: Connection, truth: Truth) -> list[Result]:
    """Runs every query."""
    results = []
    for query, accepted in sorted(truth.items()):
        started = time.perf_counter()
        found = find_masters(connection, query, SHOWN)
        seconds = time.perf_counter() - started
        results.append(Result(query, [master_id in accepted for master_id in found], seconds))
    return results


def success(results: Sequence[Result], places: int) -> float:
    """The share of results with an accepted master within so many places."""
    return sum(any(result.accepted[:places]) for result in results) / len(results)


def report(results: Sequence[Result], console: Console, *, misses: bool) -> None:
    """Prints the figures of both halves."""
    table = Table(
        "half", "queries", "success at 1", "before", "success at 5", "before", "median ms", "slowest ms"
    )
    for name, before in BEFORE.items():
        part = [result for result in results if half(result.query) == name]
        times = [1000 * result.seconds for result in part]
        figures = (success(part, 1), before[0], success(part, SHOWN), before[1])
        table.add_row(
            name,
            str(len(part)),
            *(f"{one:.3f}" for one in figures),
            f"{median(times):.1f}",
            f"{max(times):.1f}",
        )
    console.print(table)
    for result in _missed(results) if misses else ():
        places = "".join("+" if one else "-" for one in result.accepted)
        console.print(f"{half(result.query)}: {result.query} {places or 'nothing found'}")


def _missed(results: Iterable[Result]) -> list[Result]:
    return [result for result in results if not any(result.accepted[:1])]


def main() -> None:
    """Loads, asks, reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="List queries without success at 1.")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        running_postgres(Path(folder) / "data", Path(folder) / "postgres.log") as server,
    ):
        migrate(server.dsn)
        print("loading the demo's feeds …", file=sys.stderr)  # noqa: T201
        load_feeds(server.dsn)
        with connect(server.dsn) as connection:
            report(ask(connection, read_truth(connection)), Console(), misses=options.misses)


if __name__ == "__main__":
    main()
