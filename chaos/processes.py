"""The processes of a run: found, killed, stopped for a while, and those of its own started again."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from gogobe.local.processes import (
    Records,
    ServiceRecord,
    StackError,
    is_running,
    members,
    start_service,
    stop_services,
)

LOOK_EVERY: Final = 0.25
LEFTOVER_SECONDS: Final = 1.0
WORKER_SECONDS: Final = 60.0


@dataclass
class OwnService:
    """A service that the run adds to the stack: the object store, a portal, an agent."""

    record: ServiceRecord
    start: Callable[[], ServiceRecord]


def own_service(
    name: str, command: Sequence[str], log: Path, records: Records, environment: Mapping[str, str] | None = None
) -> OwnService:
    """Starts a program of the run as a service. Raises StackError."""

    def start() -> ServiceRecord:
        return start_service(name, command, log, records, environment=environment)

    return OwnService(start(), start)


class Keeper:
    """Starts the run's own services again when they have died, as the stack's supervisor does with its own."""

    def __init__(self, services: Sequence[OwnService], records: Records) -> None:
        self._services = {one.record.name: one for one in services}
        self._held: set[str] = set()
        self._records = records
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="keeper", daemon=True)

    def __enter__(self) -> Keeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def get(self, name: str) -> ServiceRecord | None:
        """The record of a service of the run; None for a service of the stack."""
        service = self._services.get(name)
        return None if service is None else service.record

    def hold(self, name: str, *, is_held: bool) -> None:
        """While a service is held, it is not started again."""
        if is_held:
            self._held.add(name)
        else:
            self._held.discard(name)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            for service in self._services.values():
                if service.record.name not in self._held and not is_running(service.record):
                    with contextlib.suppress(StackError):  # it is tried again at the next look
                        stop_services([service.record], LEFTOVER_SECONDS)
                        self._records.remove(service.record)
                        service.record = service.start()


def signal_all(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    """Sends a signal to processes; those that have ended are left out."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def stop_for(processes: Sequence[psutil.Process], seconds: float) -> None:
    """Stops processes for a while: they answer nothing, and their connections stay."""
    signal_all(processes, signal.SIGSTOP)
    try:
        time.sleep(seconds)
    finally:
        signal_all(processes, signal.SIGCONT)


def memory_of(records: Sequence[ServiceRecord]) -> int:
    """The resident bytes of services, with all their processes."""
    total = 0
    for record in records:
        for process in members(record):
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
    return total


def wait_for_workers(pool: ServiceRecord, port: int, seconds: float = WORKER_SECONDS) -> list[psutil.Process]:
    """The workers of the pool, as soon as there are some. Raises StackError."""
    until = time.monotonic() + seconds
    while not (found := python_workers(pool, port)):
        if time.monotonic() > until:
            raise StackError(f"no Python worker within {seconds:.0f} s")
        time.sleep(LOOK_EVERY)
    return found


def python_workers(pool: ServiceRecord, port: int) -> list[psutil.Process]:
    """The workers that the pool has forked: its children but the one that serves requests."""
    found = []
    for child in psutil.Process(pool.pid).children():
        with contextlib.suppress(psutil.NoSuchProcess):
            connections = child.net_connections("tcp")
            serves = any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)
            if not serves and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found
