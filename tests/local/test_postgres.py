"""The embedded PostgreSQL: it starts for root too, below folders that only root enters, and keeps its data."""

import os
import shutil
import signal
import stat
from pathlib import Path

import psutil
import psycopg
import pytest

from gogobe.local.postgres import (
    LOADER,
    READER,
    SERVER_SETTINGS,
    USER,
    PostgresServer,
    password_file,
    running_postgres,
)
from gogobe.local.processes import Records, StackError, free_ports

pytestmark = pytest.mark.server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """As `mktemp -d` makes it: closed to everybody else."""
    folder = tmp_path / "closed & סגור"
    folder.mkdir(mode=0o700)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    return folder


def ask(server: PostgresServer, query: str) -> str:
    with psycopg.connect(server.dsn) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


def test_a_real_server_whose_data_stays(folder: Path):
    with running_postgres(folder / "data", folder / "postgres.log") as server:
        assert int(ask(server, "SHOW server_version_num")) >= 180000
        assert ask(server, "SELECT current_database()") == "gogobe"
        assert ask(server, "SHOW listen_addresses") == "127.0.0.1"
        assert (
            ask(server, "SELECT string_agg(datlocprovider::text, '' ORDER BY datname) FROM pg_database")
            == "bbbb"
        )
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 'מחירים' AS word")
    with running_postgres(folder / "data", folder / "postgres.log") as server:
        assert ask(server, "SELECT word FROM kept") == "מחירים"
    assert not any(_is_postgres_in(process, folder) for process in psutil.process_iter())


def test_data_is_safe_by_default(folder: Path):
    names = {setting.split("=")[0] for setting in SERVER_SETTINGS}
    assert not names & {"fsync", "full_page_writes", "synchronous_commit"}
    with running_postgres(folder / "data", folder / "postgres.log") as server:
        safe = "SELECT string_agg(setting, ' ') FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
        assert ask(server, safe) == "on on on"


def test_no_client_connects_without_the_password_file(folder: Path):
    data, log = folder / "data", folder / "postgres.log"
    with running_postgres(data, log) as server:
        file = password_file(data)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        password = file.read_text().strip().rpartition(":")[2]
        assert len(password) >= 24
        assert password not in server.dsn
        assert ask(server, "SHOW password_encryption") == "scram-sha-256"
        assert ask(server, "SELECT string_agg(auth_method, ' ') FROM pg_hba_file_rules") == "scram-sha-256"
        bare = server.dsn.partition("?")[0]
        for wrong in (bare, f"{bare}?password=wrong"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(wrong, passfile="/dev/null")
    logged = log.read_text()
    assert password not in logged


def test_each_role_has_a_password_of_its_own(folder: Path):
    data, log = folder / "data", folder / "postgres.log"
    with running_postgres(data, log) as server:
        files = [password_file(data, role) for role in (USER, LOADER, READER)]
        assert [file.name for file in files] == ["data.pgpass", "data-loader.pgpass", "data-reader.pgpass"]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        passwords = [file.read_text().strip().rpartition(":")[2] for file in files]
        assert len(set(passwords)) == 3
        for role in (LOADER, READER):
            with psycopg.connect(server.dsn_of("gogobe", role)) as connection:
                found = connection.execute(
                    "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
                ).fetchone()
                assert found == (role, False, False)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(server.dsn_of("gogobe", READER), passfile=str(files[0]))
    kept = files[1].read_text()
    files[2].unlink()
    with running_postgres(data, log) as server:
        psycopg.connect(server.dsn_of("gogobe", LOADER)).close()
        psycopg.connect(server.dsn_of("gogobe", READER)).close()
    assert files[1].read_text() == kept
    assert files[2].read_text().strip().rpartition(":")[2] != passwords[2]
    logged = log.read_text()
    assert not any(password in logged for password in passwords)


def test_a_cluster_without_a_password_gets_one(folder: Path):
    data, log = folder / "data", folder / "postgres.log"
    with running_postgres(data, log) as server, psycopg.connect(server.dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    (data / "pg_hba.conf").write_text("host all all 127.0.0.1/32 trust\n")  # as it was made once
    before = password_file(data).read_text()
    password_file(data).unlink()
    with running_postgres(data, log) as server:
        assert ask(server, "SELECT one FROM kept") == "1"
        assert ask(server, "SELECT auth_method FROM pg_hba_file_rules") == "scram-sha-256"
    assert password_file(data).read_text() != before
    shutil.rmtree(data)  # a password file without its cluster is useless
    with running_postgres(data, log) as server:
        assert ask(server, "SELECT 1") == "1"


def test_a_password_that_the_server_does_not_know_is_reported_with_the_remedy(folder: Path):
    data, log = folder / "data", folder / "postgres.log"
    with running_postgres(data, log):
        pass
    file = password_file(data)
    known = file.read_text()
    file.write_text(known.replace(known.strip().rpartition(":")[2], "wrong"))
    with pytest.raises(StackError, match=rf"password in {file}: remove the file"), running_postgres(data, log):
        pass
    file.chmod(0o644)  # libpq then leaves it unread
    with pytest.raises(StackError, match=rf"password in {file}: remove the file"), running_postgres(data, log):
        pass
    file.unlink()
    with running_postgres(data, log) as server:
        assert ask(server, "SELECT 1") == "1"


def test_starts_over_what_a_killed_server_left(folder: Path):
    data, log = folder / "data", folder / "postgres.log"
    with running_postgres(data, log) as server:
        with psycopg.connect(server.dsn) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        backend = psycopg.connect(server.dsn)
        os.kill(Records(folder / "data.processes.json").read()[0].pid, signal.SIGKILL)
    backend.close()
    # Its lock file names a process that is running and is not PostgreSQL, as after a restart of the machine.
    (data / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n1\n{server.port}\n\n127.0.0.1\n")
    with running_postgres(data, log) as server:
        assert ask(server, "SELECT one FROM kept") == "1"


def test_a_failure_names_the_server_and_its_log(folder: Path):
    port = free_ports(1)[0]
    with (
        running_postgres(folder / "first", folder / "first.log", port),
        pytest.raises(StackError, match=r"(?s)PostgreSQL stopped while starting.*second\.log.*in use"),
        running_postgres(folder / "second", folder / "second.log", port),
    ):
        pass


def _is_postgres_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return process.name() == "postgres" and Path(process.cwd()).is_relative_to(folder)
    except psutil.Error:
        return False
