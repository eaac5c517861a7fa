"""Refreshing the views: after loads, at most once in a while, and once more after the last."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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
    run_loads(dsn, [result])
    assert len(refreshes) == count


class Flag:
    """A state of one value, as Beam gives it to a step."""

    def __init__(self) -> None:
        self.value: bool | None = None

    def read(self) -> bool | None:
        return self.value

    def write(self, value: bool) -> None:
        self.value = value

    def clear(self) -> None:
        self.value = None


def test_a_timer_that_runs_is_not_put_off_by_further_loads(dsn: str):
    """Else a pipeline that never rests would never refresh."""
    step, flag, timer = _Refresh(dsn, EVERY), Flag(), Mock()
    for count in (1, 2):
        for _ in range(3):
            step.process(("views", 1), flag, timer)
        assert timer.set.call_count == count
        assert 0 < float(timer.set.call_args.args[0]) - time.time() <= EVERY
        list(step.refresh(flag, timer))


def test_a_worker_keeps_its_connection(dsn: str, db: Connection):
    step = _Refresh(dsn, EVERY)
    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    seen = []
    for _ in range(2):
        list(step.refresh(Flag(), Mock()))
        seen.append(db.execute(sessions).fetchall())
    assert seen[0] == seen[1]
    assert len(seen[0]) == 1
    step.teardown()
    deadline = time.monotonic() + 10
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
    step, flag, timer = _Refresh(dsn, EVERY), Flag(), Mock()
    step.process(("views", 1), flag, timer)
    list(step.refresh(flag, timer))
    assert "not refreshed" in caplog.text
    assert (flag.read(), timer.set.call_count) == (True, 2), "it is tried again"
    db.execute("ALTER MATERIALIZED VIEW elsewhere RENAME TO chain_health")
    list(step.refresh(flag, timer))
    assert (flag.read(), timer.set.call_count) == (None, 2)


def test_a_database_out_of_reach_fails_the_refresh(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    with pytest.raises(psycopg.OperationalError):
        list(_Refresh("postgresql://127.0.0.1:1/none", EVERY).refresh(Flag(), Mock()))
