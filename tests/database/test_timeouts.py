"""Every wait ends: for a statement, a lock, or a server that does not answer."""

from __future__ import annotations

import time

import psycopg
import pytest
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gogobe.database.connection import Connection, connect
from gogobe.database.timeouts import DEFAULT_TIMEOUTS, MAINTENANCE_TIMEOUTS, Timeouts
from gogobe.database.views import maintenance_session
from gogobe.settings import load_settings
from tests.faults import Line


def setting(connection: Connection, name: str) -> str:
    (value,) = connection.execute("SELECT current_setting(%s)", (name,)).fetchone() or ("",)
    return str(value)


@pytest.mark.parametrize("timeouts", [DEFAULT_TIMEOUTS, MAINTENANCE_TIMEOUTS, Timeouts(1.5, 0.25, 0)])
def test_a_session_has_its_bounds(dsn: str, timeouts: Timeouts) -> None:
    with connect(dsn, timeouts=timeouts) as connection:
        for name, seconds in (
            ("statement_timeout", timeouts.statement),
            ("lock_timeout", timeouts.lock),
            ("idle_in_transaction_session_timeout", timeouts.idle),
        ):
            row = connection.execute("SELECT setting::float / 1000 FROM pg_settings WHERE name = %s", (name,))
            assert row.fetchone() == (seconds,), name
        assert setting(connection, "TimeZone") == "UTC"


def test_an_address_brings_its_bounds(dsn: str) -> None:
    settings = load_settings({"database": dsn, "database_statement": 7, "database_lock": 3}, environment={})
    address = settings.database_address
    maintenance = ("1h", "3s")
    with connect(address) as connection:
        assert [setting(connection, name) for name in ("statement_timeout", "lock_timeout")] == ["7s", "3s"]
    with maintenance_session(address) as session:
        names = ("statement_timeout", "lock_timeout")
        assert session.run(lambda one: tuple(setting(one, name) for name in names)) == maintenance


def test_a_peer_that_vanished_is_noticed_and_the_address_has_the_last_word(dsn: str) -> None:
    with connect(dsn) as connection:
        parameters = connection.info.get_parameters()
        found = {
            name: parameters.get(name) for name in ("keepalives_idle", "tcp_user_timeout", "application_name")
        }
    assert found == {"keepalives_idle": "30", "tcp_user_timeout": "60000", "application_name": "gogobe"}
    own = make_conninfo(dsn, keepalives_idle=7, application_name="mine")
    with connect(own) as connection:
        parameters = connection.info.get_parameters()
    assert (parameters["keepalives_idle"], parameters["application_name"]) == ("7", "mine")


def answers(connection: Connection) -> bool:
    """Whether a statement ends before the session's bound: on a busy machine even a short one may not."""
    try:
        return connection.execute("SELECT 1").fetchone() == (1,)
    except errors.QueryCanceled:
        return False


def test_a_statement_ends_at_its_bound(dsn: str) -> None:
    with connect(dsn, timeouts=Timeouts(statement=0.1)) as connection:
        with pytest.raises(errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(60)")
        assert any(answers(connection) for _ in range(100)), "the connection is as good as before"


def test_a_lock_is_waited_for_up_to_its_bound(dsn: str) -> None:
    with connect(dsn) as holder, connect(dsn, timeouts=Timeouts(lock=0.1)) as waiter, holder.transaction():
        holder.execute("LOCK TABLE chains")
        with pytest.raises(errors.LockNotAvailable):
            waiter.execute("SELECT * FROM chains")


def test_a_transaction_whose_client_rests_ends_at_its_bound(dsn: str, db: Connection) -> None:
    with connect(dsn, timeouts=Timeouts(idle=0.05)) as connection:
        connection.execute("BEGIN")
        alive = ("SELECT FROM pg_stat_activity WHERE pid = %s", [connection.info.backend_pid])
        while db.execute(*alive).fetchone() is not None:
            time.sleep(0.02)
        with pytest.raises(errors.IdleInTransactionSessionTimeout):
            connection.execute("SELECT 1")


def test_a_server_that_falls_silent_is_given_up(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """TCP acknowledges everything meanwhile, so neither keepalives nor `tcp_user_timeout` notice."""
    parameters = conninfo_to_dict(dsn)
    with Line(str(parameters["host"]), int(str(parameters["port"]))) as line:
        with connect(make_conninfo(dsn, port=line.port)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            monkeypatch.setattr(connection, "answer_seconds", 0.3)
            line.fall_silent()
            with pytest.raises(psycopg.OperationalError, match=r"has not answered for 0\.3 seconds"):
                connection.execute("SELECT 1")
            assert connection.closed
        line.restore()


def test_an_answer_is_waited_for_longer_than_a_statement_may_take(dsn: str) -> None:
    with connect(dsn, timeouts=Timeouts(statement=7)) as connection:
        assert getattr(connection, "answer_seconds", None) == 17
    assert DEFAULT_TIMEOUTS.answer == DEFAULT_TIMEOUTS.statement + 10


def test_without_a_bound_an_answer_is_waited_for(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gogobe.database.timeouts._ANSWER_GRACE_SECONDS", 0.0)
    with connect(dsn, timeouts=Timeouts(statement=0)) as connection:
        connection.execute("SELECT pg_sleep(0.3)")
