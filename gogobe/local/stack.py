"""The embedded stack as a whole: started together, checked, stopped together."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from gogobe.local import java
from gogobe.local.postgres import dsn_of, start_postgres, wait_for_postgres
from gogobe.local.processes import (
    Records,
    ServiceRecord,
    StackError,
    accepts_connections,
    free_ports,
    is_running,
    start_service,
    stop_services,
    wait_until_ready,
)

READY_SECONDS: Final = 90.0


class StackAddresses(msgspec.Struct, frozen=True):
    """Where the stack's services listen, all on 127.0.0.1."""

    kafka: str
    database: str
    expansion_service: str
    job_endpoint: str
    worker_pool: str


class ServiceStatus(msgspec.Struct, frozen=True):
    """One service of a stack that was started: whether it lives, and where its log is."""

    name: str
    running: bool
    pid: int
    log: str


@dataclass(frozen=True)
class StackPorts:
    """The ports of a stack; free ones unless told otherwise."""

    kafka: int
    kafka_controller: int
    postgres: int
    expansion_service: int
    java_worker: int
    worker_pool: int
    jobs: int
    artifacts: int
    job_expansion: int

    @classmethod
    def choose(cls, kafka: int | None = None, postgres: int | None = None) -> StackPorts:
        ports = free_ports(9)
        return cls(kafka or ports[0], ports[1], postgres or ports[2], *ports[3:])


class Stack:
    """The services below one folder (`var`): `data/`, `log/`, `java/` and the record of what runs."""

    def __init__(self, var: Path, jars: Path | None = None) -> None:
        self._var = var.absolute()
        self._jars = jars or self._var / "java"
        self._records = Records(self._var / "stack.processes.json")
        self._addresses = self._var / "stack.json"

    def start(self, ports: StackPorts) -> StackAddresses:
        """Cleans up what an earlier run left, starts all services at once, and waits until each is healthy.

        Raises StackError, with everything stopped again, when one is not; or when a stack already runs here.
        """
        if self.addresses() is not None:
            raise StackError(f"a stack already runs over {self._var}: `gogobe status` shows it")
        self.stop()
        try:
            self._start_all(ports)
        except BaseException:
            self.stop()
            raise
        addresses = StackAddresses(
            kafka=f"127.0.0.1:{ports.kafka}",
            database=dsn_of(ports.postgres),
            expansion_service=f"127.0.0.1:{ports.expansion_service}",
            job_endpoint=f"127.0.0.1:{ports.jobs}",
            worker_pool=f"127.0.0.1:{ports.worker_pool}",
        )
        self._addresses.write_bytes(msgspec.json.format(msgspec.json.encode(addresses)))
        return addresses

    def stop(self) -> None:
        """Stops what runs, or what is left of it."""
        self._addresses.unlink(missing_ok=True)
        stop_services(self._records.read())
        self._records.clear()

    def addresses(self) -> StackAddresses | None:
        """Where the running stack listens; None when none runs (or one was cut off in the middle)."""
        try:
            addresses = msgspec.json.decode(self._addresses.read_bytes(), type=StackAddresses)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        records = self._records.read()
        return addresses if records and all(is_running(record) for record in records) else None

    def status(self) -> list[ServiceStatus]:
        """Each service that was started here, in the order of starting."""
        return [
            ServiceStatus(record.name, is_running(record), record.pid, record.log)
            for record in self._records.read()
        ]

    def _start_all(self, ports: StackPorts) -> None:
        data, records = self._var / "data", self._records
        kafka = java.start_kafka(
            self._jars / "kafka",
            data / "kafka",
            self._log("kafka"),
            (ports.kafka, ports.kafka_controller),
            records,
        )
        postgres = start_postgres(data / "postgres", self._log("postgres"), ports.postgres, records)
        checks = self._start_beam(ports)
        wait_for_postgres(postgres, ports.postgres)
        for record, ready in [(kafka, lambda: _kafka_answers(ports.kafka)), *checks]:
            wait_until_ready(record, ready, READY_SECONDS)

    def _start_beam(self, ports: StackPorts) -> list[tuple[ServiceRecord, Callable[[], bool]]]:
        records = self._records
        expansion = self._jars / "expansion"
        job_ports = (ports.jobs, ports.artifacts, ports.job_expansion)
        pool = [sys.executable, "-m", "gogobe.local.worker_pool", str(ports.worker_pool)]
        return [
            (
                java.start_expansion_service(
                    expansion, self._log("expansion"), ports.expansion_service, ports.java_worker, records
                ),
                lambda: accepts_connections(ports.expansion_service),
            ),
            (
                java.start_java_worker(expansion, self._log("java-worker"), ports.java_worker, records),
                lambda: accepts_connections(ports.java_worker),
            ),
            (
                java.start_job_server(
                    self._jars / "flink", self._var / "data" / "flink", self._log("flink"), job_ports, records
                ),
                lambda: accepts_connections(ports.jobs),
            ),
            (
                start_service("Python worker pool", pool, self._log("workers"), records),
                lambda: accepts_connections(ports.worker_pool),
            ),
        ]

    def _log(self, name: str) -> Path:
        return self._var / "log" / f"{name}.log"


@contextlib.contextmanager
def running_stack(
    var: Path, jars: Path | None = None, ports: StackPorts | None = None
) -> Iterator[StackAddresses]:
    """A stack for the length of a `with`; its data stays below `var`."""
    stack = Stack(var, jars)
    addresses = stack.start(ports or StackPorts.choose())
    try:
        yield addresses
    finally:
        stack.stop()


def _kafka_answers(port: int) -> bool:
    if not accepts_connections(port):
        return False
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
    try:
        client.list_topics(timeout=2)
    except KafkaException:
        return False
    return True
