"""A secret that the pipeline works with is nowhere to be seen; and Kafka with TLS and SASL on Flink."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apache_beam as beam
import psycopg
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from psycopg.conninfo import conninfo_to_dict

from gogobe.io.kafka.beam import ReadTopic, WriteTopic
from gogobe.io.kafka.options import KafkaAddress
from gogobe.io.kafka.topics import ensure_topics, publish, read_to_end
from gogobe.local.flink import cancel_jobs, jobs
from gogobe.local.postgres import LOADER as STACK_LOADER
from gogobe.local.postgres import READER as STACK_READER
from gogobe.local.postgres import USER, password_file
from gogobe.local.stack import StackAddresses
from gogobe.pipelines.options import flink_flags
from gogobe.records.messages import DEADLETTER, INGEST, TOPICS
from tests.integration.leaks import command_lines, files_below, flink_pages, submitted_graphs, unpacked
from tests.io.kafka.secure_broker import KEY_PASSWORD, PASSWORD, SecureBroker, running_secure_broker
from tests.portals.bundled import bundled_portal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

OWNER_PASSWORD, LOADER_PASSWORD = "planted-41b7 /@:", "planted-77e2 /@:"
QUOTED = "%20%2F%40%3A"
ROLE, LOADER = "secretly", "secretly_loader"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureBroker]:
    with running_secure_broker(tmp_path_factory.mktemp("secure")) as running:
        yield running


@dataclass(frozen=True)
class Database:
    """The addresses of a database for its owner and its loader, with passwords."""

    owner: str
    loader: str


@pytest.fixture
def database(stack: StackAddresses) -> Database:
    """A database of a role that has a password, and may make the loader's."""
    with psycopg.connect(stack.database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEROLE PASSWORD '{OWNER_PASSWORD}'".encode())
        connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}".encode())
    parts = conninfo_to_dict(stack.database)
    server = f"{parts['host']}:{parts['port']}/{ROLE}"
    return Database(
        f"postgresql://{ROLE}:planted-41b7{QUOTED}@{server}",
        f"postgresql://{LOADER}:planted-77e2{QUOTED}@{server}",
    )


class Operator:
    """An operator who keeps all secrets as values in the file and the environment."""

    def __init__(self, folder: Path, var: Path, broker: SecureBroker, database: Database) -> None:
        self._var = var
        config = folder / "gogobe.toml"
        config.write_text(
            f'kafka = "{broker.sasl}"\ngroup = "secretly"\nstore = "{folder}/store"\nmasters = "{folder}/masters"\n'
            f"[topic]\npartitions = 2\nreplication = 1\n"
            f'[kafka_options]\nsecurity.protocol = "SASL_SSL"\nsasl.mechanism = "SCRAM-SHA-512"\n'
            f'sasl.username = "{broker.options.sasl_username}"\nssl.ca.location = "{broker.options.ssl_ca_location}"\n'
        )
        self._environment = {
            **os.environ,
            "GOGOBE_CONFIG": str(config),
            "GOGOBE_DATABASE": database.owner,
            "GOGOBE_DATABASE_LOADER": database.loader,
            "GOGOBE_KAFKA_OPTIONS_SASL_PASSWORD": PASSWORD,
        }

    def run(self, *arguments: str) -> None:
        command = [str(Path(sys.executable).with_name("gogobe")), *arguments, "--var", str(self._var)]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def wait_until(what: str, true: Callable[[], Any], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.2)


def count(database: Database, table: str) -> int:
    with psycopg.connect(database.owner) as connection:
        row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    assert row is not None
    return int(row[0])


def test_the_pipeline_works_with_secrets_that_nothing_shows(
    stack: StackAddresses, var: Path, broker: SecureBroker, database: Database, tmp_path: Path
):
    operator = Operator(tmp_path, var, broker, database)
    passwords = [password_file(var / "data" / "postgres", role) for role in (USER, STACK_LOADER, STACK_READER)]
    generated = [file.read_bytes().strip().rpartition(b":")[2] for file in passwords]
    with bundled_portal() as portal:
        one_worker = ("--parallelism", "1", "--sdk_worker_parallelism", "1")
        operator.run("run", "ingest", "--fetch-hosts", portal.host, *one_worker)
        king_store = [
            one.url for one in portal.published if one.chain == "king_store" and "Stores" not in one.url
        ]
        operator.run("announce", "--chain", "king_store", *king_store)
        wait_until(
            "loaded, and one dead letter",
            lambda: count(database, "files") >= 4 and count(database, "dead_letters"),
        )
        # What a step records and what it publishes are separate branches of the job.
        wait_until("batches in their topic", lambda: read_to_end(broker.address, INGEST))
        wait_until("the letter in its topic", lambda: read_to_end(broker.address, DEADLETTER))
        (job,) = [one for one in jobs(stack.flink) if one.state == "RUNNING"]
        with psycopg.connect(stack.database, autocommit=True) as connection:  # an error of the database's
            connection.execute(f"ALTER ROLE {LOADER} PASSWORD 'another'".encode())
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", [LOADER]
            )
        other = [one.url for one in portal.published if one.chain == "yohananof"]
        operator.run("announce", "--chain", "yohananof", *other)

        def refused() -> bool:
            return b"password authentication failed" in b"".join(page for _, page in flink_pages(job))

        wait_until("the database refuses the workers", refused)
        shown = [
            *flink_pages(job),
            *submitted_graphs(stack),
            *command_lines(),
            *files_below(var, but=[var / "secrets", var / "data" / "postgres", *passwords]),
            *(
                (topic, b"".join(key + value for key, value in read_to_end(broker.address, topic)))
                for topic in TOPICS
            ),
        ]
        with psycopg.connect(stack.database, autocommit=True) as connection:
            connection.execute(f"ALTER ROLE {LOADER} PASSWORD '{LOADER_PASSWORD}'".encode())
        wait_until("the file that waited is loaded", lambda: count(database, "files WHERE chain = 'yohananof'"))
    cancel_jobs(stack.flink)
    planted = [
        OWNER_PASSWORD.encode(),
        b"planted-41b7",
        b"planted-77e2",
        *generated,
        PASSWORD.encode(),
        b"planted-9c1e",
        KEY_PASSWORD.encode(),
    ]
    assert [(place, one) for place, text in shown for one in planted if one in text] == []
    assert [
        (place, one) for place, text in shown for part in unpacked(text) for one in planted if one in part
    ] == []
    places = dict(shown)
    options = places[f"/jobs/{job.id}/config"]
    assert b"secret://file" in options, "the job's options are looked at"
    assert f"//{LOADER}@".encode() in options
    assert f"//{ROLE}@".encode() not in options, "the job has the loader's address alone"
    assert b"DatabaseAddress" in places["functions of gogobe-ingest"], "pickled functions are looked at"
    assert b"${directory:" in places["graph of gogobe-ingest"], "the Java side's configuration is looked at"
    assert places[INGEST]
    assert places[DEADLETTER]
    secrets = var / "secrets"
    assert {file.name for file in secrets.iterdir()} == {
        "database_password",
        "database_loader_password",
        "kafka_options.sasl.password",
    }
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o600}


def test_beam_s_java_side_proves_itself_by_a_certificate(stack: StackAddresses, broker: SecureBroker):
    address = KafkaAddress(broker.mutual, broker.certificates)
    ensure_topics(address, ["mutual.in", "mutual.out"], partitions=1)
    flags = flink_flags(stack.job_endpoint, stack.worker_pool, "mutual", parallelism=1)
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    received = pipeline | "Read" >> ReadTopic("mutual.in", address, "mutual", stack.expansion_service)
    received | "Write" >> WriteTopic("mutual.out", address, stack.expansion_service)
    pipeline.run()
    records = [(b"%d" % number, b"value") for number in range(20)]
    publish(address, "mutual.in", records)
    wait_until("all records out", lambda: len(read_to_end(address, "mutual.out")) >= len(records))
    assert sorted(set(read_to_end(address, "mutual.out"))) == sorted(records)
    cancel_jobs(stack.flink)
