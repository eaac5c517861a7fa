"""Refreshes the materialized views after loads, at a limited rate."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.coders import BooleanCoder, StrUtf8Coder
from apache_beam.metrics import Metrics
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import (
    ReadModifyWriteStateSpec,
    RuntimeTimer,
    TimerSpec,
    on_timer,
)
from apache_beam.utils.timestamp import Duration, Timestamp

from gogobe.database.address import Dsn
from gogobe.database.load.loader import LoadResult
from gogobe.database.views import maintenance_session, refresh_views
from gogobe.transforms.outages import is_outage

logger = logging.getLogger(__name__)

# Seconds that a bundle, and with it a checkpoint, waits for a running refresh; seconds until the timer checks
# again.
MOST_SECONDS: Final = 0.5
LOOK_SECONDS: Final = 1.0


class RefreshViews(beam.PTransform):
    """Each load, and the start of the job, sets a timer `every` seconds ahead, unless it is set. Views are
    therefore refreshed at most once in that time, once after the last load, and after the start of a job,
    because a killed job may have left them stale. If another worker holds the refresh lock, the refresh is
    retried after `every` seconds.

    A refresh runs in a thread of its own, and the timer comes back until it has ended: a checkpoint waits for
    the bundles that are open, and a refresh of large views takes minutes. A refresh that ends with its worker
    is begun again, because its timer is still set. Draining a job fires the timer once, so a refresh that takes
    longer is left to the next job (or to `gogobe views refresh`).
    """

    def __init__(self, database: Dsn, every: float) -> None:
        super().__init__()
        self._dofn = _Refresh(database, every)

    def expand(self, loaded: beam.PCollection[LoadResult]) -> beam.PCollection[int]:
        changed = (
            loaded
            | "Changed" >> beam.Filter(_changed)
            | "One key" >> beam.Map(_one_key).with_output_types(tuple[str, int])
        )
        started = (
            loaded.pipeline
            | "Start" >> beam.Impulse()
            | "At the start" >> beam.Map(_at_start).with_output_types(tuple[str, int])
        )
        return (
            (changed, started)
            | "When" >> beam.Flatten()
            | "Refresh, debounced" >> beam.ParDo(self._dofn).with_output_types(int)
        )


def _changed(result: LoadResult) -> bool:
    return result.changed_views


def _one_key(result: LoadResult) -> tuple[str, int]:
    return "views", result.batches


def _at_start(_impulse: bytes) -> tuple[str, int]:
    return "views", 0


class _Ended(NamedTuple):
    """A refresh that has ended. `is_current`: it covers all loads before it began; otherwise it is
    repeated."""

    is_current: bool
    failed: bool
    milliseconds: int


class _Running(NamedTuple):
    """A refresh that was begun by this instance, with the identifier that it has in the state."""

    identifier: str
    future: Future[_Ended]


class _Refresh(beam.DoFn):
    # Whether the timer is set; whether there was a load after the latest refresh began; which refresh that is.
    # Bundles may be given to several instances, and a bundle that fails takes back what it wrote.
    SET = ReadModifyWriteStateSpec("set", BooleanCoder())
    CHANGED = ReadModifyWriteStateSpec("changed", BooleanCoder())
    LATEST = ReadModifyWriteStateSpec("latest", StrUtf8Coder())
    DUE = TimerSpec("due", TimeDomain.REAL_TIME)

    def __init__(self, database: Dsn, every: float) -> None:
        self._session = maintenance_session(database)
        self._every = every
        self._running: _Running | None = None
        self._refreshes = Metrics.counter("gogobe.views", "refreshes")
        self._failures = Metrics.counter("gogobe.views", "refresh_failures")
        self._milliseconds = Metrics.distribution("gogobe.views", "refresh_milliseconds")

    def setup(self) -> None:
        self._thread = ThreadPoolExecutor(1, "refresh-views")

    def process(
        self,
        keyed: tuple[str, int],
        timer_set: Any = beam.DoFn.StateParam(SET),
        changed: Any = beam.DoFn.StateParam(CHANGED),
        due: RuntimeTimer = beam.DoFn.TimerParam(DUE),
    ) -> None:
        changed.write(True)
        if not timer_set.read():
            timer_set.write(True)
            _set(due, self._every)

    @on_timer(DUE)
    def refresh(
        self,
        timer_set: Any = beam.DoFn.StateParam(SET),
        changed: Any = beam.DoFn.StateParam(CHANGED),
        latest: Any = beam.DoFn.StateParam(LATEST),
        due: RuntimeTimer = beam.DoFn.TimerParam(DUE),
    ) -> Iterator[None]:
        if self._running is None or (self._running.future.done() and latest.read() != self._running.identifier):
            self._running = _Running(uuid.uuid4().hex, self._thread.submit(self._refresh))
            latest.write(self._running.identifier)
            changed.clear()
        wait([self._running.future], MOST_SECONDS)
        if not self._running.future.done():
            _set(due, LOOK_SECONDS)
        elif latest.read() != self._running.identifier:
            _set(due, 0)
        else:
            running, self._running = self._running, None
            ended = running.future.result()
            self._count(ended)
            if ended.is_current and not changed.read():
                timer_set.clear()
            else:
                _set(due, self._every)
        yield from ()

    def teardown(self) -> None:
        # After a refresh that runs, which nothing here waits for: Beam reports a failed bundle after this.
        self._thread.submit(self._session.close)
        self._thread.shutdown(wait=False)

    def _refresh(self) -> _Ended:
        """Refreshes the views. An error makes the views stale and does not stop the loading; an outage is
        raised."""
        started, failed = time.monotonic(), False
        try:
            # Another worker that holds the lock may have begun before the last load.
            is_current = refresh_views(self._session)
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("views: not refreshed; the next attempt is in %g s", self._every)
            is_current, failed = False, True
        return _Ended(is_current, failed, int((time.monotonic() - started) * 1000))

    def _count(self, ended: _Ended) -> None:
        """Counts in the thread of the bundle, which Beam's metrics belong to."""
        if ended.is_current:
            self._refreshes.inc()
            self._milliseconds.update(ended.milliseconds)
        elif ended.failed:
            self._failures.inc()


def _set(due: RuntimeTimer, seconds: float) -> None:
    due.set(Timestamp.now() + Duration.of(seconds))
