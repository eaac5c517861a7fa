"""The schema applies itself: once, in order, also when several begin at once."""

from __future__ import annotations

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


def test_without_partitions_history_is_one_table() -> None:
    first = schema_steps()[0]
    assert "PARTITION BY" in step_text(first, POSTGRESQL)
    assert "PARTITION BY" not in step_text(first, COCKROACHDB)
