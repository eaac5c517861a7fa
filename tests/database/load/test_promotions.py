"""Loading of promotions: inserted as a whole, replaced when changed, ended when unlisted."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.offers import best_offers
from gogobe.database.views import refresh_views
from gogobe.offers.fill import fill_offers
from gogobe.offers.offer import price_at
from gogobe.records.rows import Promotion, PromotionGroup, PromotionItem
from tests.database.samples import CHAIN, at, file_batches, item, promotion


def buy_one_get_other() -> Promotion:
    """Buy for 50 from group 1, get from group 2."""
    return promotion(
        "0077",
        description="קנה וקבל",
        starts_at=at(0),
        club_ids=["0"],
        groups=[PromotionGroup("1", Decimal(50), "0"), PromotionGroup("2", discount_type="1")],
        items=[
            PromotionItem("100", group_id="1", min_qty=Decimal(2)),
            PromotionItem("200", group_id="2", is_gift=True, discounted_price=Decimal("0")),
            PromotionItem("0000000000000", group_id="2"),
        ],
    )


def active(db: Connection) -> list[str]:
    return [
        row[0] for row in db.execute("SELECT promotion_id FROM promotions WHERE ended_at IS NULL ORDER BY 1")
    ]


def test_groups_and_items_survive(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        result = loader.load(file_batches([buy_one_get_other()], kind="promofull"))
    assert (result.rows, result.files_completed) == (1, 1)
    assert db.execute("SELECT promotion_id, description, club_ids, starts_at FROM promotions").fetchall() == [
        ("0077", "קנה וקבל", ["0"], at(0))
    ]
    assert db.execute(
        "SELECT group_id, min_purchase_amount, discount_type FROM promotion_groups ORDER BY position"
    ).fetchall() == [("1", Decimal(50), "0"), ("2", None, "1")]
    assert db.execute(
        "SELECT group_id, item_code, is_gift, min_qty, discounted_price FROM promotion_items ORDER BY position"
    ).fetchall() == [
        ("1", "100", False, Decimal(2), None),
        ("2", "200", True, None, Decimal(0)),
        ("2", "0000000000000", False, None, None),
    ]
    assert db.execute(
        "SELECT item_code, group_min_purchase_amount FROM item_promotions WHERE NOT is_gift ORDER BY item_code"
    ).fetchall() == [("0000000000000", None), ("100", Decimal(50))]


def test_unchanged_is_not_written_and_changed_is_replaced(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(
            file_batches([promotion("1", "100", "200"), promotion("2", "300")], kind="promofull", hour=1)
        )
        before = db.execute("SELECT xmin::text FROM promotions WHERE promotion_id = '1'").fetchone()
        again = [promotion("1", "100", "200"), promotion("2", "300", "400")]
        result = loader.load(file_batches(again, kind="promofull", hour=2))
    assert (result.rows, result.unchanged) == (1, 1)
    assert db.execute("SELECT xmin::text FROM promotions WHERE promotion_id = '1'").fetchone() == before
    rows = db.execute(
        "SELECT item_code FROM promotion_items WHERE promotion_id = '2' ORDER BY position"
    ).fetchall()
    assert rows == [("300",), ("400",)]
    assert db.execute("SELECT first_seen_at FROM promotions WHERE promotion_id = '2'").fetchone() == (at(1),)


def test_a_complete_promofull_ends_the_rest_and_a_promo_brings_it_back(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([promotion("1", "100"), promotion("2", "100")], kind="promofull", hour=1))
        cut = loader.load(file_batches([promotion("2", "100")], kind="promofull", hour=2, complete=False))
        assert (cut.ended, active(db)) == (0, ["1", "2"])
        full = loader.load(file_batches([promotion("2", "100")], kind="promofull", hour=3))
        assert (full.ended, active(db)) == (1, ["2"])
        older = loader.load(file_batches([promotion("1", "100")], kind="promo", hour=2.5))
        assert (older.stale, active(db)) == (1, ["2"])
        loader.load(file_batches([promotion("1", "100")], kind="promo", hour=4))
    assert active(db) == ["1", "2"]


def test_an_older_file_changes_no_promotion_of_a_newer_one(dsn: str, db: Connection) -> None:
    """Files overtake each other; those of a chain's changes have no full file that would make them outdated."""
    with Loader(dsn) as loader:
        loader.load(file_batches([promotion("1", "100", description="newer")], kind="promo", hour=2))
        older = [promotion("1", "200", description="older"), promotion("2", "300", description="its own")]
        result = loader.load(file_batches(older, kind="promo", hour=1))
    assert (result.rows, result.stale) == (1, 1)
    rows = db.execute("SELECT promotion_id, description, published_at FROM promotions ORDER BY 1").fetchall()
    assert rows == [("1", "newer", at(2)), ("2", "its own", at(1))]
    items = db.execute("SELECT item_code FROM promotion_items WHERE promotion_id = '1'").fetchall()
    assert items == [("100",)]


def test_full_prices_do_not_end_promotions(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([promotion("1", "100")], kind="promofull", hour=1))
        loader.load(file_batches([], kind="pricefull", hour=2))
    assert active(db) == ["1"]


def test_todays_promotions_name_each_once(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        for store_id in ("5", "6"):
            rows = [promotion("1", "100"), promotion("2", "100", ends_at=at(0))]
            loader.load(file_batches(rows, kind="promofull", store_id=store_id))
    refresh_views(dsn)
    assert db.execute("SELECT chain_id, promotion_id, stores FROM promotions_today").fetchall() == [
        (CHAIN, "1", 2)
    ]


def terms(*codes: str, **fields: object) -> Promotion:
    one = promotion("1", *codes, starts_at=at(0), **fields)
    fill_offers([one])
    return one


def test_all_terms_and_conditions_are_kept(dsn: str, db: Connection) -> None:
    one = terms(
        items=[PromotionItem("100", is_gift=True, gift_price=Decimal("19.80"), discount_type="1")],
        discount_percent=Decimal(20),
        min_basket_amount=Decimal(200),
        min_purchase_amount=Decimal(75),
        max_amount=Decimal(500),
        gift_count=Decimal(1),
        club_ids=["1", "2"],
        is_active=True,
        is_total=False,
        coupon_code="77",
        is_coupon=True,
        daily_from="08:00",
        daily_to="12:00",
        remarks="מוגבל אמצעי תשלום\nעד גמר המלאי",
    )
    with Loader(dsn) as loader:
        loader.load(file_batches([one], kind="promofull"))
    assert db.execute(
        "SELECT discount_percent, min_basket_amount, max_amount, gift_count, is_active, is_total, coupon_code, "
        "daily_from, daily_to, needs_club, needs_coupon, needs_payment_means, least_basket, least_purchase, remarks "
        "FROM promotions"
    ).fetchone() == (
        20, 200, 500, 1, True, False, "77", "08:00", "12:00", True, True, True, 200, 75,
        "מוגבל אמצעי תשלום\nעד גמר המלאי",
    )  # fmt: skip
    assert db.execute(
        "SELECT gift_price, discount_type, offer_kind, offer_unit_price FROM promotion_items"
    ).fetchone() == (Decimal("19.80"), "1", "gift", Decimal("19.80"))


def test_an_offer_has_a_price_beside_the_shelf_price(dsn: str, db: Connection) -> None:
    rows = [
        terms("100", min_qty=Decimal(3), discounted_price=Decimal(20)),
        promotion(
            "2", "100", discount_percent=Decimal(25), min_qty=Decimal(1), starts_at=at(0)
        ),  # no offer yet
        promotion("3", "100", discounted_price=Decimal(99), starts_at=at(0)),
        promotion("4", "100", starts_at=at(0)),
        promotion("5", "100", discounted_price=Decimal(5), is_active=False, starts_at=at(0)),
        promotion("6", "200", discount_amount=Decimal(2), starts_at=at(0)),  # no shelf price is known
    ]
    with Loader(dsn) as loader:
        loader.load(file_batches(rows, kind="promofull"))
        loader.load(file_batches([item("100", "8.00")]))
    assert db.execute(
        "SELECT promotion_id, offer_kind, shelf_price, price, reason, is_running FROM item_promotions ORDER BY 1"
    ).fetchall() == [
        ("1", "n_for_price", 8, Decimal("6.67"), None, True),
        ("2", "percent", 8, 6, None, True),
        ("3", "price", 8, None, "above_shelf_price", True),
        ("4", "unknown", 8, None, "no_terms", True),
        ("5", "price", 8, 5, None, False),
        ("6", "amount", None, None, None, True),
    ]


@pytest.mark.parametrize(
    ("fields", "shelf"),
    [
        ({"discount_percent": Decimal(20)}, "9.99"),
        ({"discount_amount": Decimal(5), "min_qty": Decimal(2)}, "9.99"),
        ({"discount_amount": Decimal(50)}, "9.99"),
        ({"reward_type": "8", "discount_percent": Decimal(50), "min_qty": Decimal(2)}, "22.90"),
        ({"reward_type": "7", "gift_count": Decimal(1), "min_qty": Decimal(3)}, "9.99"),
        ({"discounted_price": Decimal(20), "min_qty": Decimal(3)}, "9.99"),
        ({"discount_percent": Decimal(100)}, "9.99"),
    ],
)
def test_the_database_and_python_compute_the_same_price(
    dsn: str, db: Connection, fields: dict[str, Any], shelf: str
) -> None:
    one = terms("100", **fields)
    with Loader(dsn) as loader:
        loader.load(file_batches([one], kind="promofull"))
        loader.load(file_batches([item("100", shelf)]))
    (offer,) = [item.offer for item in one.items]
    assert offer is not None
    row = db.execute("SELECT price FROM item_promotions").fetchone()
    assert row == (price_at(offer, Decimal(shelf)),)


def test_without_a_shelf_price_no_offer_is_the_best(dsn: str, db: Connection) -> None:
    offered = promotion("1", "100", discounted_price=Decimal(3))
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5")], kind="pricefull", store_id="1"))
        loader.load(file_batches([offered], kind="promofull", store_id="2"))
        masters = [row[0] for row in db.execute("SELECT master_id FROM masters").fetchall()]
        assert best_offers(db, masters, at(9)) == {}
        loader.load(file_batches([item("100", "5")], kind="pricefull", store_id="2"))
    assert [offer.price for offer in best_offers(db, masters, at(9)).values()] == [3]


@pytest.mark.parametrize(
    ("terms", "shelf", "expected"),
    [
        # Per kilogram, and the item is sold by weight.
        ({"is_weighted": True}, {"is_weighted": True}, ("kg", 8, 5, None)),
        # Per kilogram, and the item is a piece: its price of a kilogram counts, where it is known.
        (
            {"is_weighted": True},
            {"unit_basis": "kg", "price_per_unit": Decimal(16)},
            ("kg", 16, 5, None),
        ),
        (
            {"is_weighted": True},
            {"unit_basis": "kg", "price_per_unit": Decimal(4)},
            ("kg", 4, None, "above_shelf_price"),
        ),
        (
            {"is_weighted": True},
            {"unit_basis": "piece", "price_per_unit": Decimal(8)},
            ("kg", 8, None, "other_unit"),
        ),
        ({"is_weighted": True}, {}, ("kg", 8, None, "other_unit")),
        # Of a piece, and the item is sold by weight.
        ({"is_weighted": False}, {"is_weighted": True}, ("piece", 8, None, "other_unit")),
        # The promotion does not say: the unit is that of the item.
        ({}, {"is_weighted": True}, ("kg", 8, 5, None)),
        ({}, {}, ("piece", 8, 5, None)),
    ],
)
def test_an_offer_is_compared_with_the_price_of_its_own_unit(
    dsn: str, db: Connection, terms: dict[str, Any], shelf: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    offered = promotion("1", "100", discounted_price=Decimal(5), min_qty=Decimal(1), starts_at=at(0), **terms)
    fill_offers([offered])
    with Loader(dsn) as loader:
        loader.load(file_batches([offered], kind="promofull"))
        loader.load(file_batches([item("100", "8.00", **shelf)]))
    row = db.execute("SELECT offer_per, shelf_price, price, reason FROM item_promotions").fetchone()
    assert row == expected
    masters = [key for (key,) in db.execute("SELECT master_id FROM masters")]
    assert (len(best_offers(db, masters, at(9))) == 1) == (expected[2] is not None)


def test_a_percentage_is_taken_off_in_any_unit(dsn: str, db: Connection) -> None:
    offered = promotion("1", "100", discount_percent=Decimal(25), is_weighted=True, starts_at=at(0))
    with Loader(dsn) as loader:
        loader.load(file_batches([offered], kind="promofull"))
        loader.load(file_batches([item("100", "8.00")]))
    assert db.execute("SELECT price, shelf_price, reason FROM item_promotions").fetchall() == [(6, 8, None)]


def test_groups_that_repeat_an_id_repeat_no_item(dsn: str, db: Connection) -> None:
    offered = promotion(
        "1",
        "100",
        groups=[PromotionGroup("1", Decimal(50)), PromotionGroup("1", Decimal(75)), PromotionGroup("1")],
    )
    with Loader(dsn) as loader:
        loader.load(file_batches([offered], kind="promofull"))
    assert db.execute("SELECT item_code, group_min_purchase_amount FROM item_promotions").fetchall() == [
        ("100", 75)
    ]
