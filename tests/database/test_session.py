"""Sessions: one connection for all work of a worker, and a new one after it broke."""

from __future__ import annotations

import pickle
from collections.abc import Callable

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from gogobe.database import connection as postgres
from gogobe.database.connection import (
    ATTEMPTS,
    WORKER_ATTEMPTS,
    AccessRefusedError,
    Connection,
    connect,
    with_retries,
)
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.database.review.pairs import record_decisions
from gogobe.database.session import Session
from gogobe.database.timeouts import Timeouts
from gogobe.database.views import refresh_views
from gogobe.masters.codes.decisions import Decision
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item
from tests.faults import Line

LETTER = DeadLetter("parse", "truncated", "detail", "message", at(1))


def decision(item_code: str) -> Decision:
    return Decision("review", "1", item_code, "חלב", 8, 7, "חלב 3%", 0.5, ["names"])


def pid(connection: Connection) -> int:
    return connection.info.backend_pid


def terminate_others(db: Connection) -> None:
    db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)


def test_work_shares_one_connection(dsn: str) -> None:
    with Session(dsn) as session:
        assert session.run(pid) == session.run(pid)


def test_a_broken_connection_is_made_again_and_prepared_again(dsn: str, db: Connection) -> None:
    prepared: list[int] = []
    with Session(dsn, prepare=lambda connection: prepared.append(pid(connection))) as session:
        first = session.run(pid)
        terminate_others(db)
        second = session.run(lambda connection: connection.execute("SELECT 1") and pid(connection))
    assert first != second
    assert prepared == [first, second]


def test_a_session_that_was_closed_opens_again(dsn: str) -> None:
    session = Session(dsn)
    session.run(pid)
    session.close()
    assert session.run(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)
    session.close()


def test_a_session_pickles_without_its_connection(dsn: str, db: Connection) -> None:
    with Session(dsn, timeouts=Timeouts(statement=7)) as session:
        session.run(pid)
        with pickle.loads(pickle.dumps(session)) as copy:
            assert copy.run(pid) != session.run(pid)
            assert copy.run(lambda c: c.execute("SHOW statement_timeout").fetchone()) == ("7s",)


@pytest.mark.parametrize(
    "work",
    [
        lambda session: record_dead_letters(session, [LETTER]),
        lambda session: record_decisions(session, [decision("5")]),
        refresh_views,
    ],
    ids=["dead letters", "decisions", "views"],
)
def test_recorders_and_the_refresh_keep_their_connection(
    dsn: str, db: Connection, work: Callable[[Session], object]
) -> None:
    made: list[int] = []
    with Session(dsn, prepare=lambda connection: made.append(pid(connection))) as session:
        for _ in range(3):
            work(session)
        assert len(made) == 1
        terminate_others(db)
        work(session)
        assert len(made) == 2


def test_a_silent_server_is_left_and_the_work_done_once_it_answers(
    dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole bundle would hang: now the connection is closed and opened again. The new one waits as long as
    ever for an answer."""
    parameters = conninfo_to_dict(dsn)
    with Line(str(parameters["host"]), int(str(parameters["port"]))) as line:
        address = make_conninfo(dsn, port=line.port, connect_timeout=60)
        with Loader(address) as loader:
            loader.load(file_batches([item("1", "5")], hour=1))
            monkeypatch.setattr("gogobe.database.connection.time.sleep", lambda _: line.restore())
            monkeypatch.setattr(loader._session._connected(), "answer_seconds", 0.5)
            line.fall_silent()
            assert loader.load(file_batches([item("1", "6")], hour=2)).rows == 1
        row = db.execute("SELECT price FROM prices").fetchone()
        assert row is not None
        assert int(row[0]) == 6


def test_work_that_always_times_out_is_raised_in_the_end(dsn: str) -> None:
    attempts: list[int] = []

    def sleep(connection: Connection) -> None:
        attempts.append(1)
        connection.execute("SET statement_timeout = 50")
        connection.execute("SELECT pg_sleep(600)")

    with Session(dsn) as session, pytest.raises(psycopg.errors.QueryCanceled):
        session.run(sleep)
    assert len(attempts) == 3


def test_an_account_that_is_refused_is_named_with_the_remedy(dsn: str) -> None:
    for changed in ({"password": "wrong"}, {"user": "unknown_account"}, {"dbname": "no_such_database"}):
        with pytest.raises(AccessRefusedError, match=r"refuses this account: .*check `database`"):
            connect(make_conninfo(dsn, **changed))


@pytest.mark.parametrize(("attempts", "tried"), [(ATTEMPTS, 1), (WORKER_ATTEMPTS, WORKER_ATTEMPTS)])
def test_a_refused_account_is_retried_only_by_a_worker_whose_secret_may_be_changing(
    attempts: int, tried: int
) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise AccessRefusedError("refused")

    with pytest.raises(AccessRefusedError):
        with_retries(fail, attempts=attempts)
    assert len(calls) == tried


@pytest.mark.parametrize(
    ("error", "tried"),
    [
        (psycopg.OperationalError("connection refused"), WORKER_ATTEMPTS),
        (psycopg.errors.CannotConnectNow(), WORKER_ATTEMPTS),
        (psycopg.errors.SerializationFailure(), ATTEMPTS),
        (psycopg.errors.UndefinedTable(), 1),
    ],
    ids=repr,
)
def test_a_worker_waits_longer_for_a_server_that_is_away_than_for_a_conflict(
    error: psycopg.Error, tried: int
) -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        with_retries(fail, attempts=WORKER_ATTEMPTS)
    assert len(calls) == tried


def test_a_pickled_session_waits_as_long(dsn: str) -> None:
    session = pickle.loads(pickle.dumps(Session("postgresql://127.0.0.1:1/none", attempts=WORKER_ATTEMPTS)))
    assert session.__reduce__()[1][-1] == WORKER_ATTEMPTS
