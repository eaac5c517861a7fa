"""Benchmark of loading into PostgreSQL: `python -m benchmarks.load [--stores N] [--items N]`.

Starts a server (durability on), generates the files of chains with overlapping ranges, and loads them with
commits of 500, 5,000 and 20,000 rows: a first load, the next day's files unchanged, the next day's with some
prices changed, and with all prices changed; for comparison, plain COPY of the same rows in the same commits
into a table like `prices`. Prints a table and writes `var/bench-load.json`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec
import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.measure import write_json
from gogobe.database.connection import connect, copy_rows
from gogobe.database.load.loader import Loader
from gogobe.database.load.marks import file_row_base
from gogobe.database.migrations import migrate
from gogobe.database.views import refresh_views
from gogobe.local.postgres import PostgresServer, running_postgres
from gogobe.records.messages import FileTotals, IngestBatch
from gogobe.records.rows import BATCH_SIZE, Item

COMMITS: Final = (500, 5_000, 20_000)
CHAINS: Final = 2
SHARE_CHANGED: Final = 0.03
FIRST_DAY: Final = datetime(2026, 1, 5, 4, tzinfo=UTC)

_PRICE_COLUMNS: Final = (
    ("store_key", "int4"),
    ("item_code", "text"),
    ("price", "numeric"),
    ("unit_price", "numeric"),
    ("allow_discount", "bool"),
    ("price_updated_at", "timestamptz"),
    ("published_at", "timestamptz"),
    ("source_row", "int8"),
    ("first_seen_at", "timestamptz"),
)


class Measure(msgspec.Struct):
    """One line of the result. `seconds` is wall time; `python_seconds` and `server_seconds` are CPU time of
    this process and of all server processes, which vary less on a shared machine."""

    what: str
    commit_rows: int
    rows: int
    seconds: float
    python_seconds: float
    server_seconds: float

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds

    @property
    def rows_per_cpu_second(self) -> float:
        """The throughput if one core did the work of loader and server in turn."""
        return self.rows / (self.python_seconds + self.server_seconds)


class Clock:
    """Measures from its construction to `read`."""

    def __init__(self, data: Path) -> None:
        self._server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        self._start = self._now()

    def _now(self) -> tuple[float, float, float]:
        server = 0.0
        for process in (self._server, *self._server.children()):
            with contextlib.suppress(psutil.NoSuchProcess):
                used = process.cpu_times()
                server += used.user + used.system + used.children_user + used.children_system
        return time.perf_counter(), time.process_time(), server

    def read(self, what: str, commit_rows: int, rows: int) -> Measure:
        """The measure of the work since the construction."""
        return Measure(what, commit_rows, rows, *(b - a for a, b in zip(self._start, self._now(), strict=True)))


class Market:
    """Chains with stores. Each store has a part of its chain's range, half of which other chains sell too."""

    def __init__(self, stores: int, items: int) -> None:
        self._chance = random.Random(11)
        self._items = items
        self._stores = [(f"chain{number % CHAINS}", str(number)) for number in range(stores)]
        self._prices: dict[tuple[str, str], dict[str, Decimal]] = {}
        for chain, store in self._stores:
            codes = self._chance.sample(range(items * 3 // 2), items)
            first = CHAINS * 10**6 if chain == "chain0" else CHAINS * 10**6 + items * 3 // 4
            self._prices[chain, store] = {
                str(7290000000000 + first + code): Decimal(self._chance.randint(100, 9999)).scaleb(-2)
                for code in sorted(codes)
            }

    def change_prices(self, share: float) -> None:
        """Changes a share of all prices."""
        for prices in self._prices.values():
            for code in prices:
                if self._chance.random() < share:
                    prices[code] += Decimal("0.10")

    def day(self, number: int) -> Iterator[IngestBatch]:
        """Every store's PriceFull of a day, in batches."""
        for minute, key in enumerate(self._stores):
            yield from self._file(*key, FIRST_DAY + timedelta(days=number, minutes=minute))

    def _file(self, chain: str, store: str, published_at: datetime) -> Iterator[IngestBatch]:
        sha = hashlib.sha256(f"{chain}/{store}/{published_at}".encode()).hexdigest()
        items = [
            Item(
                item_code=code,
                price=price,
                row=row,
                name=f"גבינה לבנה תנובה {code[-6:]} 250 גרם",
                item_type=1,
                manufacturer="תנובה",
                country="IL",
                description=f"גבינה לבנה {code[-6:]}",
                unit_qty="גרם",
                quantity=Decimal(250),
                unit_of_measure="100 גרם",
                is_weighted=False,
                unit_price=price * 4,
                allow_discount=True,
                item_status="1",
                price_updated_at=FIRST_DAY,
                master_id=int(code),
                gtin=int(code),
                match="gtin",
                score=1.0,
            )
            for row, (code, price) in enumerate(self._prices[chain, store].items(), start=1)
        ]
        starts = range(0, len(items), BATCH_SIZE)
        for sequence, start in enumerate(starts):
            last = sequence == len(starts) - 1
            yield IngestBatch(
                batch_id=f"{sha}-{sequence}",
                kind="pricefull",
                chain=chain,
                chain_id=chain,
                sub_chain_id="1",
                store_id=store,
                file=f"PriceFull{chain}-{store}.gz",
                sequence=sequence,
                last=last,
                published_at=published_at,
                content_sha256=sha,
                source_url=f"https://prices.example/{sha}",
                discovered_at=published_at,
                downloaded_at=published_at,
                items=items[start : start + BATCH_SIZE],
                totals=FileTotals(read=len(items), refused=0, complete=True) if last else None,
            )


def measure_load(data: Path, dsn: str, what: str, batches: Sequence[IngestBatch], commit_rows: int) -> Measure:
    """Loads the batches through a warmed-up loader."""
    together = commit_rows // BATCH_SIZE
    rows = sum(len(batch.items) for batch in batches)
    with Loader(dsn) as loader:
        loader.load([])
        clock = Clock(data)
        for start in range(0, len(batches), together):
            result = loader.load(batches[start : start + together])
            if result.failed:
                raise SystemExit(f"the database refused a batch: {result.failed[0].cause}")
        return clock.read(what, commit_rows, rows)


def measure_copy(data: Path, dsn: str, batches: Sequence[IngestBatch], commit_rows: int) -> Measure:
    """Plain binary COPY of the same rows into a table with the columns and the key of `prices`."""
    together = commit_rows // BATCH_SIZE
    with connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS copied")
        cursor.execute("CREATE TABLE copied (LIKE prices INCLUDING ALL)")
        clock = Clock(data)
        for start in range(0, len(batches), together):
            with connection.transaction():
                copy_rows(cursor, "copied", _PRICE_COLUMNS, _price_rows(batches[start : start + together]))
        return clock.read("plain COPY", commit_rows, sum(len(batch.items) for batch in batches))


def _price_rows(batches: Sequence[IngestBatch]) -> Iterator[tuple[object, ...]]:
    for batch in batches:
        key, base, published_at = (
            int(batch.store_id),
            file_row_base(batch.content_sha256, batch.reader_version),
            batch.published_at,
        )
        for item in batch.items:
            yield (
                key,
                item.item_code,
                item.price,
                item.unit_price,
                item.allow_discount,
                item.price_updated_at,
                published_at,
                base + item.row,
                published_at,
            )


def run(server: PostgresServer, stores: int, items: int) -> list[Measure]:
    """All measures on a server, with a database per commit size."""
    measures = []
    for commit_rows in COMMITS:
        name = f"bench_{commit_rows}"
        with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        dsn = server.dsn_of(name)
        migrate(dsn)
        market = Market(stores, items)
        first = list(market.day(0))
        measures.append(measure_copy(server.data, dsn, first, commit_rows))
        measures.append(measure_load(server.data, dsn, "first load", first, commit_rows))
        with connect(dsn) as connection:
            connection.execute("ANALYZE")
        measures.append(measure_load(server.data, dsn, "next day, unchanged", list(market.day(1)), commit_rows))
        market.change_prices(SHARE_CHANGED)
        what = f"next day, {SHARE_CHANGED:.0%} changed"
        measures.append(measure_load(server.data, dsn, what, list(market.day(2)), commit_rows))
        market.change_prices(1)
        measures.append(
            measure_load(server.data, dsn, "next day, all changed", list(market.day(3)), commit_rows)
        )
    rows = stores * items
    for what in ("views, first refresh", "views, refresh again"):
        clock = Clock(server.data)
        refresh_views(dsn)
        measures.append(clock.read(what, 0, rows))
    return measures


def show(measures: Sequence[Measure]) -> None:
    """The measures as a table."""
    table = Table(
        "what",
        "rows a commit",
        "rows",
        "seconds",
        "Python",
        "server",
        "rows/s",
        "rows/CPU s",
        title="Loading prices",
    )
    for one in measures:
        table.add_row(
            one.what,
            f"{one.commit_rows:,}" if one.commit_rows else "",
            f"{one.rows:,}",
            f"{one.seconds:.2f}",
            f"{one.python_seconds:.2f}",
            f"{one.server_seconds:.2f}",
            f"{one.rows_per_second:,.0f}",
            f"{one.rows_per_cpu_second:,.0f}",
        )
    Console(file=sys.stdout, width=112).print(table)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stores", type=int, default=20)
    parser.add_argument("--items", type=int, default=5_000, help="items in each store")
    parser.add_argument("--output", type=Path, default=Path("var/bench-load.json"))
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="gogobe-bench-", ignore_cleanup_errors=True) as folder,
        running_postgres(Path(folder) / "data", Path(folder) / "postgres.log") as server,
    ):
        measures = run(server, options.stores, options.items)
    show(measures)
    lines = [
        msgspec.structs.asdict(one)
        | {"rows_per_second": one.rows_per_second, "rows_per_cpu_second": one.rows_per_cpu_second}
        for one in measures
    ]
    write_json(options.output, lines)


if __name__ == "__main__":
    main()
