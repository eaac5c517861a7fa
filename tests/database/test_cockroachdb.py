"""The loader on CockroachDB: collected where `GOGOBE_TEST_COCKROACHDB` has the address of a server, of which the
tests use a database of their own."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gogobe.database.connection import connect
from gogobe.database.load.loader import Loader
from gogobe.database.load.results import LoadResult
from gogobe.database.migrations import migrate
from gogobe.records.messages import IngestBatch
from tests.conftest import COCKROACHDB
from tests.database.samples import at, file_batches, item, promotion

DATABASE = "gogobe_test"


@pytest.fixture
def address() -> Iterator[str]:
    """A database with the schema, dropped in the end."""
    assert COCKROACHDB is not None
    with psycopg.connect(COCKROACHDB, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE}".encode())
        connection.execute(f"CREATE DATABASE {DATABASE}".encode())
        made = make_conninfo(COCKROACHDB, dbname=DATABASE)
        migrate(made)
        yield made
        connection.execute(f"DROP DATABASE {DATABASE}".encode())


def test_files_are_loaded_once_and_full_ones_end_what_they_do_not_list(address: str) -> None:
    first = file_batches([item("100", "5"), item("200", "6")], hour=1)
    second = file_batches([item("100", "7")], hour=2)
    offers = file_batches([promotion("1", "100")], kind="promofull", hour=1)
    with Loader(address) as loader:
        assert loader.load([*first, *offers]).rows == 3
        assert loader.load(first).duplicate_batches == 1
        assert loader.load(second).ended == 1
    with connect(address) as db:
        assert db.execute("SELECT item_code, price FROM prices WHERE ended_at IS NULL").fetchall() == [
            ("100", Decimal(7))
        ]
        assert db.execute("SELECT changed_at, old_price, new_price FROM price_changes").fetchall() == [
            (at(2), Decimal(5), Decimal(7))
        ]
        assert db.execute("SELECT DISTINCT state FROM files").fetchall() == [("loaded",)]


def test_two_loaders_at_once_lose_nothing(address: str) -> None:
    """All transactions are SERIALIZABLE: conflicts (40001) are the loader's to try again."""
    shares = [
        [
            batch
            for hour in range(4)
            for batch in file_batches(
                [item(str(code), str(hour + 1)) for code in range(100, 130)],
                hour=hour,
                size=10,
                store_id=store_id,
            )
        ]
        for store_id in ("5", "6")
    ]

    def load(batches: list[IngestBatch]) -> LoadResult:
        total = LoadResult()
        with Loader(address) as loader:
            for batch in batches:
                total.add(loader.load([batch]))
        return total

    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(load, shares))
    assert not any(result.failed for result in results)
    with connect(address) as db:
        assert db.execute("SELECT price, count(*) FROM prices GROUP BY price").fetchall() == [(Decimal(4), 60)]
        assert db.execute("SELECT count(*) FROM price_changes").fetchone() == (180,)
