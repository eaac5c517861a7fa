"""The views: conditions on the current time hold at the time of the query, with or without a refresh."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

from gogobe.database import views
from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.views import VIEWS, refresh_views
from gogobe.records.rows import PromotionItem
from tests.database.samples import CHAIN, file_batches, item, promotion

SPANS = [timedelta(seconds=seconds) for seconds in (1, 8, 64)]
WEEK = timedelta(days=7)


def now(db: Connection) -> datetime:
    (moment,) = db.execute("SELECT clock_timestamp()").fetchone() or (None,)
    assert isinstance(moment, datetime)
    return moment


def wait_until(db: Connection, moment: datetime) -> None:
    db.execute("SELECT pg_sleep(greatest(0, extract(epoch FROM %s - clock_timestamp())) + 0.01)", (moment,))


def refreshed_before(
    db: Connection, refresh: Callable[[datetime, timedelta], None]
) -> tuple[datetime, timedelta]:
    """Refreshes the views a while before a moment, and waits for it; returns the begin and the while. On a machine
    that takes longer than that, again with a longer while."""
    for soon in SPANS:
        began = now(db)
        refresh(began, soon)
        if now(db) < began + soon:
            wait_until(db, began + soon)
            return began, soon
    raise AssertionError(f"a refresh took more than {SPANS[-1]}")


def test_promotions_begin_and_end_without_a_refresh(dsn: str, db: Connection) -> None:
    day = timedelta(days=1)

    def refresh(began: datetime, soon: timedelta) -> None:
        offered = [
            promotion("runs", "1", starts_at=began - day, ends_at=began + day),
            promotion("without days", "1"),
            promotion("ends", "1", starts_at=began - day, ends_at=began + soon),
            promotion("begins", "1", starts_at=began + soon),
            promotion("was over", "1", ends_at=began - day),
            promotion("comes later", "1", starts_at=began + day),
            promotion("is off", "1", is_active=False),
        ]
        with Loader(dsn) as loader:
            loader.load(file_batches(offered, kind="promofull", hour=soon.total_seconds()))
        refresh_views(dsn)

    refreshed_before(db, refresh)
    rows = db.execute("SELECT promotion_id FROM promotions_today ORDER BY 1").fetchall()
    assert [name for (name,) in rows] == ["begins", "runs", "without days"]
    kept = {name for (name,) in db.execute("SELECT promotion_id FROM open_promotions")}
    assert kept == {"runs", "without days", "ends", "begins", "comes later"}, (
        "what can never run again is left out"
    )


def test_a_change_leaves_the_week_without_a_refresh(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        for store_id in ("5", "6"):
            loader.load(file_batches([item(code, "5") for code in ("1", "2", "3")], store_id=store_id))
    keys = [key for (key,) in db.execute("SELECT store_key FROM stores ORDER BY store_id")]

    def refresh(began: datetime, soon: timedelta) -> None:
        changes = [  # item, store, at, old, new
            ("1", keys[0], began - WEEK + soon, 5, 50),
            ("1", keys[1], began - soon, 5, 6),
            ("1", keys[1], began - 2 * soon, 4, 5),
            ("2", keys[0], began - WEEK + soon, 5, 6),
            ("3", keys[0], began - WEEK - soon, 5, 6),
            ("3", keys[0], began - soon, 5, 4),
        ]
        db.execute("DELETE FROM price_changes")
        for code, key, at, old, new in changes:
            db.execute("INSERT INTO price_changes VALUES (%s, %s, %s, %s, %s)", (key, at, old, new, code))
        refresh_views(dsn)

    began, soon = refreshed_before(db, refresh)
    assert db.execute("SELECT item_code FROM recent_changes ORDER BY 1").fetchall() == [("1",), ("2",), ("3",)]
    assert db.execute(
        "SELECT chain_id, item_code, name, stores, changes, lowest, highest, mean_percent, last_changed_at "
        "FROM changed_this_week ORDER BY item_code"
    ).fetchall() == [
        (CHAIN, "1", "item 1", 1, 2, Decimal(5), Decimal(6), Decimal("22.5"), began - soon),
        (CHAIN, "3", "item 3", 1, 1, Decimal(4), Decimal(4), Decimal("-20.0"), began - soon),
    ]


def test_no_materialized_view_is_forgotten_and_each_can_be_refreshed_while_it_is_read(db: Connection) -> None:
    found = db.execute(
        "SELECT c.relname, bool_or(i.indisunique AND i.indpred IS NULL) FROM pg_class c "
        "LEFT JOIN pg_index i ON i.indrelid = c.oid WHERE c.relkind = 'm' GROUP BY 1"
    ).fetchall()
    assert dict(found) == dict.fromkeys(VIEWS, True)


def test_rows_that_are_no_goods_are_left_out_of_comparisons(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("7290000000001", "8.00"), item("35", "35.90", is_service=True)]))
        loader.load(file_batches([item("7290000000001", "9.00"), item("35", "39.90", is_service=True)], hour=1))
    refresh_views(dsn)
    assert db.execute("SELECT master_id FROM master_chain_prices").fetchall() == [(7290000000001,)]
    assert db.execute("SELECT master_id FROM master_search").fetchall() == [(7290000000001,)]
    assert {row[0] for row in db.execute("SELECT item_code FROM recent_changes")} <= {"7290000000001"}
    assert db.execute("SELECT count(*) FROM prices WHERE item_code = '35'").fetchone() == (1,)  # kept


def test_todays_promotions_show_what_is_paid(dsn: str, db: Connection) -> None:
    pasta = promotion(
        "1",
        items=[
            PromotionItem("100", min_qty=Decimal(4), discounted_price=Decimal(20)),
            PromotionItem("200", min_qty=Decimal(4), discounted_price=Decimal(20)),
        ],
        min_basket_amount=Decimal(200),
        club_ids=["1"],
    )
    with Loader(dsn) as loader:
        loader.load(file_batches([pasta, promotion("2", "300")], kind="promofull"))
    refresh_views(dsn)
    assert db.execute(
        "SELECT promotion_id, discounted_price, offer_kind, offer_quantity, offer_total, offer_unit_price, "
        "needs_club, least_basket FROM promotions_today ORDER BY promotion_id"
    ).fetchall() == [
        ("1", 20, "n_for_price", 4, 20, 5, True, 200),
        ("2", None, "unknown", 1, None, None, False, None),
    ]


def test_views_refresh_while_they_are_read_and_one_at_a_time(dsn: str) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("7290000000001", "8.00")]))
    refresh_views(dsn)
    with connect(dsn) as reader, reader.transaction():
        assert reader.execute("SELECT count(*) FROM master_chain_prices").fetchone() == (1,)
        assert refresh_views(dsn), "a reader's lock does not hold up a refresh"
    with connect(dsn) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (views._LOCK,))
        assert not refresh_views(dsn)
