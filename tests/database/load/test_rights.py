"""Loading needs only the loader's privileges: to read and write rows, and to create temporary tables."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.migrations import migrate
from gogobe.database.roles import DatabaseRoles, Role
from gogobe.database.views import refresh_views
from gogobe.secrets import Secret
from tests.database.samples import at, empty, file_batches, item, promotion, store


@pytest.fixture
def loader_dsn(dsn: str, db: Connection) -> Iterator[str]:
    """The address of the test's database for a role that owns nothing in it."""
    name = f"loader_of_{conninfo_to_dict(dsn)['dbname']}"
    db.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    migrate(dsn, roles=DatabaseRoles(loader=Role(name, Secret.of_value("loading"))))
    yield make_conninfo(dsn, user=name, password="loading")
    role = sql.Identifier(name)
    db.execute(sql.SQL("DROP OWNED BY {role}; DROP ROLE {role}").format(role=role))


def test_a_role_with_rows_and_temporary_tables_alone_loads_everything(loader_dsn: str, db: Connection) -> None:
    with connect(loader_dsn) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE mine (n integer)")
    months_before = db.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^price_changes_'").fetchone()
    with Loader(loader_dsn) as loader:
        for hour, price in ((0, "5"), (1, "6"), (24 * 400, "7"), (24 * 900, "8")):
            loaded = loader.load(file_batches([item("1", price), item("2", "5")], hour=hour))
            assert (loaded.failed, loaded.files_completed) == ([], 1)
        loader.load(file_batches([item("1", "8")], hour=24 * 901))
        loader.load(file_batches([promotion("7", "1")], kind="promofull"))
        loader.load(file_batches([store("5", sub_chain_id="1", name="דיל")], kind="stores"))
        refused = loader.load(file_batches([item("1", "9", name="\0")], kind="price", hour=24 * 902))
        assert [failed.reason for failed in refused.failed] == ["refused_by_database"]
    assert db.execute("SELECT changed_at, old_price, new_price FROM price_changes ORDER BY 1").fetchall() == [
        (at(1), Decimal(5), Decimal(6)),
        (at(24 * 400), Decimal(6), Decimal(7)),
        (at(24 * 900), Decimal(7), Decimal(8)),
    ]
    months = db.execute("SELECT count(*) FROM pg_class WHERE relname ~ '^price_changes_'").fetchone()
    assert months == months_before, "loading defined no table"


def test_the_owners_refresh_gives_the_waiting_rows_their_months(
    dsn: str, loader_dsn: str, db: Connection
) -> None:
    with Loader(loader_dsn) as loader:
        for hour, price in ((0, "5"), (1, "6"), (24 * 400, "7")):
            loader.load(file_batches([item("1", price)], hour=hour))
    refresh_views(dsn)
    rows = db.execute("SELECT tableoid::regclass::text FROM price_changes ORDER BY changed_at").fetchall()
    assert rows == [("price_changes_2025_08",), ("price_changes_2026_09",)]


@pytest.mark.parametrize("how", ["DROP TABLE {}", "ALTER TABLE price_changes DETACH PARTITION {}"])
@pytest.mark.parametrize(
    "partitions", [["price_changes_2025_08"], ["price_changes_2025_08", "price_changes_default"]]
)
def test_a_month_that_was_dropped_or_detached_refuses_no_batch(
    dsn: str, db: Connection, how: str, partitions: list[str]
) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5")], hour=0))
        loader.load(file_batches([item("1", "6")], hour=1))
        refresh_views(dsn)
        for partition in partitions:
            db.execute(how.format(partition).encode())
        result = loader.load(file_batches([item("1", "7")], hour=2))
        assert (result.failed, result.rows) == ([], 1)
        assert db.execute("SELECT changed_at, new_price FROM price_changes").fetchall() == [(at(2), Decimal(7))]
        empty(db)
