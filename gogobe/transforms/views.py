"""Refreshes the materialized views after loads, at a limited rate."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam.coders import BooleanCoder
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


class RefreshViews(beam.PTransform):
    """Each load sets a timer `every` seconds ahead, unless it is set. Views are therefore refreshed at most
    once in that time, and once after the last load. If another worker holds the refresh lock, the refresh is
    retried after `every` seconds."""

    def __init__(self, database: Dsn, every: float) -> None:
        super().__init__()
        self._dofn = _Refresh(database, every)

    def expand(self, loaded: beam.PCollection[LoadResult]) -> beam.PCollection[int]:
        return (
            loaded
            | "Changed" >> beam.Filter(_changed)
            | "One key" >> beam.Map(_one_key).with_output_types(tuple[str, int])
            | "Refresh, debounced" >> beam.ParDo(self._dofn).with_output_types(int)
        )


def _changed(result: LoadResult) -> bool:
    return result.changed_views


def _one_key(result: LoadResult) -> tuple[str, int]:
    return "views", result.batches


class _Refresh(beam.DoFn):
    SET = ReadModifyWriteStateSpec("set", BooleanCoder())
    DUE = TimerSpec("due", TimeDomain.REAL_TIME)

    def __init__(self, database: Dsn, every: float) -> None:
        self._session = maintenance_session(database)
        self._every = every
        self._refreshes = Metrics.counter("gogobe.views", "refreshes")
        self._failures = Metrics.counter("gogobe.views", "refresh_failures")
        self._milliseconds = Metrics.distribution("gogobe.views", "refresh_milliseconds")

    def process(
        self,
        keyed: tuple[str, int],
        timer_set: Any = beam.DoFn.StateParam(SET),
        due: RuntimeTimer = beam.DoFn.TimerParam(DUE),
    ) -> None:
        if not timer_set.read():
            timer_set.write(True)
            due.set(Timestamp.now() + Duration.of(self._every))

    @on_timer(DUE)
    def refresh(
        self,
        timer_set: Any = beam.DoFn.StateParam(SET),
        due: RuntimeTimer = beam.DoFn.TimerParam(DUE),
    ) -> Iterator[None]:
        started = time.monotonic()
        if self._refreshed():
            timer_set.clear()
            self._refreshes.inc()
            self._milliseconds.update(int((time.monotonic() - started) * 1000))
        else:  # the other worker may have started before the last load
            due.set(Timestamp.now() + Duration.of(self._every))
        yield from ()

    def teardown(self) -> None:
        self._session.close()

    def _refreshed(self) -> bool:
        """Refreshes the views. Returns False if the refresh must be repeated. An error makes the views stale
        and does not stop the loading."""
        try:
            return refresh_views(self._session)
        except Exception as error:
            if is_outage(error):
                raise
            logger.exception("views: not refreshed; the next attempt is in %g s", self._every)
            self._failures.inc()
            return False
