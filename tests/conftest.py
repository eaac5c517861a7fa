"""Real servers for the tests: PostgreSQL with a fresh database for each of them, S3 with a fresh bucket."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import boto3  # type: ignore[import-untyped]
import psycopg
import pytest
from moto.server import ThreadedMotoServer

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


@dataclass(frozen=True)
class Bucket:
    """A bucket of a local S3 server; its URL is that of an object store."""

    endpoint: str
    name: str

    @property
    def url(self) -> str:
        return f"s3://{self.name}"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of an S3 server that lives as long as the test run."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket of its own; credentials are in the environment, the server's address is not."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    for name in ("AWS_ENDPOINT_URL", "GOGOBE_STORE_ENDPOINT", "GOGOBE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    made = Bucket(s3_endpoint, f"test-{next(_numbers)}")
    boto3.client("s3", endpoint_url=made.endpoint).create_bucket(Bucket=made.name)
    return made
