"""Small feeds of a few stores, each in several versions, and what a database holds once all are loaded."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click.testing
import psycopg
from psycopg.conninfo import make_conninfo

from gogobe.cli import main
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import backlog, commit_offsets, ensure_topics, lag, publish
from gogobe.local.stack import StackAddresses
from gogobe.records.messages import DISCOVERED, DOWNLOADED, INGEST, OVERFLOW, TOPICS, FileDiscovered, encode
from tests.portals import Request, Response

CHAIN, CHAIN_ID = "shufersal", "7290027600007"
STORES, VERSIONS, ITEMS = 6, 3, 40
MISSING = f"Price{CHAIN_ID}-099-202508070300.xml"
BROKEN = f"Price{CHAIN_ID}-098-202508070300.xml"


def name_of(store: int, version: int) -> str:
    return f"PriceFull{CHAIN_ID}-{store:03}-2025080{version}0300.xml"


def price_of(store: int, version: int, item: int) -> str:
    return f"{store + item}.{version}0"


def feed(store: int, version: int) -> bytes:
    head = f"<ChainId>{CHAIN_ID}</ChainId><SubChainId>1</SubChainId><StoreId>{store:03}</StoreId>"
    items = "".join(
        f"<Item><ItemCode>{7290000020000 + item}</ItemCode><ItemName>חלב {item}</ItemName>"
        f"<ItemPrice>{price_of(store, version, item)}</ItemPrice></Item>"
        for item in range(ITEMS)
    )
    return f'<root>{head}<Items Count="{ITEMS}">{items}</Items></root>'.encode()


BODIES = {
    name_of(store, version): feed(store, version)
    for version in range(1, VERSIONS + 1)
    for store in range(1, STORES + 1)
} | {BROKEN: b"no feed at all"}


def answer(request: Request) -> Response:
    """A portal with the feeds."""
    body = BODIES.get(request.path.removeprefix("/"))
    return Response(404) if body is None else Response(body=body)


@dataclass(frozen=True)
class Place:
    """A database and a consumer group of one test's own, on the stack that all share. `host`: HOST:PORT that
    files may be downloaded from; `store`: the object store."""

    stack: StackAddresses
    var: Path
    database: str
    group: str
    host: str
    store: str

    def run(self, *arguments: str) -> str:
        """`gogobe run …` with this place's settings; what it prints."""
        settings = [
            f"--kafka={self.stack.kafka}", f"--database={self.database}", f"--group={self.group}",
            f"--expansion-service={self.stack.expansion_service}", f"--fetch-hosts={self.host}",
            f"--store={self.store}", f"--masters={self.var / self.group / 'masters'}",
            "--views-every=2", f"--var={self.var}",
        ]  # fmt: skip
        result = click.testing.CliRunner().invoke(main, ["run", *arguments, *settings])
        assert result.exit_code == 0, result.output
        return result.output

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchall()

    def announce(self, url: str, names: list[str]) -> None:
        now = datetime.now(UTC)
        files = [FileDiscovered(CHAIN, f"{url}/{name}", now) for name in names]
        publish(self.stack.kafka, DISCOVERED, [(store_of(file).encode(), encode(file)) for file in files])

    def lags(self) -> list[int]:
        return [lag(self.stack.kafka, self.group, topic) for topic in (DISCOVERED, DOWNLOADED, INGEST)]


def place(stack: StackAddresses, var: Path, group: str, host: str = "", store: str = "") -> Place:
    """A place whose group begins at the present ends of the topics, with its store in a folder, unless given."""
    ensure_topics(stack.kafka, TOPICS)
    for topic in (DISCOVERED, OVERFLOW, DOWNLOADED, INGEST):
        commit_offsets(stack.kafka, group, topic, backlog(stack.kafka, group, topic).ends)
    with psycopg.connect(stack.database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {group}".encode())
    database = make_conninfo(stack.database, dbname=group)
    return Place(stack, var, database, group, host, store or str(var / group / "store"))


def wait_for(what: str, true: Callable[[], bool], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.3)


PRICES = "SELECT store_id, item_code, price FROM prices JOIN stores USING (store_key) WHERE ended_at IS NULL"
CHANGES = "SELECT store_id, item_code, new_price FROM price_changes JOIN stores USING (store_key) ORDER BY 1, 2, changed_at"
FILES = "SELECT file, state FROM files ORDER BY 1"
LETTERS = "SELECT stage, reason FROM dead_letters ORDER BY 1, 2"
VIEWS = "SELECT count(*) FROM master_chain_prices"


def check_all_is_loaded_once(place: Place) -> None:
    """Every store's newest prices, its history in the files' order, no batch twice, the failures of all stages."""
    codes = [str(7290000020000 + item) for item in range(ITEMS)]
    expected = {
        (str(store), code): [Decimal(price_of(store, version, item)) for version in range(1, VERSIONS + 1)]
        for store in range(1, STORES + 1)
        for item, code in enumerate(codes)
    }
    prices = {(store, code): price for store, code, price in place.rows(PRICES)}
    assert prices == {key: history[-1] for key, history in expected.items()}
    found: dict[tuple[str, str], list[Decimal]] = {}
    for store, code, price in place.rows(CHANGES):
        found.setdefault((store, code), []).append(price)
    assert {key: history[-VERSIONS + 1 :] for key, history in found.items()} == {
        key: history[-VERSIONS + 1 :] for key, history in expected.items()
    }
    assert place.rows("SELECT count(*), count(DISTINCT batch_id) FROM batches") == [(STORES * VERSIONS,) * 2]
    assert place.rows(FILES) == sorted((name, "loaded") for name in BODIES if name != BROKEN)
    assert place.rows(LETTERS) == [("download", "not_found"), ("parse", "not_a_feed")]
