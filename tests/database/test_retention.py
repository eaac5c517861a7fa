"""What is older than its age is removed, what is younger stays, and loaders are not held up."""

from __future__ import annotations

from datetime import datetime

import pytest

from gogobe.database.connection import Connection, connect
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.database.retention import (
    Removal,
    RetentionBusyError,
    kept_content,
    only_one,
    remove_ended_prices,
    remove_files,
    remove_history,
    remove_letters,
    remove_promotions,
)
from gogobe.database.views import refresh_views
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item, promotion

DAY = 24
LETTER = DeadLetter("parse", "truncated", "cut short", '{"chain":"x"}', at(0), chain="x", file="a.gz")


def count(db: Connection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def months(db: Connection) -> set[str]:
    found = db.execute(
        "SELECT relname FROM pg_class WHERE relname ~ '^price_changes_[0-9_]+$' AND relkind = 'r'"
    )
    return {name for (name,) in found}


@pytest.fixture
def prices(dsn: str) -> None:
    """Prices of August 2025 to February 2026, a change each month; item 2 ends in September."""
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5"), item("2", "5")], hour=0))
        for month in range(1, 7):
            loader.load(file_batches([item("1", str(5 + month))], hour=month * 30 * DAY))
    refresh_views(dsn)


@pytest.mark.usefixtures("prices")
def test_whole_months_of_the_history_are_dropped(db: Connection) -> None:
    before = months(db)
    assert remove_history(db, at(100 * DAY), dry_run=True) == Removal(2)
    assert months(db) == before
    cut = at(100 * DAY)
    assert remove_history(db, cut) == Removal(2)
    assert len(before - months(db)) >= 2
    oldest = db.execute("SELECT min(changed_at) FROM price_changes").fetchone()
    assert oldest is not None
    assert oldest[0] >= datetime(cut.year, cut.month, 1, tzinfo=cut.tzinfo)
    assert count(db, "price_changes") == 4
    assert remove_history(db, cut) == Removal(0)


@pytest.mark.usefixtures("prices")
def test_changes_without_a_month_of_their_own_are_removed_too(dsn: str, db: Connection) -> None:
    remove_history(db, at(100 * DAY))
    with Loader(dsn) as loader:  # another store's, which comes late
        loader.load(file_batches([item("1", "5")], hour=0, store_id="9"))
        loader.load(file_batches([item("1", "6")], hour=1, store_id="9"))
    assert count(db, "price_changes_default") == 1
    assert remove_history(db, at(100 * DAY)) == Removal(1)


@pytest.mark.usefixtures("prices")
def test_a_month_that_a_loader_uses_stays_until_the_next_run(dsn: str, db: Connection) -> None:
    with connect(dsn) as loader, loader.transaction():
        loader.execute("LOCK TABLE price_changes IN ROW EXCLUSIVE MODE")
        removal = remove_history(db, at(100 * DAY))
    assert removal.left >= 1
    assert remove_history(db, at(100 * DAY)).left == 0


@pytest.mark.usefixtures("prices")
def test_prices_that_ended_long_ago_are_removed_and_current_ones_stay(dsn: str, db: Connection) -> None:
    assert remove_ended_prices(db, at(20 * DAY)) == Removal(0)
    assert remove_ended_prices(db, at(31 * DAY), dry_run=True) == Removal(1)
    with connect(dsn) as loader, loader.transaction():
        loader.execute("SELECT 1 FROM stores FOR NO KEY UPDATE")
        assert remove_ended_prices(db, at(31 * DAY)) == Removal(0, left=1)
    assert remove_ended_prices(db, at(31 * DAY)) == Removal(1)
    assert db.execute("SELECT item_code FROM prices").fetchall() == [("1",)]


def test_promotions_that_are_over_are_removed_with_their_items(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([promotion("7", "1"), promotion("8", "1")], kind="promofull", hour=0))
        loader.load(file_batches([promotion("8", "1")], kind="promofull", hour=DAY))
    db.execute("UPDATE promotions SET ends_at = NULL")
    assert remove_promotions(db, at(2 * DAY), dry_run=True) == Removal(1)
    assert remove_promotions(db, at(2 * DAY)) == Removal(1)
    assert db.execute("SELECT DISTINCT promotion_id FROM promotion_items").fetchall() == [("8",)]


@pytest.mark.usefixtures("prices")
def test_files_leave_the_ledger_with_all_their_rows_and_may_come_again(dsn: str, db: Connection) -> None:
    before = db.execute("SELECT store_key, item_code, price, ended_at FROM prices ORDER BY 1, 2").fetchall()
    db.execute("UPDATE files SET seen_at = published_at, completed_at = published_at")
    assert remove_files(db, at(40 * DAY), dry_run=True) == Removal(2)
    assert remove_files(db, at(40 * DAY)) == Removal(2)
    assert (count(db, "files"), count(db, "batches"), count(db, "file_addresses")) == (5, 5, 5)
    changes = count(db, "price_changes")
    with Loader(dsn) as loader:
        again = loader.load(file_batches([item("1", "5"), item("2", "5")], hour=0))
    assert again.failed == []
    assert (
        db.execute("SELECT store_key, item_code, price, ended_at FROM prices ORDER BY 1, 2").fetchall()
        == before
    )
    assert count(db, "price_changes") == changes


@pytest.mark.usefixtures("prices")
def test_a_file_that_a_loader_has_locked_stays(dsn: str, db: Connection) -> None:
    db.execute("UPDATE files SET seen_at = published_at, completed_at = published_at")
    with connect(dsn) as loader, loader.transaction():
        loader.execute("SELECT 1 FROM files ORDER BY published_at LIMIT 1 FOR NO KEY UPDATE")
        assert remove_files(db, at(40 * DAY)) == Removal(1, left=1)


def test_letters_are_removed_by_their_last_event(dsn: str, db: Connection) -> None:
    record_dead_letters(dsn, [LETTER])
    assert remove_letters(db, at(1)) == Removal(1), "an open one, too"
    record_dead_letters(dsn, [LETTER])
    db.execute("UPDATE dead_letters SET resolved_at = now()")
    assert remove_letters(db, at(1)) == Removal(0)


@pytest.mark.usefixtures("prices")
def test_content_that_was_announced_lately_or_has_an_open_letter_is_kept(dsn: str, db: Connection) -> None:
    hashes = [row[0] for row in db.execute("SELECT content_sha256 FROM files ORDER BY published_at")]
    db.execute("UPDATE files SET seen_at = published_at")
    record_dead_letters(
        dsn, [DeadLetter("parse", "bad", "d", "{}", at(0), chain="x", content_sha256=hashes[1])]
    )
    assert kept_content(db, [*hashes, "0" * 64], at(50 * DAY)) == {hashes[1], *hashes[2:]}


def test_one_process_at_a_time_removes(dsn: str, db: Connection) -> None:
    with connect(dsn) as other, only_one(other), pytest.raises(RetentionBusyError), only_one(db):
        pass
    with only_one(db):
        pass
