"""Decisions and dead letters in their tables: each once, and none that could stop the others."""

from __future__ import annotations

import apache_beam as beam
import msgspec
import psycopg
import pytest
from apache_beam.testing.test_pipeline import TestPipeline

from gogobe.database import connection as postgres
from gogobe.database.connection import Connection
from gogobe.database.review.pairs import record_decisions, undecided_pairs
from gogobe.io.objects import ObjectStore
from gogobe.masters.codes.decisions import Decision
from gogobe.records.messages import DeadLetter, decoder
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.record import RecordDeadLetters, RecordDecisions, _RecordDeadLetters, _RecordDecisions
from tests.database.samples import at
from tests.masters.samples import vegetable_master

NOWHERE = "postgresql://gogobe@127.0.0.1:1/gogobe"
LETTERS = DeadLetters("record_decisions", ObjectStore("/dev/null/no-store"))
TOMATO = vegetable_master(0)


def test_decisions_are_recorded_once(dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch):
    calls: list[int] = []

    def counted(database: str, decisions: list[Decision]) -> None:
        calls.append(len(decisions))
        record_decisions(database, decisions)

    monkeypatch.setattr("gogobe.transforms.record.record_decisions", counted)
    pair = Decision("review", "9", "501", "עגבניה", 10**14 + 5, TOMATO, "עגבניות", 0.6, ["same words"])
    step = _RecordDecisions(dsn, LETTERS)
    step.setup()
    for lists in (
        [[pair], [pair]],
        [[pair]],
        [],
        [[pair, Decision("vector", "9", "502", "מלפפון", 7, 8, "מ", 0.9)]],
    ):
        step.start_bundle()
        for one in lists:
            list(step.process(one))
        list(step.finish_bundle())
    assert calls == [1, 1]
    assert [one.item_code for one in undecided_pairs(dsn)] == ["501"]
    assert db.execute("SELECT count(*) FROM review_pairs").fetchone() == (2,)


def test_what_could_not_be_recorded_is_sent_again(dsn: str, monkeypatch: pytest.MonkeyPatch):
    pair = Decision("review", "9", "501", "עגבניה", 10**14 + 5, TOMATO, "עגבניות", 0.6)
    step = _RecordDecisions(dsn, LETTERS)
    step.setup()
    step.start_bundle()
    list(step.process([pair]))
    monkeypatch.setattr("gogobe.transforms.record.record_decisions", _refuse)
    with pytest.raises(ConnectionError):
        list(step.finish_bundle())
    monkeypatch.undo()
    step.start_bundle()
    list(step.process([pair]))
    list(step.finish_bundle())
    assert len(undecided_pairs(dsn)) == 1


def _refuse(database: str, decisions: list[Decision]) -> None:
    raise ConnectionError(database, decisions)


def test_record_decisions_in_a_pipeline(dsn: str):
    pair = Decision("review", "9", "501", "עגבניה", 10**14 + 5, TOMATO, "עגבניות", 0.6)
    with TestPipeline() as pipeline:
        pipeline | beam.Create([[pair]]) | RecordDecisions(dsn, LETTERS.store)
    assert len(undecided_pairs(dsn)) == 1


def letter(reason: str, hour: float) -> DeadLetter:
    return DeadLetter("parse", reason, "detail", "message", at(hour), source_url="https://p.example/x")


def test_dead_letters_are_recorded_each_once(dsn: str, db: Connection):
    letters = [letter("truncated", 1), letter("no_rows", 1), letter("truncated", 1), letter("truncated", 2)]
    for _ in range(2):  # a bundle that comes again
        with TestPipeline() as pipeline:
            pipeline | beam.Create(letters) | RecordDeadLetters(dsn)
    rows = db.execute("SELECT reason, attempts, last_failed_at FROM dead_letters ORDER BY reason").fetchall()
    assert rows == [("no_rows", 1, at(1)), ("truncated", 2, at(2))]


def test_letters_are_in_the_table_when_their_bundle_is_finished(dsn: str, db: Connection):
    step = _RecordDeadLetters(dsn)
    for number in (1, 2):
        step.start_bundle()
        step.process(letter(f"reason {number}", 1))
        list(step.finish_bundle())
        assert db.execute("SELECT count(*) FROM dead_letters").fetchone() == (number,)


def test_letters_that_cannot_be_recorded_are_raised(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    step = _RecordDeadLetters(NOWHERE)
    step.start_bundle()
    list(step.finish_bundle())  # nothing to record asks no database
    step.process(letter("truncated", 1))
    with pytest.raises(psycopg.OperationalError):
        list(step.finish_bundle())


def test_a_decision_that_no_table_takes_is_a_dead_letter(dsn: str):
    step = _RecordDecisions(dsn, LETTERS)
    step.setup()
    step.start_bundle()
    pair = Decision("review", "9", "501", "עגבניה", 10**14 + 5, TOMATO, "עגבניות", 0.6)
    too_large = Decision("review", "9", "502", "עגבניה", 10**14 + 5, 2**63, "עגבניות", 0.6)
    list(step.process([too_large, pair]))
    count, letter = (getattr(one.value, "value", one.value) for one in step.finish_bundle())
    assert count == 1
    assert (letter.stage, letter.reason) == ("record_decisions", "internal_error")
    assert decoder(Decision).decode(letter.original) == too_large
    assert [one.item_code for one in undecided_pairs(dsn)] == ["501"]


def test_a_letter_that_no_table_takes_stops_none_of_the_others(
    dsn: str, db: Connection, caplog: pytest.LogCaptureFixture
):
    step = _RecordDeadLetters(dsn)
    step.start_bundle()
    bad = msgspec.structs.replace(letter("truncated", 1), attempts=2**40)
    for one in (letter("no_rows", 1), bad, letter("html_page", 1)):
        step.process(one)
    (count,) = step.finish_bundle()
    assert count.value == 2
    assert "does not take the dead letter" in caplog.text
    assert '"truncated"' in caplog.text
    rows = db.execute("SELECT reason FROM dead_letters ORDER BY reason").fetchall()
    assert rows == [("html_page",), ("no_rows",)]
