"""What the loader does when the database refuses, conflicts, or goes away; and several loaders at once."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest
from psycopg import IsolationLevel

from gogobe.database import connection as postgres
from gogobe.database.connection import Connection, connect, is_transient, with_retries
from gogobe.database.load.loader import Loader, LoadResult
from gogobe.records.messages import IngestBatch
from tests.database.samples import at, file_batches, item


def count(db: Connection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("bad", ["nul\0", "surrogate \ud800"])
def test_a_refused_batch_comes_back_and_its_neighbours_are_loaded(dsn: str, db: Connection, bad: str) -> None:
    rows = [item(str(code), "5") for code in range(1, 8)]
    rows[4].name = bad
    batches = file_batches(rows, size=1)
    with Loader(dsn) as loader:
        result = loader.load(batches)
        assert (result.batches, result.rows, len(result.failed)) == (6, 6, 1)
        (failed,) = result.failed
        assert (failed.batch, failed.reason) == (batches[4], "refused_by_database")
        assert "batch 4" in failed.detail
        assert failed.cause
        assert db.execute("SELECT state, batches_failed, problems FROM files").fetchall() == [
            ("incomplete", 1, ["refused_by_database: batch 4"])
        ]
        rows[4].name = "mended"
        assert loader.load(batches).rows == 1
    assert count(db, "prices") == 7
    assert db.execute("SELECT state, batches_failed, loaded FROM files").fetchall() == [("loaded", 0, 7)]


def test_an_index_entry_too_large_is_the_datas_fault(dsn: str) -> None:
    codes = "".join(random.Random(2).choices("0123456789abcdefghijklmnopqrstuvwxyz", k=20_000))
    with Loader(dsn) as loader:
        assert len(loader.load(file_batches([item(codes, "5", master_id=5)])).failed) == 1


def test_a_file_whose_failed_batch_is_missing_ends_nothing(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5"), item("2", "5")], hour=1))
        batches = file_batches([item("1", "5"), item("2", "5", name="\0")], hour=2, size=1)
        loader.load(batches)
    assert count(db, "prices WHERE ended_at IS NOT NULL") == 0


def test_a_lost_connection_is_made_again(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5")], hour=1))
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'gogobe' "
            "AND pid <> pg_backend_pid() AND datname = current_database()"
        )
        assert loader.load(file_batches([item("1", "6")], hour=2)).rows == 1


def test_a_database_out_of_reach_is_raised_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    with pytest.raises(psycopg.OperationalError), Loader("postgresql://gogobe@127.0.0.1:1/none") as loader:
        loader.load(file_batches([item("1", "5")]))


def test_what_is_transient() -> None:
    assert is_transient(psycopg.errors.SerializationFailure())
    assert is_transient(psycopg.errors.DeadlockDetected())
    assert is_transient(psycopg.errors.AdminShutdown())
    assert is_transient(psycopg.OperationalError("the connection is lost"))
    assert not is_transient(psycopg.errors.UndefinedTable())
    assert not is_transient(psycopg.errors.QueryCanceled())


def test_retries_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    calls: list[int] = []

    def conflict() -> None:
        calls.append(1)
        raise psycopg.errors.SerializationFailure

    with pytest.raises(psycopg.errors.SerializationFailure):
        with_retries(conflict, attempts=3)
    assert len(calls) == 3


def overlapping_files(loaders: int) -> Iterator[list[IngestBatch]]:
    """For each loader the full files of the same stores of two chains, with the same items, at other hours, and
    in another order."""
    chance = random.Random(5)
    for number in range(loaders):
        files = []
        for store_id in range(6):
            codes = chance.sample(range(1000, 1060), 40)
            rows = [item(str(code), str(chance.randint(1, 9)), name=f"name {code} {number}") for code in codes]
            chain = str(store_id % 2)
            hour = number + store_id / 10
            files.append(
                file_batches(rows, size=10, hour=hour, store_id=str(store_id), chain=chain, chain_id=chain)
            )
        chance.shuffle(files)
        yield [batch for file in files for batch in file]


@pytest.mark.parametrize("isolation", [None, IsolationLevel.SERIALIZABLE])
def test_loaders_at_once_end_as_one_alone(dsn: str, db: Connection, isolation: IsolationLevel | None) -> None:
    """Four loaders on the same stores, masters and aliases: nothing is lost, and no deadlock needs breaking."""

    def load(batches: list[IngestBatch]) -> LoadResult:
        total = LoadResult()
        with Loader(dsn, isolation) as loader:
            for start in range(0, len(batches), 6):
                total.add(loader.load(batches[start : start + 6]))
        return total

    shares = list(overlapping_files(4))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(load, shares))
    assert sum(result.batches for result in results) == sum(len(share) for share in shares)
    assert not any(result.failed for result in results)
    expected = {
        (batch.store_id, one.item_code): one.price
        for batch in sorted(
            (batch for share in shares for batch in share), key=lambda batch: batch.published_at
        )
        for one in batch.items
        if batch.published_at >= at(3)
    }
    rows = db.execute(
        "SELECT s.store_id, p.item_code, p.price FROM prices p JOIN stores s USING (store_key) "
        "WHERE p.ended_at IS NULL"
    )
    assert {(store_id, code): price for store_id, code, price in rows} == expected
    assert db.execute("SELECT DISTINCT state FROM files").fetchall() == [("loaded",)]
    assert count(db, "listed_codes") == 0
    names = db.execute(
        "SELECT count(*) FROM masters m WHERE NOT EXISTS (SELECT 1 FROM master_aliases a "
        "WHERE a.master_id = m.master_id AND a.name = m.name)"
    ).fetchone()
    assert names == (0,)
    if isolation is None:
        with connect(dsn) as connection:
            row = connection.execute(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
            )
            assert row.fetchone() == (0,)


def test_the_same_batches_from_two_loaders_count_once(dsn: str, db: Connection) -> None:
    batches = file_batches([item(str(code), "5") for code in range(300)], size=10)

    def load(_: int) -> LoadResult:
        total = LoadResult()
        with Loader(dsn) as loader:
            for batch in batches:
                total.add(loader.load([batch]))
        return total

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(load, range(3)))
    assert sum(result.batches for result in results) == 30
    assert sum(result.duplicate_batches for result in results) == 60
    assert db.execute("SELECT loaded, state FROM files").fetchall() == [(300, "loaded")]
    assert db.execute("SELECT DISTINCT price FROM prices").fetchall() == [(Decimal(5),)]
