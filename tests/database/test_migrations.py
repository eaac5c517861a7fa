"""Migrations run once, in order, also if several processes start them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from gogobe.database.connection import COCKROACHDB, POSTGRESQL, Connection, connect
from gogobe.database.migrations import (
    MigrationError,
    Step,
    ensure_months,
    migrate,
    month_after,
    month_of,
    schema_steps,
    step_text,
)
from gogobe.database.views import refresh_views


def test_steps_apply_once(empty_dsn: str) -> None:
    names = [step.name for step in schema_steps()]
    assert migrate(empty_dsn) == names
    assert migrate(empty_dsn) == []


def test_workers_that_start_at_once_apply_each_step_once(empty_dsn: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        applied = list(pool.map(migrate, [empty_dsn] * 4))
    assert sorted(name for names in applied for name in names) == [step.name for step in schema_steps()]


def test_a_changed_step_is_refused(dsn: str) -> None:
    first, *others = schema_steps()
    with pytest.raises(MigrationError, match=r"0001_.* was changed after it had been applied"):
        migrate(dsn, [replace(first, text=first.text + "-- more"), *others])


def test_a_database_from_the_future_is_refused(dsn: str) -> None:
    with pytest.raises(MigrationError, match="use a newer gogobe"):
        migrate(dsn, schema_steps()[:-1])


def test_a_step_that_fails_leaves_nothing(dsn: str) -> None:
    steps = schema_steps()
    bad = Step(len(steps) + 1, "9999_bad.sql", "CREATE TABLE half (a integer); SELECT 1/0")
    with pytest.raises(Exception, match="division by zero"):
        migrate(dsn, [*steps, bad])
    with connect(dsn) as connection:
        assert connection.execute("SELECT to_regclass('half')").fetchone() == (None,)
    assert migrate(dsn) == []


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path) -> None:
    (tmp_path / "0001_one.sql").write_text("SELECT 1")
    (tmp_path / "0003_three.sql").write_text("SELECT 1")
    with pytest.raises(MigrationError, match=r"0003_three\.sql: expected 0002_"):
        schema_steps(tmp_path)


def test_months_are_those_of_utc() -> None:
    night_in_jerusalem = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    assert month_of(night_in_jerusalem) == datetime(2025, 12, 1, tzinfo=UTC)
    assert month_after(night_in_jerusalem) == datetime(2026, 1, 1, tzinfo=UTC)


def test_several_may_make_one_month(dsn: str, db: Connection) -> None:
    def make(_: int) -> None:
        with connect(dsn) as connection:
            ensure_months(connection, POSTGRESQL, [datetime(2016, 8, 27, tzinfo=UTC)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    row = db.execute(
        "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'price_changes_2016_08'"
    )
    assert row.fetchone() == ("FOR VALUES FROM ('2016-08-01 00:00:00+00') TO ('2016-09-01 00:00:00+00')",)


def months(db: Connection) -> set[str]:
    return {
        name
        for (name,) in db.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid "
            "WHERE inhparent = 'price_changes'::regclass"
        )
    }


def change(db: Connection, item_code: str, at: datetime) -> None:
    db.execute("INSERT INTO price_changes VALUES (1, %s, 5, 6, %s)", (at, item_code))


def kept_in(db: Connection) -> list[tuple[object, ...]]:
    return db.execute("SELECT tableoid::regclass::text, item_code FROM price_changes ORDER BY 2").fetchall()


def test_changes_of_a_month_without_partition_wait_and_are_moved_to_it(dsn: str, db: Connection) -> None:
    """Also where the month begins and ends within the rows: nothing is lost and nothing taken along."""
    for code, moment in enumerate(("2019-01-31T23:59:59", "2019-02-01", "2019-02-28T23:59:59", "2019-03-01")):
        change(db, str(code), datetime.fromisoformat(moment).replace(tzinfo=UTC))
    assert {table for table, _ in kept_in(db)} == {"price_changes_default"}
    with connect(dsn) as connection:
        ensure_months(connection, POSTGRESQL, [])
    assert kept_in(db) == [
        ("price_changes_2019_01", "0"),
        ("price_changes_2019_02", "1"),
        ("price_changes_2019_02", "2"),
        ("price_changes_2019_03", "3"),
    ]


@pytest.mark.parametrize("how", ["DROP TABLE {}", "ALTER TABLE price_changes DETACH PARTITION {}"])
@pytest.mark.parametrize("partition", ["price_changes_2019_02", "price_changes_default"])
def test_a_partition_that_is_no_more_is_made_again(dsn: str, db: Connection, how: str, partition: str) -> None:
    february = datetime(2019, 2, 3, tzinfo=UTC)
    ensure_months(db, POSTGRESQL, [february])
    change(db, "1", february)
    db.execute(how.format(partition).encode())
    ensure_months(db, POSTGRESQL, [february])
    change(db, "2", february)
    change(db, "3", datetime(2011, 1, 1, tzinfo=UTC))
    kept = {code: table for table, code in kept_in(db)}
    taken = "_2" if "DETACH" in how else ""
    assert kept["2"] == ("price_changes_2019_02" + (taken if "2019" in partition else ""))
    assert kept["3"] == ("price_changes_default" + (taken if "default" in partition else ""))


def ahead(moment: datetime) -> set[str]:
    """The partitions of the month of this moment, and of the next one."""
    return {f"price_changes_{month:%Y_%m}" for month in (month_of(moment), month_after(moment))}


@pytest.mark.parametrize("make", [migrate, refresh_views])
def test_the_next_month_is_made_ahead(dsn: str, db: Connection, make: Callable[[str], object]) -> None:
    """By the migration, and by each refresh of the views: a pipeline may run for months."""
    for name in months(db) - {"price_changes_default"}:
        db.execute(f"DROP TABLE {name}".encode())
    before = datetime.now(UTC)
    make(dsn)
    # The month may end meanwhile.
    assert any(ahead(moment) <= months(db) for moment in (before, datetime.now(UTC)))


def test_a_loader_that_writes_waiting_changes_holds_up_no_refresh(dsn: str, db: Connection) -> None:
    with db.transaction():
        change(db, "1", datetime(2019, 2, 3, tzinfo=UTC))
        assert refresh_views(dsn)
    assert kept_in(db) == [("price_changes_default", "1")]
    refresh_views(dsn)
    assert kept_in(db) == [("price_changes_2019_02", "1")]


def test_only_who_may_makes_partitions(dsn: str, db: Connection) -> None:
    row = db.execute(
        "SELECT proacl::text FROM pg_proc WHERE proname = 'add_price_change_months' AND prosecdef "
        "AND proconfig @> ARRAY['search_path=public, pg_temp']"
    ).fetchone()
    assert row is not None
    assert not row[0].startswith("{=X/"), "EXECUTE is not everyone's"


def test_without_partitions_history_is_one_table() -> None:
    first = schema_steps()[0]
    assert "PARTITION BY" in step_text(first, POSTGRESQL)
    assert "PARTITION BY" not in step_text(first, COCKROACHDB)


def test_the_steps_keep_the_data_of_a_database_that_has_some(empty_dsn: str) -> None:
    """From the first release's six steps on: each later one meets rows of every table it changes."""
    steps = schema_steps()
    migrate(empty_dsn, steps[:6])
    with connect(empty_dsn) as connection:
        connection.execute(_OLD_ROWS)
    assert migrate(empty_dsn) == [step.name for step in steps[6:]]
    refresh_views(empty_dsn)
    with connect(empty_dsn) as connection:
        for table, expected in (
            ("prices", 1),
            ("price_changes", 1),
            ("promotion_items", 1),
            ("listed_codes", 1),
        ):
            assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (expected,)
        assert connection.execute(
            "SELECT sub_chain_id, is_sold, listed_at IS NOT NULL FROM store_identities ORDER BY store_id"
        ).fetchall() == [("1", True, True), ("1", True, False)]
        assert connection.execute("SELECT count(*), count(is_whole) FROM files").fetchone() == (2, 2)
        assert connection.execute("SELECT count(*) FROM file_addresses").fetchone() == (2,)


_OLD_ROWS = b"""
    INSERT INTO chains (chain_id, name) VALUES ('729', 'chain');
    INSERT INTO stores (chain_id, sub_chain_id, store_id, name, described_at, described_row,
                        prices_full_at, prices_full_row)
    VALUES ('729', '1', '1', 'one', now(), 9223372036854775807, now(), 9223372036854775807),
           ('729', '1', '2', NULL, NULL, NULL, NULL, NULL);
    INSERT INTO prices (store_key, published_at, source_row, first_seen_at, price, item_code)
    VALUES (1, now(), 9223372036854775807, now(), 5, '100');
    CREATE TABLE price_changes_2024_08 PARTITION OF price_changes
        FOR VALUES FROM ('2024-08-01 00:00:00+00') TO ('2024-09-01 00:00:00+00');
    INSERT INTO price_changes VALUES (1, '2024-08-05 03:00:00+00', 4, 5, '100');
    INSERT INTO promotions (store_key, promotion_id, published_at, source_row, digest, first_seen_at, club_ids)
    VALUES (1, '7', now(), 1, 1, now(), '{}');
    INSERT INTO promotion_groups (store_key, promotion_id, group_id, position) VALUES (1, '7', '1', 0);
    INSERT INTO promotion_items (store_key, promotion_id, position, group_id, item_code, is_gift)
    VALUES (1, '7', 0, '1', '100', false);
    INSERT INTO files (content_sha256, chain, chain_id, sub_chain_id, store_id, store_key, kind, file, published_at,
                       source_url, discovered_at, downloaded_at, seen_at, first_loaded_at, complete, problems)
    SELECT number::text, 'chain', '729', '1', number::text, number, 'pricefull', 'f' || number, now(), 'u' || number,
           now(), now(), now(), now(), number = 1, CASE number WHEN 2 THEN ARRAY['count_mismatch'] ELSE '{}' END
    FROM generate_series(1, 2) AS number;
    INSERT INTO batches (batch_id, content_sha256, sequence) VALUES ('1-0', '1', 0), ('2-0', '2', 0);
    INSERT INTO listed_codes VALUES ('2', 0, 2, 'prices', now(), 1, ARRAY['100']);
    INSERT INTO dead_letters VALUES ('k', 'parse', 'r', 'd', 'o', NULL, 'chain', 'u1', NULL, NULL, NULL, 1, now(), now());
"""
