"""Price comparison over loaded files and refreshed views."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import pytest

from gogobe.database.address import DatabaseAddress, Dsn
from gogobe.database.comparisons import compare_prices, most_sold, newest_price, sold_by_weight
from gogobe.database.connection import connect
from gogobe.database.load.loader import Loader
from gogobe.database.review.merges import merge_masters
from gogobe.database.views import refresh_views
from tests.database.samples import at, file_batches, item, promotion

MILK, BREAD, SOAP = "7290000042435", "7290000111111", "11210000094"


@pytest.fixture
def market(dsn: str) -> str:
    """Two chains; Shufersal with two stores, the second dearer."""
    with Loader(dsn) as loader:
        for store_id, milk in (("1", "6.10"), ("2", "7.20")):
            rows = [item(MILK, milk, name="חלב תנובה 3% 1 ליטר"), item(BREAD, "8", name="לחם אחיד פרוס")]
            loader.load(file_batches(rows, store_id=store_id))
        rows = [item(MILK, "5.90", name="חלב טרי תנובה"), item(SOAP, "4", name="Soap 100%")]
        loader.load(file_batches(rows, chain="rami-levy", chain_id="7290058140886", hour=1))
    assert refresh_views(dsn)
    return dsn


def names(found: list[object]) -> list[str]:
    return [str(getattr(one, "name", None)) for one in found]


def test_a_barcode_with_or_without_its_leading_zeros(market: str) -> None:
    for query in ("11210000094", "00011210000094", " 011210000094 "):
        assert [one.master_id for one in compare_prices(market, query)] == [11210000094]


def test_the_comparison_by_chain(market: str) -> None:
    (milk,) = compare_prices(market, MILK)
    assert [(p.chain, p.cheapest, p.median, p.dearest, p.stores, p.last_seen_at) for p in milk.prices] == [
        ("rami-levy", Decimal("5.90"), Decimal("5.90"), Decimal("5.90"), 1, at(1)),
        ("shufersal", Decimal("6.10"), Decimal("6.10"), Decimal("7.20"), 2, at(0)),
    ]


@pytest.mark.parametrize("query", ["חלב", "תנובה חלב", "חלב טרי", "תנובא חלב", "1 ליטר", "חלב ליטר טרי"])
def test_hebrew_words_in_any_order_also_misspelt(market: str, query: str) -> None:
    assert [one.master_id for one in compare_prices(market, query)][:1] == [int(MILK)]


def test_signs_of_patterns_are_only_signs(market: str) -> None:
    assert [one.master_id for one in compare_prices(market, "100%")] == [int(SOAP)]
    assert compare_prices(market, "%_%") == []
    assert compare_prices(market, "  ") == []


def test_the_master_bears_the_longest_name(market: str) -> None:
    assert names(list(compare_prices(market, MILK))) == ["חלב תנובה 3% 1 ליטר"]


def test_well_known_is_what_most_chains_sell(market: str) -> None:
    assert [one.master_id for one in most_sold(market, 2)] == [int(MILK), int(BREAD)]


def test_goods_sold_by_weight_by_their_names(dsn: str) -> None:
    tomato, cherry, juice = 10**14 + 1, 10**14 + 2, int(MILK)
    with Loader(dsn) as loader:
        for chain in ("1", "2", "3"):
            rows = [item(MILK, "9", master_id=juice, name="מיץ עגבניות")]
            rows += (
                [item("50", chain, master_id=tomato, name="עגבניות", is_weighted=True)] if chain != "3" else []
            )
            rows += (
                [item("51", "12", master_id=cherry, name="עגבניות שרי", is_weighted=True)]
                if chain == "1"
                else []
            )
            loader.load(file_batches(rows, chain=f"c{chain}", chain_id=chain))
    merge_masters(dsn, cherry, tomato, reason="for the test", by="dana")
    refresh_views(dsn)
    (found,) = sold_by_weight(dsn, ["עגבניות", "עגבניות שרי", "מיץ", "קישוא"])
    assert found.master_id == tomato
    assert [(one.chain, one.cheapest) for one in found.prices] == [("c1", Decimal(1)), ("c2", Decimal(2))]


def test_of_goods_sold_by_weight_that_match_alike_the_one_of_most_chains(dsn: str) -> None:
    breast, whole_breast, schnitzel = 10**14 + 1, 10**14 + 2, 10**14 + 3
    with Loader(dsn) as loader:
        for chain in ("1", "2", "3"):
            rows = [item("52", "44", master_id=whole_breast, name="חזה עוף שלם טרי", is_weighted=True)]
            if chain == "1":
                rows += [item("53", "39", master_id=breast, name="חזה עוף", is_weighted=True)]
            rows += [item("54", "49", master_id=schnitzel, name="שניצל הודו", is_weighted=True)]
            loader.load(file_batches(rows, chain=f"c{chain}", chain_id=chain))
    refresh_views(dsn)
    (found,) = sold_by_weight(dsn, ["חזה עוף"])
    assert (found.master_id, len(found.prices)) == (whole_breast, 3)


def test_ended_prices_leave_the_comparison(market: str) -> None:
    with Loader(market) as loader:
        loader.load(file_batches([item(BREAD, "8")], store_id="1", hour=5))
    refresh_views(market)
    (milk,) = compare_prices(market, MILK)
    assert [(p.chain, p.cheapest, p.stores) for p in milk.prices] == [
        ("rami-levy", Decimal("5.90"), 1),
        ("shufersal", Decimal("7.20"), 1),
    ]


def test_the_best_open_offer_is_given_with_the_price(dsn: str) -> None:
    offers = [
        promotion("1", "7290000000001", discounted_price=Decimal(15), min_qty=Decimal(3)),
        promotion("2", "7290000000001", discounted_price=Decimal(4), is_active=False),
        promotion("3", "7290000000001", discount_percent=Decimal(10)),
        promotion("4", "7290000000001", discounted_price=Decimal(5), club_ids=["1"]),
        promotion("5", "7290000000001", discounted_price=Decimal(1), ends_at=at(0)),
    ]
    with Loader(dsn) as loader:
        loader.load(file_batches([item("7290000000001", "8.00")]))
        loader.load(file_batches(offers, kind="promofull", hour=1))
    refresh_views(dsn)
    ((price,),) = [master.prices for master in compare_prices(dsn, "7290000000001", as_of=at(2))]
    assert price.offer is not None
    assert price.offer.promotion_id == "1"
    assert [price.offer.price, price.offer.shelf_price] == [5, 8]
    assert [price.offer.quantity, price.offer.total] == [3, 15]


def test_a_store_whose_files_stopped_coming_is_not_the_cheapest(dsn: str) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item(MILK, "1")], store_id="1", hour=-24 * 40))
        loader.load(file_batches([item(MILK, "5")], store_id="2", hour=-24 * 20))
        loader.load(file_batches([item(MILK, "6")], store_id="3", hour=0))
    refresh_views(dsn)
    ((price,),) = [one.prices for one in compare_prices(dsn, MILK, as_of=at(1))]
    assert (price.cheapest, price.dearest, price.stores, price.is_old) == (Decimal(5), Decimal(6), 2, False)
    with connect(DatabaseAddress(dsn, price_days=7)) as session:
        session.execute("REFRESH MATERIALIZED VIEW master_chain_prices")
    ((price,),) = [one.prices for one in compare_prices(dsn, MILK, as_of=at(1))]
    assert (price.cheapest, price.stores) == (Decimal(6), 1)


def test_an_old_price_is_marked_and_comes_last(dsn: str) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item(MILK, "1")], chain="old", chain_id="1", hour=-24 * 365 * 9))
        loader.load(file_batches([item(MILK, "9")], chain="dear", chain_id="2"))
        loader.load(file_batches([item(MILK, "6")], chain="cheap", chain_id="3"))
    refresh_views(dsn)

    def seen(database: Dsn, as_of: datetime | None) -> list[tuple[str, bool]]:
        (found,) = compare_prices(database, MILK, as_of=as_of)
        return [(price.chain, price.is_old) for price in found.prices]

    assert newest_price(dsn) == at(0)
    assert seen(dsn, at(0)) == [("cheap", False), ("dear", False), ("old", True)]
    assert seen(DatabaseAddress(dsn, price_days=9999), at(0))[0] == ("old", False)
    assert {is_old for _, is_old in seen(dsn, None)} == {True}, "the files of the tests are of 2025"
    with connect(dsn) as session:
        session.execute("SET gogobe.price_days = ''")
        assert session.execute("SELECT bool_and(is_old) FROM master_chain_prices_today").fetchone() == (True,)


def test_an_offer_that_no_file_has_confirmed_for_long_is_not_shown(dsn: str) -> None:
    with Loader(dsn) as loader:
        offers = [promotion("1", MILK, discounted_price=Decimal(1))]
        loader.load(file_batches(offers, kind="promofull", hour=-24 * 40))
        loader.load(file_batches([item(MILK, "8.00")]))
    refresh_views(dsn)
    ((price,),) = [one.prices for one in compare_prices(dsn, MILK, as_of=at(1))]
    assert price.offer is None
    with connect(dsn) as session:
        assert session.execute("SELECT is_old FROM promotions_today").fetchall() == [(True,)]
