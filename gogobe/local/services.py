"""The services of a stack: how each is started, and its health check."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import gogobe
from gogobe.local import java
from gogobe.local.addresses import StackPorts
from gogobe.local.answers import (
    grpc_answers,
    job_manager_answers,
    kafka_answers,
    postgres_answers,
    task_manager_answers,
    worker_pool_answers,
)
from gogobe.local.flink import task_managers
from gogobe.local.flink_services import JOB_MANAGER, JOB_SERVER, TASK_MANAGER, FlinkServices
from gogobe.local.postgres import NAME as POSTGRES
from gogobe.local.postgres import PostgresServer, is_ready, start_postgres
from gogobe.local.processes import Records, ServiceRecord, StackError, listens, slug, start_service

KAFKA: Final = "Kafka"
WORKER_POOL: Final = "Python worker pool"
READY_SECONDS: Final = 2.0
# Imports all that a worker runs.
PRELOADED: Final = "gogobe.pipelines.catalogue"


@dataclass(frozen=True)
class Service:
    """One service. `start` prepares and starts it, and returns its record (raises StackError). `ready` is its
    health check after a start (raises StackError if waiting is useless). `answers` says whether the running
    service answers a request within a few seconds; None: it cannot be asked. `has_jobs`: Flink's jobs end with
    it. `is_own`: `ready` is about the process of the record, and not about an earlier one too."""

    name: str
    start: Callable[[], ServiceRecord]
    ready: Callable[[ServiceRecord], bool]
    answers: Callable[[], bool] | None = None
    has_jobs: bool = False
    is_own: bool = True


@dataclass(frozen=True)
class StackFolders:
    """The folders of a stack: `var` for data and logs, `jars` with the Java parts."""

    var: Path
    jars: Path

    @classmethod
    def of(cls, var: Path, jars: Path | None = None) -> StackFolders:
        """The folders with the Java parts in `var`, if they are there, otherwise those of the
        installation."""
        var = var.absolute()
        own = var / "java"
        return cls(var, jars.absolute() if jars else own if own.is_dir() else installed_jars())

    @property
    def postgres(self) -> Path:
        return self.var / "data" / "postgres"

    @property
    def flink(self) -> Path:
        return self.var / "data" / "flink"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def scratch(self) -> Path:
        """Temporary files of the Python workers."""
        return self.var / "tmp"

    def log(self, name: str) -> Path:
        """The log of this name."""
        return self.logs / f"{name}.log"

    @property
    def records(self) -> Records:
        """The records of the running services."""
        return Records(self.var / "services")


def installed_jars() -> Path:
    """The folder of the Java parts of this installation (`make install`)."""
    return Path(gogobe.__file__).absolute().parents[1] / "var" / "java"


def services_of(folders: StackFolders, ports: StackPorts, cluster: int) -> list[Service]:
    """All services of a stack, slow ones first; none waits for another. `cluster`: the number of TaskManagers
    of a Flink cluster; 0: Flink within the job server."""
    server = PostgresServer(ports.postgres, folders.postgres)
    records, broker = folders.records, _at(ports.kafka)
    return [
        *_flink(folders, ports, cluster),
        *_beam(folders, ports),
        Service(
            POSTGRES,
            partial(start_postgres, folders.postgres, folders.log("postgres"), ports.postgres, records),
            lambda record: is_ready(record, server),
            partial(postgres_answers, server),
        ),
        Service(
            KAFKA,
            partial(
                java.start_kafka,
                folders.jars / "kafka",
                folders.var / "data" / "kafka",
                folders.log("kafka"),
                (ports.kafka, ports.kafka_controller),
                records,
            ),
            lambda record: listens(record, ports.kafka) and kafka_answers(broker, READY_SECONDS),
            partial(kafka_answers, broker),
        ),
    ]


def _flink(folders: StackFolders, ports: StackPorts, cluster: int) -> Iterator[Service]:
    flink = FlinkServices(folders.jars / "flink", folders.flink, folders.logs, ports.flink, folders.records)
    rest = _at(ports.flink.rest[0])
    if cluster:
        yield Service(
            JOB_MANAGER,
            flink.start_job_manager,
            partial(_listens, port=ports.flink.rest[0]),
            partial(job_manager_answers, rest),
            has_jobs=True,
        )
    for number in range(1, cluster + 1):
        name = f"{TASK_MANAGER} {number}"
        yield Service(
            name,
            partial(flink.start_task_manager, number),
            lambda _record: task_managers(rest) == cluster,
            partial(task_manager_answers, rest, slug(name)),
            is_own=False,  # the JobManager counts a killed one for two seconds
        )
    start = partial(flink.start_job_server, rest, ships_jars=False) if cluster else flink.start_job_server
    port = ports.flink.jobs
    yield Service(
        JOB_SERVER, start, partial(_listens, port=port), partial(grpc_answers, _at(port)), has_jobs=not cluster
    )


def _beam(folders: StackFolders, ports: StackPorts) -> Iterator[Service]:
    jars, records = folders.jars / "expansion", folders.records
    yield Service(
        "Expansion service",
        partial(
            java.start_expansion_service,
            jars,
            folders.log("expansion"),
            ports.expansion_service,
            ports.java_worker,
            records,
        ),
        partial(_listens, port=ports.expansion_service),
        partial(grpc_answers, _at(ports.expansion_service)),
    )
    yield Service(
        "Java worker",
        partial(java.start_java_worker, jars, folders.log("java-worker"), ports.java_worker, records),
        partial(_listens, port=ports.java_worker),
        partial(grpc_answers, _at(ports.java_worker)),
    )
    yield Service(
        WORKER_POOL,
        partial(_start_worker_pool, folders, ports.worker_pool),
        partial(_listens, port=ports.worker_pool),
        partial(worker_pool_answers, _at(ports.worker_pool)),
    )


def _start_worker_pool(folders: StackFolders, port: int) -> ServiceRecord:
    # Killed workers leave partial downloads, in a folder that the next start clears.
    shutil.rmtree(folders.scratch, ignore_errors=True)
    try:
        folders.scratch.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StackError(f"{WORKER_POOL} cannot be started: {error}") from error
    # There are as many workers as cores, so threads of numpy would only compete. Each of glibc's arenas, eight
    # a core by default, keeps as much as the largest file that its thread ever read.
    environment = {"TMPDIR": str(folders.scratch), "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    command = [sys.executable, "-m", "gogobe.local.worker_pool", str(port), PRELOADED]
    return start_service(WORKER_POOL, command, folders.log("workers"), folders.records, environment=environment)


def _at(port: int) -> str:
    return f"127.0.0.1:{port}"


def _listens(record: ServiceRecord, port: int) -> bool:
    return listens(record, port)
