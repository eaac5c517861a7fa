"""The loader when the database refuses data, reports conflicts, or is unreachable; and concurrent loaders."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import IsolationLevel

from gogobe.database import connection as postgres
from gogobe.database.connection import (
    ATTEMPTS,
    Connection,
    Cursor,
    UnstorableValueError,
    connect,
    copy_rows,
    is_data_fault,
    is_transient,
    with_retries,
)
from gogobe.database.load import transaction
from gogobe.database.load.files import lock_files
from gogobe.database.load.loader import Loader, LoadResult
from gogobe.database.load.tallies import NewBatches
from gogobe.records.messages import IngestBatch
from tests.database.samples import at, empty, file_batches, item


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
        rows[4].name = "repaired"
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


def fail_on(monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, code: str) -> None:
    """The loader's step `name` fails with this error where it meets the item."""
    step = getattr(transaction, name)

    def failing(cursor: Cursor, *arguments: Any) -> Any:
        batches = next((one.batches for one in arguments if isinstance(one, NewBatches)), None) or arguments[1]
        if any(row.item_code == code for batch in batches for row in batch.items):
            raise error
        return step(cursor, *arguments)

    monkeypatch.setattr(transaction, name, failing)


@pytest.mark.parametrize(
    "error", [ValueError("zip() argument 2 is shorter"), OverflowError("ours"), KeyError(7)]
)
@pytest.mark.parametrize("step", ["load_promotions", "load_aliases"])
def test_a_fault_of_our_own_is_never_the_datas(
    dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch, error: Exception, step: str
) -> None:
    batches = file_batches([item(str(code), "5") for code in range(1, 8)], size=1)
    with Loader(dsn) as loader:
        with monkeypatch.context() as fault:
            fail_on(fault, step, error, "5")
            result = loader.load(batches)
        assert (result.batches, result.rows) == (6, 6)
        (failed,) = result.failed
        assert (failed.batch, failed.reason) == (batches[4], "internal_error")
        assert "Traceback" in failed.cause
        assert repr(error.args[0]).strip("'") in failed.cause
        row = db.execute("SELECT state, batches_failed, problems FROM files").fetchone()
        assert row == ("incomplete", 1, ["internal_error: batch 4"])
        assert loader.load(batches).rows == 1, "replayed once the fault is repaired, it is taken"
    assert db.execute("SELECT state, loaded FROM files").fetchall() == [("loaded", 7)]


def test_a_batch_that_cannot_even_be_entered_in_the_ledger_stops_nothing(
    dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = [*file_batches([item("1", "5")], hour=1), *file_batches([item("2", "5")], hour=2)]

    def failing(cursor: Cursor, batches: Sequence[IngestBatch]) -> Any:
        if batches[0].published_at == at(1):
            raise ValueError("ours")
        return lock_files(cursor, batches)

    monkeypatch.setattr(transaction, "lock_files", failing)
    with Loader(dsn) as loader:
        assert [failed.batch for failed in loader.load(batches).failed] == batches[:1]
    assert db.execute("SELECT item_code FROM prices").fetchall() == [("2",)]


def test_a_database_that_cannot_be_used_is_raised_and_no_batch_blamed(dsn: str, db: Connection) -> None:
    db.execute("DROP TABLE price_changes, master_aliases CASCADE")
    with Loader(dsn) as loader, pytest.raises(psycopg.errors.UndefinedTable):
        loader.load(file_batches([item("1", "5"), item("2", "5")], size=1))


def test_what_a_loader_remembers_may_be_removed(dsn: str, db: Connection) -> None:
    """A chain and a store that the loader knows are deleted: it adds them again."""
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5")], hour=1))
        empty(db)
        assert loader.load(file_batches([item("1", "5")], hour=2)).rows == 1
    assert count(db, "stores") == 1


def test_a_chain_that_a_loader_remembers_may_be_removed(dsn: str, db: Connection) -> None:
    """Files without a store have nothing else that would be missing."""
    with Loader(dsn) as loader:
        loader.load(file_batches([], kind="stores", hour=1))
        empty(db)
        assert loader.load(file_batches([], kind="stores", hour=2)).files_completed == 1


def test_whose_fault_an_error_is(dsn: str, db: Connection) -> None:
    db.execute("CREATE TABLE small (n integer CHECK (n < 5), t text); CREATE UNIQUE INDEX ON small (n)")
    db.execute("CREATE TABLE months (n integer) PARTITION BY RANGE (n)")

    def error_of(statement: str, *values: object) -> Exception:
        with pytest.raises((psycopg.Error, UnicodeEncodeError)) as raised:
            db.execute(statement.encode(), values)
        return raised.value

    assert is_data_fault(error_of("INSERT INTO small VALUES (7)"))
    assert is_data_fault(error_of("INSERT INTO small VALUES (%s)", 2**40))
    assert is_data_fault(error_of("INSERT INTO small (t) VALUES (%s)", "nul\0"))
    assert is_data_fault(error_of("INSERT INTO small (t) VALUES (%s)", "surrogate \ud800"))
    assert not is_data_fault(error_of("INSERT INTO months VALUES (7)")), "no partition is no data"
    assert not is_data_fault(error_of("INSERT INTO batches VALUES ('a', 'unknown', 0)")), "nor a missing row"
    assert not is_data_fault(ValueError("ours"))
    assert not is_data_fault(OverflowError("ours"))


def test_only_the_encoding_of_a_value_is_the_values_fault(dsn: str, db: Connection) -> None:
    db.execute("CREATE TABLE copied (n bigint, t text)")
    columns: Any = (("n", "int8"), ("t", "text"))

    def broken() -> Iterator[tuple[int, str]]:
        yield 1, "one"
        raise ValueError("ours")

    def copy(rows: Iterable[tuple[int, str]]) -> None:
        with db.cursor() as cursor:
            copy_rows(cursor, "copied", columns, rows)

    for row in ((2**63, "large"), (1, "surrogate \ud800")):
        with pytest.raises(UnstorableValueError, match="a value for copied"):
            copy([row])
    with pytest.raises(ValueError, match=r"^ours$") as raised:
        copy(broken())
    assert not is_data_fault(raised.value)
    assert count(db, "copied") == 0


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


def test_a_pause_too_long_and_a_lock_not_granted_are_transient() -> None:
    assert is_transient(psycopg.errors.IdleInTransactionSessionTimeout())
    assert is_transient(psycopg.errors.LockNotAvailable())


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (psycopg.errors.LockNotAvailable, ATTEMPTS),
        (psycopg.errors.QueryCanceled, 3),
        (psycopg.errors.UndefinedTable, 1),
    ],
)
def test_a_statement_that_takes_too_long_is_tried_a_few_times_only(
    monkeypatch: pytest.MonkeyPatch, error: type[psycopg.Error], attempts: int
) -> None:
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    calls: list[int] = []

    def fail() -> None:
        calls.append(1)
        raise error

    with pytest.raises(error):
        with_retries(fail)
    assert len(calls) == attempts


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


def test_a_line_that_was_removed_from_the_ledger_is_added_again(dsn: str, db: Connection) -> None:
    """A loader remembers the files that it has entered."""
    batches = file_batches([item(str(code), "5") for code in range(1, 5)], size=2)
    with Loader(dsn) as loader:
        loader.load(batches[:1])
        db.execute("TRUNCATE files CASCADE")
        assert loader.load(batches[1:]).rows == 2
        assert loader.load(batches[:1]).batches == 1
    assert db.execute("SELECT state, read, taken FROM files").fetchall() == [("loaded", 4, 4)]
