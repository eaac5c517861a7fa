"""Starts, records and stops the stack's processes, so that none is left behind.

Every service leads its own process session. Its record (pid and start time) is on disk before anything waits
for the service, so that the next start, also after a crash, stops exactly the processes of these sessions.
Each record is a separate file, because several processes may write records of different services at the same
time.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import psutil

from gogobe.local.logs import lines_since_start, open_log

STOP_SECONDS: Final = 15.0
ORPHAN_SECONDS: Final = 0.5
FIRST_PORT: Final = 10_000
EPHEMERAL_PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")


class StackError(Exception):
    """A service that did not start or has died; the message has its name, its log and the remedy."""


class ServiceRecord(msgspec.Struct, frozen=True):
    """A started service: the leader of session `pid`, started at `created` (seconds since the epoch).

    `restarts` has the times of its latest restarts by the supervisor; `given_up`: there were too many.
    """

    name: str
    pid: int
    created: float
    log: str
    stop_signal: int = signal.SIGTERM
    restarts: tuple[float, ...] = ()
    given_up: bool = False


class Records:
    """The records of services that may be running: one file for each, in one folder. The supervisor does not
    start a service that is on hold."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self) -> list[ServiceRecord]:
        """All records, by time of start; none without the folder. A truncated file is ignored."""
        found = [self._read(file) for file in sorted(self._folder.glob("*.json"))]
        return sorted((one for one in found if one is not None), key=lambda one: one.created)

    def get(self, name: str) -> ServiceRecord | None:
        """The record of a service by its name."""
        return self._read(self._file(name))

    def add(self, record: ServiceRecord) -> None:
        """Writes a record in place of an older one of the same service."""
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._file(record.name)
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
        part.replace(file)

    def remove(self, record: ServiceRecord) -> None:
        """Removes the record of a service that has stopped."""
        self._file(record.name).unlink(missing_ok=True)

    def hold(self, name: str) -> None:
        """Puts a service on hold: the supervisor does not start it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file(name).with_suffix(".held").touch()

    def release(self, name: str) -> None:
        """Undoes `hold`."""
        self._file(name).with_suffix(".held").unlink(missing_ok=True)

    def is_held(self, name: str) -> bool:
        """Whether a service is on hold."""
        return self._file(name).with_suffix(".held").exists()

    def beat(self, name: str) -> None:
        """Marks that a service, which cannot be asked, is at work now."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._file(name).with_suffix(".beat").touch()

    def beat_of(self, name: str) -> float | None:
        """The time of the last `beat` (seconds since the epoch); None without one."""
        try:
            return self._file(name).with_suffix(".beat").stat().st_mtime
        except FileNotFoundError:
            return None

    def clear(self) -> None:
        """Removes all records, holds and beats."""
        for pattern in ("*.json", "*.held", "*.beat", "*.part"):
            for file in self._folder.glob(pattern):
                file.unlink(missing_ok=True)

    def _file(self, name: str) -> Path:
        return self._folder / f"{slug(name)}.json"

    def _read(self, file: Path) -> ServiceRecord | None:
        try:
            return msgspec.json.decode(file.read_bytes(), type=ServiceRecord)
        except (FileNotFoundError, msgspec.DecodeError):
            return None


def slug(name: str) -> str:
    """A service's name as a file name: `Java worker` becomes `java-worker`."""
    return name.lower().replace(" ", "-")


def start_service(
    name: str,
    command: Sequence[str],
    log: Path,
    records: Records,
    *,
    environment: Mapping[str, str] | None = None,
    stop_signal: int = signal.SIGTERM,
) -> ServiceRecord:
    """Starts a command in its own session, with its output appended to `log`, and records it.

    Raises StackError if the program does not exist, or the log cannot be written.
    """
    try:
        output = open_log(log, name)
    except OSError as error:
        raise StackError(f"{name} cannot be started: its log cannot be written: {error}") from error
    with output:
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
    with contextlib.suppress(psutil.NoSuchProcess):
        leader = psutil.Process(record.pid)
        return abs(leader.create_time() - record.created) <= 0.05 and leader.status() != psutil.STATUS_ZOMBIE
    return False


def stop_services(records: Sequence[ServiceRecord], seconds: float = STOP_SECONDS) -> None:
    """Signals all services to stop, the last started first. Kills processes that still run after `seconds`,
    or shortly after their leader has ended.

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
    shown = "\n".join(f"  | {line}" for line in lines_since_start(Path(record.log))) or "  | (the log is empty)"
    return f"{record.name} {what}. The end of its log ({record.log}):\n{shown}"


def free_ports(count: int) -> list[int]:
    """Free TCP ports on 127.0.0.1, all different, in random order.

    They are outside of the system's range for outgoing connections, so that a restarted service does not find
    a connection on its port.
    """
    try:
        first_ephemeral = int(EPHEMERAL_PORTS.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        first_ephemeral = 32_768
    candidates = range(FIRST_PORT, max(first_ephemeral, 2 * FIRST_PORT))
    found: list[int] = []
    for port in random.sample(candidates, len(candidates)):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    return found


def is_free(port: int) -> bool:
    """Whether a server could listen on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def accepts_connections(port: int) -> bool:
    """Whether a process listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
