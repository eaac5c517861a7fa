"""The embedded stack as a whole: started together, checked, stopped together.

A stack belongs to the process that started it in a `with` (`running_stack`), or to none (`Stack.start`,
`gogobe up`): it then runs until it is stopped. A lock on its folder separates a living owner from what a killed
owner has left, which the next start clears away.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Final

import msgspec
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from gogobe.local import java
from gogobe.local.flink import task_managers
from gogobe.local.flink_services import JOB_MANAGER, JOBS_AT_ONCE, TASK_MANAGER, FlinkPorts, FlinkServices
from gogobe.local.postgres import PostgresServer, start_postgres, wait_for_postgres
from gogobe.local.processes import (
    Records,
    ServiceRecord,
    StackError,
    free_ports,
    is_running,
    listens,
    start_service,
    stop_services,
    wait_until_ready,
)

READY_SECONDS: Final = 90.0
EMBEDDED_PARALLELISM: Final = 2


class StackAddresses(msgspec.Struct, frozen=True):
    """Where the stack's services listen, all on 127.0.0.1. `flink`: where Flink's REST interface of a job may
    be, an address for each of the jobs that can run at once, or that of the cluster. `task_managers` of a
    cluster; 0: Flink is embedded."""

    kafka: str
    database: str
    expansion_service: str
    job_endpoint: str
    worker_pool: str
    flink: tuple[str, ...]
    task_managers: int = 0

    @property
    def parallelism(self) -> int:
        """How many slots a job gets unless it says so: one on each TaskManager."""
        return self.task_managers or EMBEDDED_PARALLELISM


class ServiceStatus(msgspec.Struct, frozen=True):
    """One service of a stack that was started: whether it lives, and where its log is."""

    name: str
    running: bool
    pid: int
    log: str


@dataclass(frozen=True)
class StackPorts:
    """The ports of a stack; free ones unless given."""

    kafka: int
    kafka_controller: int
    postgres: int
    expansion_service: int
    java_worker: int
    worker_pool: int
    flink: FlinkPorts

    @classmethod
    def choose(cls, kafka: int | None = None, postgres: int | None = None) -> StackPorts:
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

    def addresses(self, postgres_data: Path, task_managers: int = 0) -> StackAddresses:
        rest = self.flink.rest[:1] if task_managers else self.flink.rest
        return StackAddresses(
            kafka=f"127.0.0.1:{self.kafka}",
            database=PostgresServer(self.postgres, postgres_data).dsn,
            expansion_service=f"127.0.0.1:{self.expansion_service}",
            job_endpoint=f"127.0.0.1:{self.flink.jobs}",
            worker_pool=f"127.0.0.1:{self.worker_pool}",
            flink=tuple(f"127.0.0.1:{port}" for port in rest),
            task_managers=task_managers,
        )


class _State(msgspec.Struct, frozen=True):
    """What `stack.json` holds. `kept`: it runs on without an owner."""

    addresses: StackAddresses
    kept: bool


class Stack:
    """The services below one folder (`var`): `data/`, `log/`, `java/` and the record of what runs.

    `task_managers`: start a Flink cluster of so many, and a JobManager, instead of Flink within the job server.
    """

    def __init__(self, var: Path, jars: Path | None = None, task_managers: int = 0) -> None:
        self._task_managers = task_managers
        self._var = var.absolute()
        self._jars = jars.absolute() if jars else self._var / "java"
        self._postgres_data = self._var / "data" / "postgres"
        self._records = Records(self._var / "stack.processes.json")
        self._state = self._var / "stack.json"

    @property
    def secrets(self) -> Path:
        """A folder for secrets of the pipelines on this stack; it is removed when the stack stops."""
        return self._var / "secrets"

    def start(self, ports: StackPorts | None = None) -> StackAddresses:
        """Starts a stack that runs on after this process has ended, until `stop`.

        Clears away what a killed owner left, starts all services at once, and waits until each is healthy.
        Raises StackError, with everything stopped again, when one is not; or when a stack already runs here.
        """
        with self._locked(), _signals_as_exit():
            return self._start(ports or StackPorts.choose(), kept=True)

    @contextlib.contextmanager
    def running(self, ports: StackPorts | None = None) -> Iterator[StackAddresses]:
        """As `start`, for the length of a `with`; SIGTERM and SIGHUP end the `with` as Ctrl-C does."""
        with self._locked(), _signals_as_exit():
            addresses = self._start(ports or StackPorts.choose(), kept=False)
            try:
                yield addresses
            finally:
                self._stop()

    @contextlib.contextmanager
    def service(self, name: str, command: Sequence[str], ready: Callable[[], bool]) -> Iterator[None]:
        """Runs another service for the length of a `with`. If this process is killed, the service stops with
        the stack. Raises StackError if it is not `ready` in time."""
        record = start_service(name, command, self._log(name.lower()), self._records)
        try:
            wait_until_ready(record, ready, READY_SECONDS)
            yield
        finally:
            stop_services([record])
            self._records.remove(record)

    def stop(self) -> list[str]:
        """Stops what runs, or what is left of it, and returns the names of the services that ran. Raises
        StackError when it belongs to a living process."""
        with self._locked():
            running = [service.name for service in self.status() if service.running]
            self._stop()
            return running

    def addresses(self) -> StackAddresses | None:
        """Where the running stack listens; None when none runs, or not all of it. A cluster does without a
        TaskManager: its jobs go on with the others."""
        state = self._read_state()
        records = [one for one in self._records.read() if not one.name.startswith(TASK_MANAGER)]
        alive = state is not None and bool(records) and all(is_running(record) for record in records)
        return state.addresses if state is not None and alive else None

    def status(self) -> list[ServiceStatus]:
        """Each service that was started here and not stopped, in the order of starting."""
        return [
            ServiceStatus(record.name, is_running(record), record.pid, record.log)
            for record in self._records.read()
        ]

    def _read_state(self) -> _State | None:
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=_State)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        self._var.mkdir(parents=True, exist_ok=True)
        with (self._var / "stack.lock").open("a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                message = f"the stack over {self._var} belongs to process {file.read()}: wait, or end that one"
                raise StackError(message) from None
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield

    def _start(self, ports: StackPorts, *, kept: bool) -> StackAddresses:
        state = self._read_state()
        if state is not None and state.kept and self.addresses() is not None:
            raise StackError(f"a stack already runs over {self._var}: `gogobe status` shows it")
        self._stop()
        try:
            self._start_all(ports)
        except BaseException:
            self._stop()
            raise
        addresses = ports.addresses(self._postgres_data, self._task_managers)
        self._state.write_bytes(msgspec.json.format(msgspec.json.encode(_State(addresses, kept))))
        return addresses

    def _stop(self) -> None:
        self._state.unlink(missing_ok=True)
        shutil.rmtree(self.secrets, ignore_errors=True)
        stop_services(self._records.read())
        self._records.clear()

    def _start_all(self, ports: StackPorts) -> None:
        """The slow ones first; none waits for another."""
        records = self._records
        listening = self._start_beam(ports)
        postgres = start_postgres(self._postgres_data, self._log("postgres"), ports.postgres, records)
        kafka = java.start_kafka(
            self._jars / "kafka",
            self._var / "data" / "kafka",
            self._log("kafka"),
            (ports.kafka, ports.kafka_controller),
            records,
        )
        wait_for_postgres(postgres, PostgresServer(ports.postgres, self._postgres_data))
        for record, port in [(kafka, ports.kafka), *listening]:
            wait_until_ready(record, partial(listens, record, port), READY_SECONDS)
        wait_until_ready(kafka, partial(_kafka_answers, ports.kafka), READY_SECONDS)
        if self._task_managers:
            manager = next(one for one in records.read() if one.name == JOB_MANAGER)
            rest = f"127.0.0.1:{ports.flink.rest[0]}"
            wait_until_ready(manager, lambda: task_managers(rest) == self._task_managers, READY_SECONDS)

    def _start_beam(self, ports: StackPorts) -> list[tuple[ServiceRecord, int]]:
        """The services with the ports on which they listen when they are ready."""
        jars, records = self._jars / "expansion", self._records
        flink = FlinkServices(
            self._jars / "flink", self._var / "data" / "flink", self._var / "log", ports.flink, records
        )
        cluster = flink.start_cluster(self._task_managers) if self._task_managers else []
        rest = f"127.0.0.1:{ports.flink.rest[0]}"
        job_server = flink.start_job_server(rest) if cluster else flink.start_job_server()
        expansion = java.start_expansion_service(
            jars, self._log("expansion"), ports.expansion_service, ports.java_worker, records
        )
        worker = java.start_java_worker(jars, self._log("java-worker"), ports.java_worker, records)
        command = [sys.executable, "-m", "gogobe.local.worker_pool", str(ports.worker_pool)]
        # Workers are killed, and then leave half a download behind: in a folder that the next start clears.
        scratch = self._var / "tmp"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        # Workers are as many as there are cores: threads of numpy's own would only wait for one another.
        environment = {"TMPDIR": str(scratch), "OPENBLAS_NUM_THREADS": "1"}
        pool = start_service(
            "Python worker pool", command, self._log("workers"), records, environment=environment
        )
        return [
            (job_server, ports.flink.jobs),
            *((manager, ports.flink.rest[0]) for manager in cluster[:1]),
            (expansion, ports.expansion_service),
            (worker, ports.java_worker),
            (pool, ports.worker_pool),
        ]

    def _log(self, name: str) -> Path:
        return self._var / "log" / f"{name}.log"


@contextlib.contextmanager
def running_stack(
    var: Path, jars: Path | None = None, ports: StackPorts | None = None, task_managers: int = 0
) -> Iterator[StackAddresses]:
    """A stack for the length of a `with`; its data stays below `var`. Raises StackError."""
    with Stack(var, jars, task_managers).running(ports) as addresses:
        yield addresses


@contextlib.contextmanager
def _signals_as_exit() -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _kafka_answers(port: int) -> bool:
    client = AdminClient({"bootstrap.servers": f"127.0.0.1:{port}", "log_level": 0})
    try:
        client.list_topics(timeout=2)
    except KafkaException:
        return False
    return True
