"""Real servers for the tests: PostgreSQL with a fresh database for each of them, S3 and GCS with a fresh bucket."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import boto3  # type: ignore[import-untyped]
import psycopg
import pytest
import requests
from hypothesis import HealthCheck, settings
from moto.server import ThreadedMotoServer

from deploy.gcs import running_gcs
from gogobe.database.connection import Connection, connect
from gogobe.database.migrations import migrate
from gogobe.local.postgres import PostgresServer, running_postgres
from gogobe.local.processes import (
    Records,
    free_ports,
    listens,
    start_service,
    stop_services,
    wait_until_ready,
)

_READY_SECONDS: Final = 60.0
_numbers = itertools.count(1)
_SERVER_FIXTURES: Final = frozenset({"postgres", "s3_endpoint", "gateway_endpoint", "gcs_endpoint", "bucket"})
_SERVER_STORES: Final = frozenset({"s3", "gs", "gateway"})
GATEWAY: Final = shutil.which("versitygw")
"""A second S3 server, with checks of its own, where its program is on PATH."""

COCKROACHDB: Final = os.environ.get("GOGOBE_TEST_COCKROACHDB")
"""The address of a CockroachDB server for tests, if there is one."""

# Property tests have the same examples in each run, and as much time as they need: a run that fails by chance
# says nothing about a change. `--hypothesis-profile=search` looks for further examples.
_PATIENT: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", _PATIENT, derandomize=True)
settings.register_profile("search", _PATIENT, max_examples=1000)
settings.load_profile("repeatable")
collect_ignore = [] if COCKROACHDB else ["database/test_cockroachdb.py"]


def pytest_report_header() -> list[str]:
    """Says which servers the tests use."""
    gateway = "no versitygw on PATH: go install github.com/versity/versitygw/cmd/versitygw@latest"
    cockroach = "no address in GOGOBE_TEST_COCKROACHDB"
    return [f"S3: moto, {GATEWAY or gateway}", f"CockroachDB: {'tested' if COCKROACHDB else cockroach}"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks tests that start a server, by a fixture or for the object store that they have as a parameter, so
    that `-m "not server"` leaves them out."""
    for item in items:
        parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
        stores = _SERVER_STORES & {value for value in parameters if isinstance(value, str)}
        if stores or _SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.server)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that lives as long as the test run. Durability is off: its data is not read afterwards."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    with running_postgres(folder / "data", folder / "postgres.log") as server:
        with psycopg.connect(server.dsn, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET synchronous_commit = off")
            connection.execute("ALTER SYSTEM SET fsync = off")
            # New statistics in the middle of a test may change a plan.
            connection.execute("ALTER SYSTEM SET autovacuum = off")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE migrated")
            migrate(server.dsn_of("migrated"))
            # A database is copied only when no process is connected to it, and each needs a moment to end.
            while connection.execute("SELECT FROM pg_stat_activity WHERE datname = 'migrated'").fetchone():
                time.sleep(0.02)
        yield server


@pytest.fixture
def empty_dsn(postgres: PostgresServer) -> Iterator[str]:
    """An empty database."""
    with new_database(postgres, "template0") as dsn:
        yield dsn


@pytest.fixture
def dsn(postgres: PostgresServer) -> Iterator[str]:
    """A database of its own with the schema and nothing in it."""
    with new_database(postgres, "migrated") as dsn:
        yield dsn


@pytest.fixture
def db(dsn: str) -> Iterator[Connection]:
    """A connection to look at what is in the test's database."""
    with connect(dsn) as connection:
        yield connection


@contextlib.contextmanager
def new_database(server: PostgresServer, template: str) -> Iterator[str]:
    """A database made from a template and dropped in the end; its address."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy".encode())
        yield server.dsn_of(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@dataclass(frozen=True)
class Bucket:
    """A bucket of a local S3 or GCS server (scheme `s3` or `gs`); its URL is that of an object store."""

    endpoint: str
    scheme: str
    name: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.name}"


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of an S3 server that lives as long as the test run."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def gateway_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a versitygw over a folder, which takes the credentials `test` and `test-secret` only."""
    assert GATEWAY is not None
    folder = tmp_path_factory.mktemp("gateway")
    for name in ("data", "metadata"):
        (folder / name).mkdir()
    (port,) = free_ports(1)
    address = f"127.0.0.1:{port}"
    command = [GATEWAY, "--access", "test", "--secret", "test-secret", "--port", address]
    command += ["--region", "us-east-1", "posix"]
    command += ["--sidecar", str(folder / "metadata"), str(folder / "data")]
    record = start_service("S3", command, folder / "s3.log", Records(folder / "processes.json"))
    try:
        wait_until_ready(record, lambda: listens(record, port), _READY_SECONDS)
        yield f"http://{address}"
    finally:
        stop_services([record])


@pytest.fixture(scope="session")
def gcs_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a GCS server that lives as long as the test run."""
    with running_gcs(tmp_path_factory.mktemp("gcs")) as endpoint:
        yield endpoint


@pytest.fixture
def s3_bucket(s3_endpoint: str, store_environment: None, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket of its own in S3; credentials are in the environment, the server's address is not."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return _new_s3_bucket(s3_endpoint)


@pytest.fixture
def gateway_bucket(gateway_endpoint: str, store_environment: None, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket of its own in versitygw."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return _new_s3_bucket(gateway_endpoint)


def _new_s3_bucket(endpoint: str) -> Bucket:
    made = Bucket(endpoint, "s3", f"test-{next(_numbers)}")
    boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket=made.name)
    return made


@pytest.fixture
def gs_bucket(
    gcs_endpoint: str, store_environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Bucket:
    """A bucket of its own in GCS, open to all; neither credentials nor the server's address are in the
    environment, and none are looked for elsewhere."""
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path / "gcloud"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    for name in ("GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST"):
        monkeypatch.delenv(name, raising=False)
    made = Bucket(gcs_endpoint, "gs", f"test-{next(_numbers)}")
    requests.post(f"{made.endpoint}/storage/v1/b", json={"name": made.name}, timeout=60).raise_for_status()
    return made


@pytest.fixture
def store_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of Gogobe's own from outside the test."""
    for name in ("GOGOBE_STORE_ENDPOINT", "GOGOBE_CONFIG"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=["s3", "gs", *(["gateway"] if GATEWAY else [])])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """A bucket of its own, in each S3 server and in GCS."""
    made: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clouds' libraries try as often as ever, but without the waits in between: half a minute in all."""
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda _seconds: sleep(0))
