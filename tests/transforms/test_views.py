"""Refreshing the views: after loads, at most once in a while, and once more after the last."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from unittest.mock import Mock

import psycopg
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream
from apache_beam.testing.test_pipeline import TestPipeline

from gogobe.database import connection as postgres
from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import FailedBatch, Loader, LoadResult
from gogobe.database.views import _LOCK, refresh_views
from gogobe.transforms import views
from gogobe.transforms.views import RefreshViews, _Refresh
from tests.database.samples import file_batches, item

LOADED = LoadResult(batches=1)
NOTHING = LoadResult()
EVERY = 10


def run_loads(dsn: str, *bursts: Sequence[LoadResult]) -> None:
    """The step over bursts of loads, with more than `EVERY` seconds between two of them."""
    stream = test_stream.TestStream().advance_watermark_to(0)
    # The step sets its timer by the clock of the day; the stream's own is zero before it is advanced.
    pause = int(time.time()) + 10 * EVERY
    for burst in bursts:
        stream = stream.add_elements(burst).advance_processing_time(pause)
        pause = 10 * EVERY
    with TestPipeline(options=PipelineOptions(["--streaming"])) as pipeline:
        pipeline | stream.advance_watermark_to_infinity() | RefreshViews(dsn, EVERY)


@pytest.fixture
def refreshes(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What the refreshes that the step made have returned."""
    return watch_refreshes(monkeypatch, after_each=lambda: None)


def watch_refreshes(monkeypatch: pytest.MonkeyPatch, after_each: Callable[[], None]) -> list[bool]:
    seen: list[bool] = []

    def refresh(dsn: str) -> bool:
        seen.append(refresh_views(dsn))
        after_each()
        return seen[-1]

    monkeypatch.setattr(views, "refresh_views", refresh)
    return seen


def test_loads_of_one_time_share_a_refresh_and_the_last_is_never_missed(
    dsn: str, db: Connection, refreshes: list[bool]
):
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5")]))
    run_loads(dsn, [LOADED] * 5, [LOADED] * 3, [LOADED])
    assert refreshes == [True, True, True]
    assert db.execute("SELECT master_id FROM master_chain_prices").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("result", "count"),
    [
        (NOTHING, 0),
        (LOADED, 1),
        (LoadResult(duplicate_batches=1), 1),
        (LoadResult(failed=[FailedBatch(file_batches([])[0], "reason", "detail", "cause")]), 1),
    ],
    ids=["nothing", "loaded", "came again", "refused"],
)
def test_only_what_may_have_changed_a_view_refreshes_it(
    dsn: str, refreshes: list[bool], result: LoadResult, count: int
):
    run_loads(dsn, [NOTHING], [result])
    assert len(refreshes) == 1 + count, "one is that of the job's start"


@pytest.fixture(autouse=True)
def a_timer_waits_for_its_refresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "MOST_SECONDS", 60)


@contextlib.contextmanager
def refresh_step(dsn: str) -> Iterator[_Refresh]:
    step = _Refresh(dsn, EVERY)
    step.setup()
    try:
        yield step
    finally:
        step.teardown()


class Flag:
    """A state of one value, as Beam gives it to a step."""

    def __init__(self) -> None:
        self.value: bool | str | None = None

    def read(self) -> bool | str | None:
        return self.value

    def write(self, value: bool | str) -> None:
        self.value = value

    def clear(self) -> None:
        self.value = None


def test_a_timer_that_runs_is_not_put_off_by_further_loads(dsn: str):
    """Else a pipeline that never rests would never refresh."""
    is_set, changed, latest, timer = Flag(), Flag(), Flag(), Mock()
    with refresh_step(dsn) as step:
        for count in (1, 2):
            begun = time.time()
            for _ in range(3):
                step.process(("views", 1), is_set, changed, timer)
            assert timer.set.call_count == count
            assert begun < float(timer.set.call_args.args[0]) <= time.time() + EVERY
            list(step.refresh(is_set, changed, latest, timer))


def test_a_bundle_does_not_wait_for_a_long_refresh_and_a_later_load_needs_another(
    dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(views, "MOST_SECONDS", 0)
    began, released = threading.Semaphore(0), threading.Semaphore(0)

    def long_refresh(_: object) -> bool:
        began.release()
        return released.acquire(timeout=60)

    monkeypatch.setattr(views, "refresh_views", long_refresh)
    is_set, changed, latest, timer, ended = Flag(), Flag(), Flag(), Mock(), Mock()
    with refresh_step(dsn) as step:
        monkeypatch.setattr(step, "_count", ended)

        def fire_until_ended(count: int) -> None:
            deadline = time.monotonic() + 60
            while ended.call_count < count and time.monotonic() < deadline:
                list(step.refresh(is_set, changed, latest, timer))
                time.sleep(0.01)
            assert ended.call_count == count

        step.process(("views", 1), is_set, changed, timer)
        list(step.refresh(is_set, changed, latest, timer))
        assert (ended.call_count, is_set.read()) == (0, True), "the refresh runs, and the bundle ends"
        assert began.acquire(timeout=60)
        step.process(("views", 1), is_set, changed, timer)
        released.release()
        fire_until_ended(1)
        assert is_set.read(), "the load during the refresh needs another one"
        released.release()
        fire_until_ended(2)
        assert is_set.read() is None


def test_a_load_is_refreshed_by_whichever_instance_has_the_timer(dsn: str, monkeypatch: pytest.MonkeyPatch):
    """The first refresh does not cover the second load, and the second instance does not get the lock."""
    monkeypatch.setattr(views, "MOST_SECONDS", 0)
    began, released = threading.Semaphore(0), threading.Semaphore(0)
    covered: list[int] = []
    loads = 1

    def refresh(_: object) -> bool:
        covers = loads
        began.release()
        assert released.acquire(timeout=30)
        covered.append(covers)
        return True

    is_set, changed, latest, timer = Flag(), Flag(), Flag(), Mock()
    with refresh_step(dsn) as first, refresh_step(dsn) as second:
        monkeypatch.setattr(views, "refresh_views", refresh)
        first.process(("views", 1), is_set, changed, timer)
        list(first.refresh(is_set, changed, latest, timer))
        assert began.acquire(timeout=60)
        loads = 2
        second.process(("views", 1), is_set, changed, timer)
        monkeypatch.setattr(views, "refresh_views", lambda _: False)
        monkeypatch.setattr(views, "MOST_SECONDS", 60)
        list(second.refresh(is_set, changed, latest, timer))
        assert is_set.read()
        monkeypatch.setattr(views, "refresh_views", refresh)
        for _ in range(2):
            released.release()
        deadline = time.monotonic() + 60
        while is_set.read() and time.monotonic() < deadline:
            list(first.refresh(is_set, changed, latest, timer))
    assert (is_set.read(), covered) == (None, [1, 2])


def test_the_end_of_a_worker_does_not_wait_for_its_refresh(dsn: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(views, "MOST_SECONDS", 0)
    closed = threading.Event()
    released = threading.Event()
    monkeypatch.setattr(views, "refresh_views", lambda _: released.wait(60))
    with refresh_step(dsn) as step:
        monkeypatch.setattr(step, "_session", Mock(close=closed.set))
        list(step.refresh(Flag(), Flag(), Flag(), Mock()))
    assert not closed.is_set()
    released.set()
    assert closed.wait(60)


def test_a_refresh_that_ended_with_its_worker_is_begun_again(dsn: str, refreshes: list[bool]):
    is_set, changed = Flag(), Flag()
    with refresh_step(dsn) as first:
        first.process(("views", 1), is_set, changed, Mock())
    changed.clear()  # as a checkpoint has it while a refresh runs
    with refresh_step(dsn) as second:
        list(second.refresh(is_set, changed, Flag(), Mock()))
    assert (refreshes, is_set.read()) == ([True], None)


def test_a_worker_keeps_its_connection(dsn: str, db: Connection):
    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    seen = []
    with refresh_step(dsn) as step:
        for _ in range(2):
            list(step.refresh(Flag(), Flag(), Flag(), Mock()))
            seen.append(db.execute(sessions).fetchall())
    assert seen[0] == seen[1]
    assert len(seen[0]) == 1
    deadline = time.monotonic() + 60
    while db.execute(sessions).fetchall() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert db.execute(sessions).fetchall() == []


def test_while_another_refreshes_it_is_put_off_and_made_good(dsn: str, monkeypatch: pytest.MonkeyPatch):
    with connect(dsn) as other:
        other.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))

        def end() -> None:
            other.execute("SELECT pg_advisory_unlock_all()")

        refreshes = watch_refreshes(monkeypatch, after_each=end)
        run_loads(dsn, [LOADED], [NOTHING], [NOTHING])
    assert refreshes == [False, True]


def test_views_that_cannot_be_refreshed_stop_nothing(
    dsn: str, db: Connection, caplog: pytest.LogCaptureFixture
):
    db.execute("ALTER MATERIALIZED VIEW chain_health RENAME TO elsewhere")
    is_set, changed, latest, timer = Flag(), Flag(), Flag(), Mock()
    with refresh_step(dsn) as step:
        step.process(("views", 1), is_set, changed, timer)
        list(step.refresh(is_set, changed, latest, timer))
        assert "not refreshed" in caplog.text
        assert (is_set.read(), timer.set.call_count) == (True, 2), "it is tried again"
        db.execute("ALTER MATERIALIZED VIEW elsewhere RENAME TO chain_health")
        list(step.refresh(is_set, changed, latest, timer))
        assert (is_set.read(), timer.set.call_count) == (None, 2)


def test_a_database_out_of_reach_fails_the_refresh(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    with refresh_step("postgresql://127.0.0.1:1/none") as step, pytest.raises(psycopg.OperationalError):
        list(step.refresh(Flag(), Flag(), Flag(), Mock()))
