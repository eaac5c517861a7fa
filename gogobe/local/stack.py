"""The local stack as a whole: starts, checks and stops all services.

A stack belongs to the process that started it in a `with` (`running_stack`), or to none (`Stack.start`,
`gogobe up`). In the second case it runs until it is stopped, watched by a supervisor. A lock on its folder
distinguishes a living owner from the remains of a killed one, which the next start removes.
"""

from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from gogobe.local import supervisor
from gogobe.local.addresses import StackAddresses, StackPorts
from gogobe.local.guards import check_space, explained, keep_private, locked, signals_as_exit
from gogobe.local.jobs import JobRecords
from gogobe.local.postgres import PostgresServer, ensure_database
from gogobe.local.processes import (
    ServiceRecord,
    StackError,
    is_running,
    slug,
    start_service,
    stop_services,
    wait_until_ready,
)
from gogobe.local.services import Service, StackFolders, services_of
from gogobe.local.state import StackState, read_state, state_file, write_state
from gogobe.local.watch import START_SECONDS

__all__ = ["ServiceStatus", "Stack", "StackAddresses", "StackPorts", "running_stack"]

READY_SECONDS: Final = 90.0
ASKED: Final = 3

Say = Callable[[str], None]


class ServiceStatus(msgspec.Struct, frozen=True):
    """The state of one service of a started stack: whether it runs, since when (seconds since the epoch), its
    log, and the supervisor's actions: the number of its latest restarts, and whether it has `given_up`.
    `held`: it was stopped on purpose."""

    name: str
    running: bool
    pid: int
    log: str
    since: float
    restarts: int = 0
    given_up: bool = False
    held: bool = False


class Stack:
    """The services below one folder (`var`): `data/`, `log/` and the records of running processes. The Java
    parts are in `jars`, in `var/java`, or in the installation's folder.

    `task_managers`: start a Flink cluster with this number of TaskManagers and a JobManager, instead of Flink
    within the job server.
    """

    def __init__(self, var: Path, jars: Path | None = None, task_managers: int = 0) -> None:
        self._task_managers = task_managers
        self._folders = StackFolders.of(var, jars)
        self._var = self._folders.var
        self._records = self._folders.records

    @property
    def secrets(self) -> Path:
        """A folder for secrets of the pipelines on this stack; it is removed when the stack stops."""
        return self._var / "secrets"

    @property
    def jobs(self) -> JobRecords:
        """The jobs that are submitted again if their Flink dies; they are removed when the stack stops."""
        return JobRecords(self._var / "jobs")

    def start(
        self, kafka: int | None = None, postgres: int | None = None, say: Say = lambda _: None
    ) -> StackAddresses:
        """Starts a stack that runs on after this process has ended, until `stop`, or what is missing of one.

        Clears away what a killed owner left, starts all services at once, and waits until each is healthy;
        `say` gets the progress. The ports are given ones, those of the last start, or free ones. Raises
        StackError when a service is not healthy: what this call has started is then stopped again.
        """
        with locked(self._var), signals_as_exit(), explained(self._var):
            state = read_state(self._var)
            if state is not None and state.kept and any(one.running for one in self.status()):
                return self._complete(state, kafka, postgres, say)
            self._stop()
            check_space(self._var)
            keep_private(self._var)
            ports = StackPorts.kept_in(self._var / "ports.json", kafka, postgres)
            return self._start(ports, kept=True, supervised=True, say=say)

    @contextlib.contextmanager
    def running(
        self, ports: StackPorts | None = None, supervised: bool = False, say: Say = lambda _: None
    ) -> Iterator[StackAddresses]:
        """As `start`, for the length of a `with`; SIGTERM and SIGHUP end the `with` as Ctrl-C does. Without a
        supervisor unless `supervised`."""
        with locked(self._var), signals_as_exit():
            with explained(self._var):
                self._stop()
                check_space(self._var)
                keep_private(self._var)
                ports = ports or StackPorts.kept_in(self._var / "ports.json")
                addresses = self._start(ports, kept=False, supervised=supervised, say=say)
            try:
                yield addresses
            finally:
                self._stop()

    @contextlib.contextmanager
    def service(self, name: str, command: Sequence[str], ready: Callable[[], bool]) -> Iterator[None]:
        """Runs another service for the length of a `with`. If this process is killed, the service stops with
        the stack. Raises StackError if it is not `ready` in time."""
        record = start_service(name, command, self._folders.log(slug(name)), self._records)
        try:
            wait_until_ready(record, ready, READY_SECONDS)
            yield
        finally:
            stop_services([record])
            self._records.remove(record)

    def stop(self) -> list[str]:
        """Stops what runs, or what is left of it, and returns the names of the services that ran. Raises
        StackError when it belongs to a living process."""
        with locked(self._var):
            running = [service.name for service in self.status() if service.running]
            self._stop()
            return running

    def stop_service(self, name: str) -> bool:
        """Stops one service of a running stack by its name, in any case; it stays down until `start`. Returns
        whether it ran. Raises StackError if there is none of this name."""
        record = next((one for one in self._records.read() if slug(one.name) == slug(name)), None)
        if record is None:
            known = ", ".join(one.name for one in self._records.read()) or "none: no stack runs"
            raise StackError(f"{name} is no service of this stack; its services are {known}")
        self._records.hold(record.name)
        ran = is_running(record)
        stop_services([record])
        return ran

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[None]:
        """For the length of a `with` the supervisor does not start a service that is stopped or killed."""
        self._records.hold(name)
        try:
            yield
        finally:
            self._records.release(name)

    def addresses(self) -> StackAddresses | None:
        """Where the services listen of a stack that was started and not stopped, the dead ones too, which get
        the same addresses again; None when no service of it lives."""
        state = read_state(self._var)
        return state.addresses if state is not None and any(one.running for one in self.status()) else None

    def status(self) -> list[ServiceStatus]:
        """Each service that was started here and not stopped, in the order of starting."""
        return [
            ServiceStatus(
                record.name,
                is_running(record),
                record.pid,
                record.log,
                record.created,
                sum(time.time() - at < supervisor.WITHIN_SECONDS for at in record.restarts),
                record.given_up,
                self._records.is_held(record.name),
            )
            for record in self._records.read()
        ]

    def questions(self) -> dict[str, Callable[[], bool]]:
        """For each running service that can be asked: whether it answers within a few seconds."""
        state = read_state(self._var)
        if state is None:
            return {}
        running = {record.name for record in self._records.read() if is_running(record)}
        folders = StackFolders.of(self._var, Path(state.jars))
        services = services_of(folders, state.ports, state.addresses.task_managers)
        found = {one.name: one.answers for one in services if one.name in running and one.answers is not None}
        if supervisor.NAME in running:
            found[supervisor.NAME] = self._supervisor_works
        return found

    def _supervisor_works(self) -> bool:
        beat = self._records.beat_of(supervisor.NAME)
        return beat is None or time.time() - beat < supervisor.BEAT_SECONDS

    def _start(self, ports: StackPorts, *, kept: bool, supervised: bool, say: Say) -> StackAddresses:
        addresses = ports.addresses(self._folders.postgres, self._task_managers)
        try:
            self._start_services(services_of(self._folders, ports, self._task_managers), ports, say)
            write_state(self._var, StackState(addresses, ports, kept, str(self._folders.jars)))
            if supervised:
                self._start_supervisor()
        except BaseException:
            self._stop()
            raise
        return addresses

    def _complete(self, state: StackState, kafka: int | None, postgres: int | None, say: Say) -> StackAddresses:
        """Starts the services of a running stack that are missing, on their ports, and a new supervisor."""
        cluster = state.addresses.task_managers
        differences = list(state.ports.given_differently(kafka, postgres))
        if self._task_managers not in (0, cluster):
            differences.append(f"the running stack has {cluster} TaskManagers, not {self._task_managers}")
        if differences:
            raise StackError(f"{'; '.join(differences)}: `gogobe down` first")
        folders = StackFolders.of(self._var, Path(state.jars))
        known = {record.name: record for record in self._records.read()}
        watcher = known.get(supervisor.NAME)
        if watcher is not None:
            stop_services([watcher])
            self._records.remove(watcher)
        missing, running = [], []
        for service in services_of(folders, state.ports, cluster):
            self._records.release(service.name)
            record = known.get(service.name)
            if record is not None and is_running(record) and not _hangs(service, record):
                running.append((service, record))
            else:
                stop_services([record] if record else [], supervisor.LEFTOVER_SECONDS)
                missing.append(service)
        try:
            self._start_services(missing, state.ports, say)
            for service, record in running:
                wait_until_ready(record, partial(service.ready, record), READY_SECONDS)
        finally:
            self._start_supervisor()
        return state.addresses

    def _start_services(self, services: Sequence[Service], ports: StackPorts, say: Say) -> None:
        """Starts all at once, then waits for each; stops them again if one fails."""
        started: list[tuple[Service, ServiceRecord]] = []
        at = time.monotonic()
        try:
            for service in services:
                started.append((service, service.start()))
            for service, record in started:
                wait_until_ready(record, partial(service.ready, record), READY_SECONDS)
                say(f"{service.name} is ready ({time.monotonic() - at:.1f} s)")
        except BaseException:
            stop_services([record for _, record in started])
            raise
        ensure_database(PostgresServer(ports.postgres, self._folders.postgres))

    def _start_supervisor(self) -> None:
        command = [sys.executable, "-m", "gogobe.local.supervisor", str(self._var)]
        start_service(supervisor.NAME, command, self._folders.log("supervisor"), self._records)

    def _stop(self) -> None:
        """The supervisor first: it would start the others again."""
        state_file(self._var).unlink(missing_ok=True)
        shutil.rmtree(self.secrets, ignore_errors=True)
        self.jobs.clear()
        records = self._records.read()
        stop_services([record for record in records if record.name == supervisor.NAME])
        stop_services(self._records.read())
        self._records.clear()


def _hangs(service: Service, record: ServiceRecord) -> bool:
    """Whether a running service answers none of several requests, after its time to start."""
    if service.answers is None or time.time() - record.created < START_SECONDS:
        return False
    return not any(service.answers() for _ in range(ASKED))


@contextlib.contextmanager
def running_stack(
    var: Path,
    jars: Path | None = None,
    ports: StackPorts | None = None,
    task_managers: int = 0,
    *,
    supervised: bool = False,
    say: Say = lambda _: None,
) -> Iterator[StackAddresses]:
    """A stack for the length of a `with`; its data stays below `var`. Raises StackError."""
    with Stack(var, jars, task_managers).running(ports, supervised, say) as addresses:
        yield addresses
