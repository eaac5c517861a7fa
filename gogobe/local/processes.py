"""Starts, records and stops the stack's processes, so that none is left behind.

Every service leads its own process session. Its record (pid and start time) is on disk before anything waits
for it, so that the next start, also after a crash, stops exactly the processes of these sessions.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

STOP_SECONDS: Final = 15.0
ORPHAN_SECONDS: Final = 0.5
LOG_LINES_SHOWN: Final = 15


class StackError(Exception):
    """A service that did not start or has died; the message has its name, its log and the remedy."""


class ServiceRecord(msgspec.Struct, frozen=True):
    """A started service: the leader of session `pid`, started at `created` (seconds since the epoch)."""

    name: str
    pid: int
    created: float
    log: str
    stop_signal: int = signal.SIGTERM


class Records:
    """The started services of one folder that are not known to have stopped, on disk."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[ServiceRecord]:
        """All records; none if there is no file or a crash has cut it short."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=list[ServiceRecord])
        except (FileNotFoundError, msgspec.DecodeError):
            return []

    def add(self, record: ServiceRecord) -> None:
        self._write([*self.read(), record])

    def remove(self, record: ServiceRecord) -> None:
        """Removes the record of a service that has stopped."""
        self._write([one for one in self.read() if one != record])

    def clear(self) -> None:
        self._file.unlink(missing_ok=True)

    def _write(self, records: list[ServiceRecord]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        part = self._file.with_suffix(".part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(records)))
        part.replace(self._file)


def start_service(
    name: str,
    command: Sequence[str],
    log: Path,
    records: Records,
    *,
    environment: Mapping[str, str] | None = None,
    stop_signal: int = signal.SIGTERM,
) -> ServiceRecord:
    """Starts a command in its own session, with a new `log` for its output, and records it.

    Raises StackError if the program does not exist.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            started = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            raise StackError(f"{name} cannot be started: {error}") from error
    created = psutil.Process(started.pid).create_time()
    record = ServiceRecord(name, started.pid, created, str(log), stop_signal)
    records.add(record)
    return record


def members(record: ServiceRecord) -> list[psutil.Process]:
    """The living processes of a service: its leader, the leader's descendants (PostgreSQL's have their own
    sessions) and, if the leader has ended, all others of its session."""
    found: set[psutil.Process] = set()
    with contextlib.suppress(psutil.NoSuchProcess):
        leader = psutil.Process(record.pid)
        if abs(leader.create_time() - record.created) > 0.05:
            return []  # the pid belongs to another process now
        found.update([leader, *leader.children(recursive=True)])
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if os.getsid(process.pid) == record.pid:
                found.add(process)
    return [process for process in found if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def is_running(record: ServiceRecord) -> bool:
    """Whether the service's leader is running."""
    return any(process.pid == record.pid for process in members(record))


def stop_services(records: Sequence[ServiceRecord], seconds: float = STOP_SECONDS) -> None:
    """Signals all services to stop, the last started first. Kills processes that are left after `seconds`, or
    shortly after their leader has ended.

    Stops only processes that are verifiably of these services: a pid that belongs to another process is
    ignored.
    """
    living = {record.pid: members(record) for record in records}
    for record in reversed(records):
        if living[record.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(record.pid, record.stop_signal)
    everyone = {process for group in living.values() for process in group}
    psutil.wait_procs([process for process in everyone if process.pid in living], timeout=seconds)
    psutil.wait_procs(everyone, timeout=ORPHAN_SECONDS)
    left = {*filter(_lives, everyone), *(process for record in records for process in members(record))}
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=5)


def wait_until_ready(
    record: ServiceRecord, ready: Callable[[], bool], seconds: float, interval: float = 0.1
) -> None:
    """Waits for a service's health check. Raises StackError if the service dies or takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if not is_running(record):
            raise StackError(_what_happened(record, "stopped while starting"))
        if time.monotonic() > deadline:
            raise StackError(_what_happened(record, f"was not ready within {seconds:.0f} seconds"))
        time.sleep(interval)


def listens(record: ServiceRecord, port: int) -> bool:
    """Whether this service, and no other process, listens on a port of 127.0.0.1."""
    if not accepts_connections(port):
        return False
    for process in members(record):
        with contextlib.suppress(psutil.NoSuchProcess):
            sockets = process.net_connections("tcp")
            if any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in sockets):
                return True
    return False


def _what_happened(record: ServiceRecord, what: str) -> str:
    lines = Path(record.log).read_text("utf-8", "replace").splitlines()[-LOG_LINES_SHOWN:]
    shown = "\n".join(f"  | {line}" for line in lines) or "  | (the log is empty)"
    return f"{record.name} {what}. The end of its log ({record.log}):\n{shown}"


def free_ports(count: int) -> list[int]:
    """Free TCP ports on 127.0.0.1, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def accepts_connections(port: int) -> bool:
    """Whether a process listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
