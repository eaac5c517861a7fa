"""Merging two rows that are one store gives the same result as loading all files into one row."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.load.store_merge import merge_stores
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import PromotionGroup
from tests.database.samples import at, file_batches, item, promotion, store


def current(db: Connection, store_id: str = "5") -> dict[str, Decimal]:
    rows = db.execute(
        "SELECT item_code, price FROM prices JOIN stores USING (store_key) WHERE ended_at IS NULL AND store_id = %s",
        (store_id,),
    ).fetchall()
    assert len(dict(rows)) == len(rows), "one current price of an item"
    return dict(rows)


def running(db: Connection, store_id: str = "5") -> dict[str, list[str]]:
    """The codes of the promotions that have not ended."""
    rows = db.execute(
        "SELECT p.promotion_id, array_agg(i.item_code ORDER BY i.position) FROM promotions p "
        "JOIN promotion_items i USING (store_key, promotion_id) JOIN stores s USING (store_key) "
        "WHERE p.ended_at IS NULL AND s.store_id = %s GROUP BY 1",
        (store_id,),
    ).fetchall()
    return dict(rows)


def keys(db: Connection, store_id: str = "5") -> list[int]:
    rows = db.execute("SELECT store_key FROM stores WHERE store_id = %s ORDER BY sub_chain_id", (store_id,))
    return [key for (key,) in rows]


def join(db: Connection, source: int, target: int) -> None:
    with db.transaction(), db.cursor() as cursor:
        merge_stores(cursor, source, target)


def load(dsn: str, *files: list[IngestBatch]) -> None:
    with Loader(dsn) as loader:
        for batches in files:
            loader.load(batches)


def test_what_is_known_later_counts(dsn: str, db: Connection) -> None:
    """A full file speaks for what it confirms without writing it, and for what it does not list."""
    old: dict[str, Any] = {"kind": "price", "sub_chain_id": "0"}
    load(
        dsn,
        file_batches(
            [item("confirmed", "5"), item("changed", "5"), item("gone", "5")], sub_chain_id="1", hour=0
        ),
        file_batches([item("confirmed", "6"), item("changed", "6"), item("gone", "6")], hour=1, **old),
        file_batches([item("unlisted", "7")], hour=2, **old),
        file_batches([item("confirmed", "5"), item("changed", "8")], sub_chain_id="1", hour=3),
        file_batches([item("later", "9"), item("changed", "9")], hour=4, **old),
    )
    zero, one = keys(db)
    join(db, zero, one)
    assert current(db) == {"confirmed": 5, "changed": 9, "later": 9}
    assert keys(db) == [one]
    row = db.execute("SELECT prices_full_at FROM stores").fetchone()
    assert row == (at(3),)
    assert db.execute("SELECT DISTINCT store_key FROM files").fetchall() == [(one,)]
    changes = db.execute(
        "SELECT changed_at, old_price, new_price FROM price_changes WHERE item_code = 'changed'"
    )
    assert set(changes.fetchall()) == {(at(3), 5, 8), (at(4), 8, 9)}


@pytest.mark.parametrize("swapped", [False, True])
def test_the_newer_full_file_of_the_two_is_that_of_the_store(dsn: str, db: Connection, swapped: bool) -> None:
    """So files that are older than it stay out of date, whichever row it was loaded into."""
    full, other = ("0", "1") if swapped else ("1", "0")
    load(
        dsn,
        file_batches([item("other", "4")], sub_chain_id=other, hour=3, kind="price"),
        file_batches([item("listed", "5")], sub_chain_id=full, hour=2),
        file_batches([promotion("listed", "1")], sub_chain_id=full, hour=2, kind="promofull"),
        stores_file("5"),
        file_batches([item("late", "6")], sub_chain_id=other, hour=1, kind="price"),
        file_batches([promotion("late", "1")], sub_chain_id=other, hour=1, kind="promo"),
    )
    assert current(db) == {"listed": 5, "other": 4}
    assert running(db) == {"listed": ["1"]}


def test_promotions_move_with_groups_and_items(dsn: str, db: Connection) -> None:
    groups = [PromotionGroup("1", min_purchase_amount=Decimal(10))]
    load(
        dsn,
        file_batches([promotion("1", "a"), promotion("3", "c")], kind="promofull", sub_chain_id="1", hour=0),
        file_batches(
            [promotion("1", "a", "b", groups=groups), promotion("2", "b")],
            kind="promo",
            sub_chain_id="0",
            hour=1,
        ),
    )
    zero, one = keys(db)
    join(db, zero, one)
    assert running(db) == {"1": ["a", "b"], "2": ["b"], "3": ["c"]}
    assert db.execute("SELECT store_key, promotion_id FROM promotion_groups").fetchall() == [(one, "1")]


def stores_file(store_id: str) -> list[IngestBatch]:
    """It lists the store under sub-chain 1, so that sub-chain 0 means that one too."""
    rows = [store(store_id, sub_chain_id="1", name="דיל")]
    return file_batches(rows, kind="stores", hour=99, store_id="0", sub_chain_id="0")


ROWS = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 3)), unique_by=lambda row: row[0], min_size=1)
FILES = st.lists(
    st.tuples(st.sampled_from(["0", "1"]), st.booleans(), ROWS, st.sampled_from([True, True, False])),
    min_size=1,
    max_size=8,
)


def test_joined_is_as_loaded_into_one(dsn: str, db: Connection) -> None:
    numbers = itertools.count(100)

    @settings(max_examples=80, deadline=None)
    @given(drawn=FILES, promotions=st.booleans(), swapped=st.booleans(), late=st.integers(0, 7))
    def check(drawn: Sequence[Any], promotions: bool, swapped: bool, late: int) -> None:
        together, apart = (str(next(numbers)) for _ in range(2))

        def load(hour: int, store_id: str, sub_chain_id: str) -> None:
            _, is_full, rows, is_known = drawn[hour]
            where: dict[str, Any] = {"hour": hour, "store_id": store_id, "sub_chain_id": sub_chain_id}
            where["published_known"] = is_known
            if promotions:
                offers = [promotion(code, str(price)) for code, price in rows]
                loader.load(file_batches(offers, kind="promofull" if is_full else "promo", **where))
            else:
                items = [item(code, str(price)) for code, price in rows]
                loader.load(file_batches(items, kind="pricefull" if is_full else "price", **where))

        for hour, (sub_chain_id, *_) in enumerate(drawn):
            if hour != late:
                load(hour, together, "1")
                load(hour, apart, sub_chain_id)
        if len(both := keys(db, apart)) == 2:
            join(db, *(both[::-1] if swapped else both))
        if late < len(drawn):
            load(late, together, "1")
            loader.load(stores_file(apart))
            load(late, apart, "1")
        assert current(db, apart) == current(db, together)
        assert running(db, apart) == running(db, together)

    with Loader(dsn) as loader:
        check()
