"""Stores: created by price files and described by Stores files, in either order."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import psycopg
import pytest

from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.load.stores import StoreKeys, lock_stores
from gogobe.records.messages import IngestBatch
from tests.database.blocking import wait_until_blocked
from tests.database.samples import CHAIN, at, empty, file_batches, item, store


def stores_file(*rows: object, hour: float = 0) -> list[IngestBatch]:
    return file_batches(list(rows), kind="stores", hour=hour, store_id="0", sub_chain_id="0")  # type: ignore[arg-type]


def known(db: Connection) -> list[tuple[object, ...]]:
    return db.execute("SELECT sub_chain_id, store_id, name FROM stores ORDER BY 1, 2").fetchall()


def test_a_stores_file_describes_stores(dsn: str, db: Connection) -> None:
    row = store("005", sub_chain_id="001", name="דיל", city="5000", latitude=Decimal("32.1"))
    with Loader(dsn) as loader:
        result = loader.load(stores_file(row))
        assert (result.rows, result.files_completed) == (1, 1)
        again = loader.load(stores_file(store("5", sub_chain_id="1", address="הרצל 1"), hour=1))
        assert again.rows == 1
        assert loader.load(stores_file(store("5", sub_chain_id="1", name="דיל"), hour=2)).unchanged == 1
        assert loader.load(stores_file(store("5", sub_chain_id="1", name="ישן"), hour=0.5)).stale == 1
    assert db.execute(
        "SELECT chain_id, sub_chain_id, store_id, name, address, city, latitude FROM stores"
    ).fetchall() == [(CHAIN, "1", "5", "דיל", "הרצל 1", "5000", Decimal("32.1"))]


def test_a_store_is_one_whatever_its_files_say_of_the_sub_chain(dsn: str, db: Connection) -> None:
    prices, stores = file_batches([item("1", "1")]), stores_file(store("5", sub_chain_id="7", name="דיל"))
    later = file_batches([item("1", "2")], kind="price", hour=3)
    together = [*prices, *stores]
    for order in ([prices, stores, later], [stores, prices, later], [together, later], [together[::-1], later]):
        empty(db)
        for batches in [*order, together]:  # in the end both once more, as when files are announced again
            with Loader(dsn) as loader:
                loader.load(batches)
        assert known(db) == [("7", "5", "דיל")]
        assert db.execute("SELECT price FROM prices").fetchall() == [(Decimal(2),)]


def test_one_number_in_two_sub_chains_is_two_stores(dsn: str, db: Connection) -> None:
    rows = [store("5", sub_chain_id="1", name="one"), store("5", sub_chain_id="2", name="two")]
    with Loader(dsn) as loader:
        loader.load(stores_file(*rows))
        loader.load(file_batches([item("1", "1")], sub_chain_id="2"))
    assert known(db) == [("1", "5", "one"), ("2", "5", "two")]
    row = db.execute("SELECT s.name FROM prices JOIN stores s USING (store_key)").fetchone()
    assert row == ("two",)


def test_a_stores_file_of_several_batches_completes(dsn: str, db: Connection) -> None:
    batches = file_batches([store(str(n)) for n in range(1, 8)], kind="stores", size=3)
    with Loader(dsn) as loader:
        for batch in reversed(batches):
            loader.load([batch])
    assert db.execute("SELECT state, loaded, read, published_at FROM files").fetchall() == [
        ("loaded", 7, 7, at(0))
    ]


def test_stores_are_locked_in_the_order_of_their_keys(dsn: str, db: Connection) -> None:
    """In any order of the rows on disk; otherwise two loaders of the same stores would deadlock."""
    batches = [*file_batches([item("1", "1")], store_id="1"), *file_batches([item("1", "1")], store_id="2")]
    with Loader(dsn) as loader:
        loader.load(batches)
    first, second = (key for (key,) in db.execute("SELECT store_key FROM stores ORDER BY store_key").fetchall())
    db.execute("UPDATE stores SET name = 'moved to the end of the table' WHERE store_key = %s", (first,))
    with connect(dsn) as holder, connect(dsn) as loading, connect(dsn) as other, ThreadPoolExecutor(1) as pool:
        loading.execute("SET enable_indexscan = off; SET enable_bitmapscan = off")
        rows = StoreKeys().ensure(loading, batches)

        def lock() -> list[int]:
            with loading.transaction(), loading.cursor() as cursor:
                return list(lock_stores(cursor, rows.identities))

        with holder.transaction():
            holder.execute("SELECT 1 FROM stores WHERE store_key = %s FOR UPDATE", (first,))
            locked = pool.submit(lock)
            wait_until_blocked(db, loading)
            # It waits for the first, and so it must not hold the second.
            taken = other.execute(
                "SELECT store_key FROM stores WHERE store_key = %s FOR UPDATE SKIP LOCKED", (second,)
            ).fetchall()
        assert sorted(locked.result(20)) == [first, second]
    assert taken == [(second,)]


def test_a_locked_store_keeps_others_away_until_the_commit(dsn: str, db: Connection) -> None:
    batches = file_batches([item("1", "1")])
    with Loader(dsn) as loader:
        loader.load(batches)
        with db.transaction(), db.cursor() as cursor:
            lock_stores(cursor, StoreKeys().ensure(db, batches).identities)
            with connect(dsn) as other, pytest.raises(psycopg.errors.LockNotAvailable):
                other.execute("SELECT 1 FROM stores FOR NO KEY UPDATE NOWAIT")
