"""The price history of a product."""

from __future__ import annotations

import pytest

from gogobe.database.history import price_history
from gogobe.database.load.loader import Loader
from gogobe.database.review.merges import merge_masters
from gogobe.database.views import refresh_views
from tests.database.samples import at, file_batches, item, store

MILK = "7290000042435"
Point = tuple[str, object, object, int, bool]


@pytest.fixture
def year(dsn: str) -> str:
    """Two stores of a chain whose prices change together, the second once more; and another chain."""
    with Loader(dsn) as loader:
        for hour, first, second in ((0, "5", "5"), (24, "6", "6"), (48, "6", "7")):
            for store_id, price in (("1", first), ("2", second)):
                loader.load(file_batches([item(MILK, price, name="חלב טרי")], store_id=store_id, hour=hour))
        loader.load(file_batches([item("77", "9", master_id=77, name="Milk")], chain="b", chain_id="2", hour=3))
    refresh_views(dsn)
    return dsn


def points(dsn: str, query: str, **options: int) -> list[Point]:
    (found,) = price_history(dsn, query, **options)
    return [(one.chain, one.since, one.price, one.stores, one.is_first) for one in found.points]


def test_the_first_price_and_each_change_with_its_stores(year: str) -> None:
    assert points(year, MILK) == [
        ("shufersal", at(0), 5, 2, True),
        ("shufersal", at(24), 6, 2, False),
        ("shufersal", at(48), 7, 1, False),
    ]


def test_words_and_masters_are_queries_too(year: str) -> None:
    assert points(year, "חלב") == points(year, MILK)
    assert points(year, "77") == [("b", at(3), 9, 1, True)]
    assert price_history(year, "ירושלים") == []


def test_a_merged_master_has_the_history_of_both(year: str) -> None:
    merge_masters(year, 77, int(MILK), reason="for the test", by="dana")
    refresh_views(year)
    assert {chain for chain, *_ in points(year, "milk")} == {"b", "shufersal"}


def test_an_ended_price_keeps_its_history(year: str) -> None:
    with Loader(year) as loader:
        for store_id in ("1", "2"):
            loader.load(file_batches([item("1", "1")], store_id=store_id, hour=72))
    (found,) = price_history(year, MILK)
    assert len(found.points) == 3
    assert {one.ended_at for one in found.points} == {at(72)}


def test_the_history_in_one_city(year: str) -> None:
    with Loader(year) as loader:
        stores = [store("1", city="חיפה"), store("2", city="אשדוד")]
        loader.load(file_batches(stores, kind="stores"))
    assert [price for _, _, price, _, _ in points(year, MILK, city_code=4000)] == [5, 6]
