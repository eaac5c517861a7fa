"""A real PostgreSQL for the tests of the database, and a fresh database for each of them."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from gogobe.io.migrations import migrate
from gogobe.io.postgres import Connection, connect
from gogobe.local.postgres import dsn_of, running_postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that lives as long as the test run. Durability is off: nobody reads it afterwards."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    with running_postgres(folder / "data", folder / "postgres.log") as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE migrated")
        migrate(dsn_of(server.port, "migrated"))
        yield server.port


@pytest.fixture
def empty_dsn(postgres_port: int) -> Iterator[str]:
    """An empty database."""
    with new_database(postgres_port, "template0") as name:
        yield dsn_of(postgres_port, name)


@pytest.fixture
def dsn(postgres_port: int) -> Iterator[str]:
    """A database of its own with the schema and nothing in it."""
    with new_database(postgres_port, "migrated") as name:
        yield dsn_of(postgres_port, name)


@pytest.fixture
def db(dsn: str) -> Iterator[Connection]:
    """A connection to look at what is in the test's database."""
    with connect(dsn) as connection:
        yield connection


@contextlib.contextmanager
def new_database(port: int, template: str) -> Iterator[str]:
    """A database made from a template and dropped in the end; its name."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(dsn_of(port, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        yield name
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
