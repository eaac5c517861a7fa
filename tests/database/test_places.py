"""Cities by any spelling, and prices in the stores of a city."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.places import UnknownCityError, city_of, prices_in_city
from gogobe.database.views import refresh_views
from tests.database.samples import at, file_batches, item, store

MILK = "7290000042435"


@pytest.mark.parametrize(
    ("written", "code", "name"),
    [
        ("תל אביב", 5000, "תל אביב - יפו"),
        ("תל-אביב", 5000, "תל אביב - יפו"),
        ("תל אביב-יפו", 5000, "תל אביב - יפו"),
        ('ת"א', 5000, "תל אביב - יפו"),
        ("5000", 5000, "תל אביב - יפו"),
        ("0070", 70, "אשדוד"),
        ("קרית אתא", 6800, "קריית אתא"),
        ("קריית-אתא", 6800, "קריית אתא"),
        (" פתח תקוה ", 7900, "פתח תקווה"),
        ("נהריה", 9100, "נהרייה"),
        ("כפרורדים", 1263, "כפר ורדים"),
        ("נצרת עילית -  נוף הגליל", 1061, "נוף הגליל"),
        ('ראשל"צ', 8300, "ראשון לציון"),
        ("סכנין", 7500, "סח'נין"),
    ],
)
def test_every_spelling_leads_to_one_city(db: Connection, written: str, code: int, name: str) -> None:
    city = city_of(db, written)
    assert (city.city_code, city.name) == (code, name)


@pytest.mark.parametrize("written", ["", "0", "אטלנטיס", "99999", "תל", "'; --"])
def test_an_unknown_city_is_refused_with_similar_names(db: Connection, written: str) -> None:
    with pytest.raises(UnknownCityError, match=r"similar names: .+"):
        city_of(db, written)


def test_the_table_of_cities_is_plausible(db: Connection) -> None:
    rows = db.execute("SELECT city_code, name, latitude, longitude FROM cities").fetchall()
    assert len(rows) > 150
    for _, name, latitude, longitude in rows:
        assert name == name.strip() != ""
        assert (latitude is None) == (longitude is None)
        assert latitude is None or (29.4 < latitude < 33.4 and 34.2 < longitude < 35.9), name
    assert sum(latitude is not None for _, _, latitude, _ in rows) > 0.9 * len(rows)
    haifa = {row[0]: row for row in rows}[4000]
    assert abs(haifa[2] - Decimal("32.8")) < Decimal("0.1")


@pytest.fixture
def towns(dsn: str) -> str:
    """Two chains: one with stores in Haifa and in Ashdod, one in Haifa that writes the city's number."""
    with Loader(dsn) as loader:
        stores = [
            store("1", name="Carmel", address="Main 1", city="חיפה"),
            store(
                "2",
                name="Port",
                address="Sea 2",
                city="אשדוד",
                latitude=Decimal("31.8"),
                longitude=Decimal("34.6"),
            ),
        ]
        loader.load(file_batches(stores, kind="stores"))
        loader.load(
            file_batches([store("9", name="Bay", city="4000")], kind="stores", chain="bay", chain_id="9")
        )
        for store_id, price in (("1", "6.10"), ("2", "3.00")):
            loader.load(file_batches([item(MILK, price, name="חלב טרי")], store_id=store_id, hour=1))
        loader.load(
            file_batches([item(MILK, "5.90", name="חלב 3%")], store_id="9", chain="bay", chain_id="9", hour=2)
        )
    refresh_views(dsn)
    return dsn


def test_prices_in_the_stores_of_a_city(towns: str) -> None:
    (milk,) = prices_in_city(towns, "חלב", "חיפה")
    assert milk.city.city_code == 4000
    assert [
        (one.chain, one.store, one.address, one.city, one.price, one.last_seen_at) for one in milk.prices
    ] == [
        ("bay", "Bay", None, "חיפה", Decimal("5.90"), at(2)),
        ("shufersal", "Carmel", "Main 1", "חיפה", Decimal("6.10"), at(1)),
    ]
    assert prices_in_city(towns, MILK, "אשדוד")[0].prices[0].price == 3
    assert prices_in_city(towns, "חלב", "אילת") == []


def test_a_master_that_only_other_cities_sell_takes_no_place(dsn: str) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([store("1", city="חיפה"), store("2", city="אשדוד")], kind="stores"))
        elsewhere = [item(str(n), "1", name="בננה") for n in range(1, 20)]
        loader.load(file_batches(elsewhere, store_id="1", hour=1))
        loader.load(file_batches([item("99", "2", name="בננה מובחרת ארוזה")], store_id="2", hour=1))
    refresh_views(dsn)
    assert [one.master_id for one in prices_in_city(dsn, "בננות", "אשדוד", limit=3)] == [99]
    assert len(prices_in_city(dsn, "בננות", "חיפה", limit=3)) == 3


def test_a_store_has_its_own_point_or_its_citys(towns: str) -> None:
    with connect(towns) as db:
        rows = db.execute("SELECT name, latitude, is_exact FROM store_places ORDER BY name").fetchall()
        (haifa,) = db.execute("SELECT latitude FROM cities WHERE city_code = 4000").fetchone() or (None,)
    assert rows == [("Bay", haifa, False), ("Carmel", haifa, False), ("Port", Decimal("31.8"), True)]


def test_current_prices_follow_merges_and_leave_out_what_has_ended(towns: str) -> None:
    with Loader(towns) as loader:
        loader.load(file_batches([item("1", "1")], store_id="2", hour=5))
    with connect(towns) as db:
        rows = db.execute(
            "SELECT chain_id, price, is_old FROM current_prices WHERE master_id = %s ORDER BY price",
            (int(MILK),),
        ).fetchall()
    assert [row[1] for row in rows] == [Decimal("5.90"), Decimal("6.10")]
    assert all(is_old for _, _, is_old in rows), "the files of the tests are of 2025"
