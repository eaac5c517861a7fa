"""Stores: made bare by price files, described by Stores files, one and the same in either order."""

from __future__ import annotations

from decimal import Decimal

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.records.messages import IngestBatch
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
