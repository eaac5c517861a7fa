"""Samples of a running system: what could grow with time, as numbers by name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psutil
import psycopg
import requests
from confluent_kafka import KafkaException

from chaos.world import JOB, World
from gogobe.local.flink import checkpoints, jobs
from gogobe.local.processes import Records, ServiceRecord, members

MEMORY: Final = "memory"
FILES: Final = "open files"
CONNECTIONS: Final = "connections"
CHECKPOINTS: Final = "checkpoints"
LAG: Final = "lag"
BLOAT: Final = "dead rows"

_CONNECTIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
_BLOAT: Final = """
    SELECT coalesce(sum(n_dead_tup)::float8 / nullif(sum(n_live_tup + n_dead_tup), 0), 0)
    FROM pg_stat_user_tables
"""


@dataclass(frozen=True)
class Tolerance:
    """How much a kind of series may grow in an hour before that counts: a share of its median, and a least
    amount in its unit."""

    unit: str
    share: float
    least: float


TOLERANCES: Final[Mapping[str, Tolerance]] = {
    MEMORY: Tolerance("MB", 0.1, 32.0),
    FILES: Tolerance("files", 0.1, 10.0),
    CONNECTIONS: Tolerance("connections", 0.1, 4.0),
    CHECKPOINTS: Tolerance("kB", 0.1, 64.0),
    LAG: Tolerance("messages", 0.5, 60.0),
    BLOAT: Tolerance("share", 0.5, 0.1),
}


def kind_of(name: str) -> str:
    """The kind of a series: the part of its name before the colon."""
    return name.partition(":")[0]


@dataclass(frozen=True)
class Sampler:
    """Reads samples of a system. A server that does not answer leaves its numbers out."""

    world: World
    services: Sequence[Records]

    def look(self) -> dict[str, float]:
        """The numbers now, by the names of their series: KIND or KIND: SERVICE."""
        found: dict[str, float] = {}
        for records in self.services:
            for record in records.read():
                found |= _of_service(record)
        with contextlib.suppress(psycopg.Error):
            found |= dict(self._of_database())
        with contextlib.suppress(requests.RequestException, StopIteration):
            found |= dict(self._of_job())
        with contextlib.suppress(KafkaException):
            found[LAG] = self.world.lag()
        return found

    def _of_database(self) -> Iterator[tuple[str, float]]:
        with psycopg.connect(self.world.stack.database, autocommit=True, connect_timeout=3) as connection:
            # Without the one of this sample.
            yield f"{CONNECTIONS}: PostgreSQL", _number(connection, _CONNECTIONS) - 1
            yield BLOAT, _number(connection, _BLOAT)

    def _of_job(self) -> Iterator[tuple[str, float]]:
        running = next(
            job for job in jobs(self.world.stack.flink) if job.name == JOB and job.state == "RUNNING"
        )
        latest = checkpoints(running).latest_completed
        if latest is not None:
            yield CHECKPOINTS, latest.size / 1024


def _number(connection: psycopg.Connection[tuple[object, ...]], query: str) -> float:
    row = connection.execute(query.encode()).fetchone()
    return float(str(row[0])) if row else 0.0


def _of_service(record: ServiceRecord) -> dict[str, float]:
    """Memory that no other process shares, open files and sockets of all processes of a service."""
    memory = files = 0
    for process in members(record):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            memory += process.memory_full_info().uss
            files += process.num_fds()
    return {f"{MEMORY}: {record.name}": memory / (1 << 20), f"{FILES}: {record.name}": float(files)}
