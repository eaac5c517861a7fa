"""Roles with few rights: the owner defines, the loader writes rows, the reader reads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

import gogobe
from gogobe.database import roles as roles_module
from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.migrations import MigrationError, Step, migrate, schema_steps
from gogobe.database.roles import LOADER_WRITES, DatabaseRoles, Role
from gogobe.database.views import VIEWS, refresh_views
from gogobe.local.postgres import PostgresServer
from tests.database.places import PASSWORD, Place, new_place
from tests.database.samples import at, file_batches, item, promotion, store

RIGHTS = """
    SELECT grantee.rolname, c.relname, string_agg(a.privilege_type, ' ' ORDER BY a.privilege_type)
    FROM pg_class c, aclexplode(c.relacl) AS a JOIN pg_roles grantee ON grantee.oid = a.grantee
    WHERE c.relnamespace = 'public'::regnamespace GROUP BY 1, 2
"""


@pytest.fixture
def bare(postgres: PostgresServer) -> Iterator[Place]:
    yield from new_place(postgres)


@pytest.fixture(scope="module")
def place(postgres: PostgresServer) -> Iterator[Place]:
    """A database with the schema, the roles and some rows, for tests that change nothing."""
    for place in new_place(postgres):
        place.migrate()
        with Loader(place.loader) as loader:
            loader.load(file_batches([item("1", "5")], hour=0))
            loader.load(file_batches([item("1", "6")], hour=1))
        yield place


def rights(dsn: str) -> dict[tuple[str, str], set[str]]:
    """The rights on each table and view of the roles of a place: loader, reader."""
    with connect(dsn) as connection:
        found = connection.execute(RIGHTS).fetchall()
    return {(role.partition("_")[0], name): set(held.split()) for role, name, held in found}


def test_the_owner_makes_roles_that_load_and_read(bare: Place) -> None:
    assert bare.migrate() == [step.name for step in schema_steps()]
    with Loader(bare.loader) as loader:
        for hour, price in ((0, "5"), (1, "6"), (24 * 400, "7")):  # the last one has no partition yet
            loaded = loader.load(file_batches([item("1", price), item("2", "5")], hour=hour))
            assert (loaded.failed, loaded.files_completed) == ([], 1)
        loader.load(file_batches([promotion("7", "1")], kind="promofull"))
        loader.load(file_batches([store("5", sub_chain_id="1", name="דיל")], kind="stores"))
    assert refresh_views(bare.loader)
    with connect(bare.reader) as reader:
        assert reader.execute("SELECT price FROM current_prices WHERE item_code = '1'").fetchall() == [
            (Decimal(7),)
        ]
        assert reader.execute(
            "SELECT changed_at, tableoid::regclass::text FROM price_changes ORDER BY 1"
        ).fetchall() == [
            (at(1), "price_changes_2025_08"),
            (at(24 * 400), "price_changes_2026_09"),
        ]
        for view in VIEWS:
            reader.execute(f"SELECT count(*) FROM {view}".encode())
    assert bare.migrate() == []


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE prices",
        "DROP MATERIALIZED VIEW chain_health",
        "DROP FUNCTION price_max_age()",
        "ALTER TABLE prices ADD COLUMN mine integer",
        "ALTER TABLE price_changes DETACH PARTITION price_changes_default",
        "CREATE TABLE mine (number integer)",
        "CREATE INDEX ON prices (price)",
        "CREATE SCHEMA mine",
        "TRUNCATE prices",
        "INSERT INTO schema_steps VALUES (9999, 'mine', '')",
        "UPDATE cities SET name = ''",
        "DELETE FROM files",
        "DELETE FROM batches",
        "CREATE ROLE mine",
        "ALTER ROLE {owner} PASSWORD 'mine'",
        "GRANT {owner} TO {loader}",
        "SET ROLE {owner}",
        "COPY prices TO PROGRAM 'cat'",
    ],
)
def test_the_loader_defines_nothing_and_writes_rows_of_its_tables_only(place: Place, statement: str) -> None:
    for dsn in (place.loader, place.reader):
        with connect(dsn) as connection, pytest.raises(errors.InsufficientPrivilege):
            connection.execute(named(place, statement))


@pytest.mark.parametrize("table", sorted(LOADER_WRITES))
def test_the_reader_writes_nothing(place: Place, table: str) -> None:
    with connect(place.reader) as connection:
        for statement in (
            "DELETE FROM {} WHERE false",
            "INSERT INTO {} DEFAULT VALUES",
            "LOCK TABLE {} IN EXCLUSIVE MODE",
            "SELECT * FROM {} FOR UPDATE",
        ):
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement.replace("{}", table).encode())
        connection.execute(f"SELECT * FROM {table} LIMIT 1".encode())


@pytest.mark.parametrize(
    "statement", ["REFRESH MATERIALIZED VIEW chain_health", "SELECT add_price_change_months('{}')"]
)
def test_the_reader_refreshes_nothing(place: Place, statement: str) -> None:
    with connect(place.reader) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def named(place: Place, statement: str) -> bytes:
    assert place.roles.loader is not None
    loader = place.roles.loader.name
    return statement.format(loader=loader, owner=loader.replace("loader", "owner")).encode()


def test_a_password_is_sent_and_stored_as_its_verifier(place: Place) -> None:
    with connect(place.superuser) as connection:
        stored = connection.execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname IN (%s, %s)",
            [role.name for role in place.roles],
        ).fetchall()
    assert len(stored) == 2
    assert all(value.startswith("SCRAM-SHA-256$4096:") for (value,) in stored)


def test_rights_that_somebody_changed_are_put_right(bare: Place) -> None:
    bare.migrate()
    before = rights(bare.superuser)
    with connect(bare.owner) as owner:
        owner.execute(named(bare, "GRANT TRUNCATE, DELETE ON files TO {loader}"))
        owner.execute(named(bare, "REVOKE UPDATE ON prices FROM {loader}"))
    assert rights(bare.superuser) != before
    bare.migrate()
    assert rights(bare.superuser) == before


def test_every_table_and_view_can_be_read_and_all_of_the_list_exist(place: Place) -> None:
    held = rights(place.superuser)
    with connect(place.superuser) as connection:
        relations = {
            name
            for (name,) in connection.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
                "AND relkind IN ('r', 'p', 'v', 'm') AND NOT relispartition"
            )
        }
    assert {name for role, name in held if role == "reader"} == relations
    assert all(rights == {"SELECT"} for (role, _), rights in held.items() if role == "reader")
    assert set(LOADER_WRITES) <= relations
    for (role, name), found in held.items():
        if role == "loader":
            assert found - {"MAINTAIN"} == {"SELECT", *LOADER_WRITES.get(name, ())}


def test_the_loader_s_rights_are_those_that_the_code_uses() -> None:
    """Found in the statements of the package; a table that none of them writes is in no role's rights."""
    written: dict[str, set[str]] = {}
    for file in (Path(gogobe.__file__).parent).rglob("*.py"):
        text = file.read_text("utf-8")
        for verb, table in re.findall(r"\b(INSERT INTO|DELETE FROM|UPDATE) ([a-z_]+)", text):
            written.setdefault(table, set()).add(verb.partition(" ")[0])
        for table in re.findall(r'copy_rows\(\w[\w.]*, "(\w+)"', text):
            written.setdefault(table, set()).add("INSERT")
    unknown = {table for table in written if table in LOADER_WRITES} ^ set(LOADER_WRITES)
    assert unknown == set(), "tables with rights that no statement names"
    assert {
        table: kinds - LOADER_WRITES[table] for table, kinds in written.items() if table in LOADER_WRITES
    } == {table: set() for table in LOADER_WRITES}
    temporary = {"changed_masters", "staged_words", "staged_aliases", "staged_prices"}
    prose_and_files = {"and", "of", "set", "skip", "parts"}  # "UPDATE of …", and SQLite's tables
    assert set(written) - set(LOADER_WRITES) <= {"schema_steps", *temporary, *prose_and_files}


def test_a_step_that_makes_a_view_anew_takes_no_right_from_anybody(bare: Place) -> None:
    bare.migrate()
    steps = schema_steps()
    text = (
        "DROP VIEW price_history; CREATE VIEW price_history AS SELECT 1 AS one; CREATE TABLE later (a integer)"
    )
    step = Step(len(steps) + 1, f"{len(steps) + 1:04d}_later.sql", text)
    assert bare.migrate([*steps, step]) == [step.name]
    with connect(bare.reader) as reader:
        assert reader.execute("SELECT one FROM price_history").fetchall() == [(1,)]
        assert reader.execute("SELECT count(*) FROM later").fetchall() == [(0,)]


def test_a_role_that_owns_nothing_checks_the_schema_and_leaves_changes_to_the_owner(bare: Place) -> None:
    bare.migrate()
    assert migrate(bare.loader) == []
    assert migrate(bare.reader) == []
    steps = schema_steps()
    more = Step(len(steps) + 1, f"{len(steps) + 1:04d}_more.sql", "CREATE TABLE more (a integer)")
    with pytest.raises(
        MigrationError,
        match=rf"loader_\w+ may not change .* {len(steps)} of {more.number} steps.*gogobe migrate",
    ):
        migrate(bare.loader, [*steps, more])
    with pytest.raises(MigrationError, match="gogobe migrate"):
        migrate(bare.loader, roles=DatabaseRoles(reader=Role("anybody_else")))


def test_an_owner_who_may_make_no_roles_uses_those_of_an_administrator(postgres: PostgresServer) -> None:
    for place in new_place(postgres, may="NOCREATEROLE"):
        with pytest.raises(
            MigrationError, match=r"loader_\w+ does not exist.* administrator .*CREATE ROLE loader_"
        ):
            place.migrate()
        with connect(place.superuser) as connection:
            for role in place.roles:
                create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                connection.execute(create.format(sql.Identifier(role.name), sql.Literal(PASSWORD)))
        place.migrate()
        with Loader(place.loader) as loader:
            assert loader.load(file_batches([item("1", "5")])).rows == 1
        assert refresh_views(place.loader)


def test_a_server_without_the_right_to_refresh_takes_no_loader(
    bare: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roles_module, "MAINTAIN_SINCE", 10**9)
    with pytest.raises(MigrationError, match="MAINTAIN since version 17"):
        bare.migrate()
    reader = DatabaseRoles(reader=bare.roles.reader)
    migrate(bare.owner, roles=reader)
    with connect(bare.reader) as connection:
        assert connection.execute("SELECT count(*) FROM prices").fetchone() == (0,)


def test_two_databases_of_a_server_may_share_roles(place: Place, dsn: str, db: Connection) -> None:
    assert migrate(dsn, roles=place.roles) == []
    assert place.roles.reader is not None
    address = make_conninfo(dsn, user=place.roles.reader.name, password=PASSWORD)
    with connect(address) as connection:
        assert connection.execute("SELECT count(*) FROM prices").fetchone() == (0,)
    assert db.info.user != place.roles.reader.name
