"""The views: what depends on the time of day is right when it is read, with or without a refresh since."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.views import VIEWS, refresh_views
from tests.database.samples import CHAIN, file_batches, item, promotion

SOON = timedelta(seconds=1)
WEEK = timedelta(days=7)


def now(db: Connection) -> datetime:
    (moment,) = db.execute("SELECT clock_timestamp()").fetchone() or (None,)
    assert isinstance(moment, datetime)
    return moment


def wait_until(db: Connection, moment: datetime) -> None:
    db.execute("SELECT pg_sleep(greatest(0, extract(epoch FROM %s - clock_timestamp())) + 0.01)", (moment,))


def test_promotions_begin_and_end_without_a_refresh(dsn: str, db: Connection) -> None:
    began = now(db)
    day = timedelta(days=1)
    offered = [
        promotion("runs", "1", starts_at=began - day, ends_at=began + day),
        promotion("without days", "1"),
        promotion("ends", "1", starts_at=began - day, ends_at=began + SOON),
        promotion("begins", "1", starts_at=began + SOON),
        promotion("was over", "1", ends_at=began - day),
        promotion("comes later", "1", starts_at=began + day),
        promotion("is off", "1", is_active=False),
    ]
    with Loader(dsn) as loader:
        loader.load(file_batches(offered, kind="promofull"))
    refresh_views(dsn)
    wait_until(db, began + SOON)
    rows = db.execute("SELECT promotion_id FROM promotions_today ORDER BY 1").fetchall()
    assert [name for (name,) in rows] == ["begins", "runs", "without days"]
    kept = {name for (name,) in db.execute("SELECT promotion_id FROM open_promotions")}
    assert kept == {"runs", "without days", "ends", "begins", "comes later"}, (
        "what can never run again is left out"
    )


def test_a_change_leaves_the_week_without_a_refresh(dsn: str, db: Connection) -> None:
    began = now(db)
    with Loader(dsn) as loader:
        for store_id in ("5", "6"):
            loader.load(file_batches([item(code, "5") for code in ("1", "2", "3")], store_id=store_id))
    keys = [key for (key,) in db.execute("SELECT store_key FROM stores ORDER BY store_id")]
    changes = [  # item, store, at, old, new
        ("1", keys[0], began - WEEK + SOON, 5, 50),
        ("1", keys[1], began - SOON, 5, 6),
        ("1", keys[1], began - 2 * SOON, 4, 5),
        ("2", keys[0], began - WEEK + SOON, 5, 6),
        ("3", keys[0], began - WEEK - SOON, 5, 6),
        ("3", keys[0], began - SOON, 5, 4),
    ]
    for code, key, at, old, new in changes:
        db.execute("INSERT INTO price_changes VALUES (%s, %s, %s, %s, %s)", (key, at, old, new, code))
    refresh_views(dsn)
    assert db.execute("SELECT item_code FROM recent_changes ORDER BY 1").fetchall() == [("1",), ("2",), ("3",)]
    wait_until(db, began + SOON)
    assert db.execute(
        "SELECT chain_id, item_code, name, stores, changes, lowest, highest, mean_percent, last_changed_at "
        "FROM changed_this_week ORDER BY item_code"
    ).fetchall() == [
        (CHAIN, "1", "item 1", 1, 2, Decimal(5), Decimal(6), Decimal("22.5"), began - SOON),
        (CHAIN, "3", "item 3", 1, 1, Decimal(4), Decimal(4), Decimal("-20.0"), began - SOON),
    ]


def test_no_materialized_view_is_forgotten_and_each_can_be_refreshed_while_it_is_read(db: Connection) -> None:
    found = db.execute(
        "SELECT c.relname, bool_or(i.indisunique AND i.indpred IS NULL) FROM pg_class c "
        "LEFT JOIN pg_index i ON i.indrelid = c.oid WHERE c.relkind = 'm' GROUP BY 1"
    ).fetchall()
    assert dict(found) == dict.fromkeys(VIEWS, True)
