"""The ports of a stack's services, and their addresses for clients."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from gogobe.local.flink_services import JOBS_AT_ONCE, FlinkPorts
from gogobe.local.postgres import DATABASE, LOADER, READER, PostgresServer
from gogobe.local.processes import StackError, free_ports, is_free

EMBEDDED_PARALLELISM: Final = 2
HIGHEST_PORT: Final = 65_535


class StackAddresses(msgspec.Struct, frozen=True):
    """The addresses of the stack's services, all on 127.0.0.1. `flink` has Flink's REST addresses: one for
    each concurrent job of an embedded Flink, or that of the cluster. `task_managers` of a cluster; 0: Flink
    is embedded. `database` is the owner's address, the other two are those of the roles with fewer rights."""

    kafka: str
    database: str
    expansion_service: str
    job_endpoint: str
    worker_pool: str
    flink: tuple[str, ...]
    task_managers: int = 0
    database_loader: str = ""
    database_reader: str = ""

    @property
    def parallelism(self) -> int:
        """The default number of slots of a job: one on each TaskManager."""
        return self.task_managers or EMBEDDED_PARALLELISM


class StackPorts(msgspec.Struct, frozen=True):
    """The ports of a stack."""

    kafka: int
    kafka_controller: int
    postgres: int
    expansion_service: int
    java_worker: int
    worker_pool: int
    flink: FlinkPorts

    @classmethod
    def choose(cls, kafka: int | None = None, postgres: int | None = None) -> StackPorts:
        """The given ports, and free ones for the rest."""
        free = iter(free_ports(10 + JOBS_AT_ONCE))
        return cls(
            kafka=kafka or next(free),
            kafka_controller=next(free),
            postgres=postgres or next(free),
            expansion_service=next(free),
            java_worker=next(free),
            worker_pool=next(free),
            flink=FlinkPorts(
                jobs=next(free),
                artifacts=next(free),
                expansion=next(free),
                rest=tuple(islice(free, JOBS_AT_ONCE)),
                manager=next(free),
            ),
        )

    @classmethod
    def kept_in(cls, file: Path, kafka: int | None = None, postgres: int | None = None) -> StackPorts:
        """The ports of the last start, from a file, which is written if a port changes. Free ones are chosen
        at the first start, and if another program uses a kept port. Raises StackError if a given port is
        invalid or in use, OSError."""
        for name, given in (("kafka", kafka), ("postgres", postgres)):
            if given is not None:
                _check(name, given)
        try:
            before = msgspec.json.decode(file.read_bytes(), type=cls)
        except (FileNotFoundError, msgspec.DecodeError):
            before = None
        ports = cls.choose(kafka, postgres) if before is None else before._usable(kafka, postgres)
        if ports != before:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(msgspec.json.format(msgspec.json.encode(ports)))
        return ports

    def _usable(self, kafka: int | None, postgres: int | None) -> StackPorts:
        fresh = self.choose()

        def usable(port: int, other: int) -> int:
            return port if is_free(port) else other

        return StackPorts(
            kafka=kafka or usable(self.kafka, fresh.kafka),
            kafka_controller=usable(self.kafka_controller, fresh.kafka_controller),
            postgres=postgres or usable(self.postgres, fresh.postgres),
            expansion_service=usable(self.expansion_service, fresh.expansion_service),
            java_worker=usable(self.java_worker, fresh.java_worker),
            worker_pool=usable(self.worker_pool, fresh.worker_pool),
            flink=FlinkPorts(
                jobs=usable(self.flink.jobs, fresh.flink.jobs),
                artifacts=usable(self.flink.artifacts, fresh.flink.artifacts),
                expansion=usable(self.flink.expansion, fresh.flink.expansion),
                rest=tuple(map(usable, self.flink.rest, fresh.flink.rest)),
                manager=usable(self.flink.manager, fresh.flink.manager),
            ),
        )

    def addresses(self, postgres_data: Path, task_managers: int = 0) -> StackAddresses:
        """The addresses for clients; with a cluster of Flink, or with Flink within the job server."""
        rest = self.flink.rest[:1] if task_managers else self.flink.rest
        server = PostgresServer(self.postgres, postgres_data)
        return StackAddresses(
            kafka=f"127.0.0.1:{self.kafka}",
            database=server.dsn,
            database_loader=server.dsn_of(DATABASE, LOADER),
            database_reader=server.dsn_of(DATABASE, READER),
            expansion_service=f"127.0.0.1:{self.expansion_service}",
            job_endpoint=f"127.0.0.1:{self.flink.jobs}",
            worker_pool=f"127.0.0.1:{self.worker_pool}",
            flink=tuple(f"127.0.0.1:{port}" for port in rest),
            task_managers=task_managers,
        )

    def given_differently(self, kafka: int | None, postgres: int | None) -> Iterator[str]:
        """A sentence for each requested port that differs from the running stack's."""
        for name, wanted, port in (
            ("Kafka", kafka, self.kafka),
            ("PostgreSQL", postgres, self.postgres),
        ):
            if wanted is not None and wanted != port:
                yield f"{name} of the running stack has port {port}, not {wanted}"


def _check(name: str, port: int) -> None:
    """Raises StackError for a port that a service of this name cannot get."""
    if not 0 < port <= HIGHEST_PORT:
        raise StackError(f"--{name}-port {port}: a port is a number from 1 to {HIGHEST_PORT}")
    if not is_free(port):
        raise StackError(
            f"--{name}-port {port}: another program has this port, or it needs rights that this "
            "account does not have: give another port, or end that program"
        )
