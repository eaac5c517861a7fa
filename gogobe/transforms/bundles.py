"""DoFns that collect the elements of a bundle and process them together, with one session of the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.database.address import Dsn
from gogobe.database.connection import WORKER_ATTEMPTS
from gogobe.database.session import Session
from gogobe.records.messages import DeadLetter
from gogobe.transforms.dead_letters import failure
from gogobe.transforms.steps import windowed

Element = TypeVar("Element")


class BundleDoFn(beam.DoFn, Generic[Element]):
    """Has `_elements`, which `process` adds to and `finish_bundle` processes, and `_session`, which connects
    at its first use and is closed in `teardown`."""

    def __init__(self, database: Dsn) -> None:
        self._session = Session(database, attempts=WORKER_ATTEMPTS)

    def start_bundle(self) -> None:
        self._elements: list[Element] = []

    def teardown(self) -> None:
        self._session.close()


def bundle_outputs(
    count: int, failed: Sequence[DeadLetter], counter: Metrics.DelegatingCounter
) -> Iterator[WindowedValue | TaggedOutput]:
    """The outputs of a bundle of `count` elements: the number recorded, which is also counted, and the dead
    letters of the others."""
    counter.inc(count - len(failed))
    yield windowed(count - len(failed))
    for letter in failed:
        yield windowed(failure(letter))
