"""Writes decisions and dead letters to their tables, once per bundle."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Final, Never

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.database.address import Dsn
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.sent import SentEvidence
from gogobe.database.review.pairs import record_decisions
from gogobe.database.session import Session
from gogobe.io.objects import ObjectStore
from gogobe.masters.codes.decisions import Decision
from gogobe.records.messages import DeadLetter
from gogobe.transforms.bundles import BundleDoFn, bundle_outputs
from gogobe.transforms.dead_letters import MAX_EXCERPT_BYTES, DeadLetters, quoted
from gogobe.transforms.outages import isolate
from gogobe.transforms.steps import step, windowed

logger = logging.getLogger(__name__)

STAGE: Final = "record_decisions"


class RecordDecisions(beam.PTransform):
    """Lists of `Decision` → the table of pairs; outputs the number recorded for each bundle. Evidence that is
    weaker than what this worker has recorded about a pair, for another store for example, is not sent."""

    def __init__(self, database: Dsn, store: ObjectStore) -> None:
        super().__init__()
        self._dofn = _RecordDecisions(database, DeadLetters(STAGE, store))

    def expand(self, decisions: beam.PCollection[list[Decision]]) -> beam.pvalue.DoOutputsTuple:
        return decisions | step("Record", self._dofn, main="recorded", output=int)


class _RecordDecisions(BundleDoFn[Decision]):
    def __init__(self, database: Dsn, letters: DeadLetters) -> None:
        super().__init__(database)
        self._letters = letters
        self._recorded = Metrics.counter("gogobe.match", "decisions_recorded")

    def setup(self) -> None:
        self._sent = SentEvidence()

    def start_bundle(self) -> None:
        super().start_bundle()
        self._sent.rollback()  # of a bundle that failed

    def process(self, decisions: list[Decision]) -> Iterator[TaggedOutput]:
        yield from self._letters.guard(decisions, self._add(decisions))

    def _add(self, decisions: list[Decision]) -> Iterator[Never]:
        for one in decisions:
            pair = hash((one.chain_id, one.item_code, one.candidate_id))
            evidence = hash((one.match, one.item_name, one.candidate_name, tuple(one.reasons)))
            if self._sent.add(pair, one.score, evidence):
                self._elements.append(one)
        yield from ()

    def finish_bundle(self) -> Iterator[WindowedValue | TaggedOutput]:
        if not self._elements:
            return
        failed = record_each(self._session, self._elements, self._letters)
        self._sent.commit()
        yield from bundle_outputs(len(self._elements), failed, self._recorded)


def record_each(
    database: Session | Dsn, decisions: Sequence[Decision], letters: DeadLetters
) -> list[DeadLetter]:
    """Records decisions. Returns a dead letter for each that the table refuses."""
    return letters.isolate(decisions, lambda part: record_decisions(database, part))


class RecordDeadLetters(beam.PTransform):
    """Dead letters → their table; outputs the number recorded for each bundle. A repeated letter increases
    its attempts. A letter that the table refuses is logged; the topic has it as well."""

    def __init__(self, database: Dsn) -> None:
        super().__init__()
        self._database = database

    def expand(self, letters: beam.PCollection[DeadLetter]) -> beam.PCollection[int]:
        return letters | "Record" >> beam.ParDo(_RecordDeadLetters(self._database)).with_output_types(int)


class _RecordDeadLetters(BundleDoFn[DeadLetter]):
    def __init__(self, database: Dsn) -> None:
        super().__init__(database)
        self._unrecorded = Metrics.counter("gogobe.dead_letters", "unrecorded")

    def process(self, letter: DeadLetter) -> None:
        self._elements.append(letter)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if not self._elements:
            return
        unrecorded = record_letters(self._session, self._elements)
        self._unrecorded.inc(unrecorded)
        yield windowed(len(self._elements) - unrecorded)


def record_letters(database: Session | Dsn, letters: Sequence[DeadLetter]) -> int:
    """Records dead letters. Logs the ones that the table refuses, and returns their number."""
    unrecorded = 0

    def give_up(letter: DeadLetter, error: Exception) -> None:
        nonlocal unrecorded
        text = quoted(letter)[:MAX_EXCERPT_BYTES].decode("utf-8", errors="replace")
        logger.error("the table does not take the dead letter %s", text, exc_info=error)
        unrecorded += 1

    isolate(letters, lambda part: record_dead_letters(database, part), give_up)
    return unrecorded
