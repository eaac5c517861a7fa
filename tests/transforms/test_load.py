"""Batches into the database, several to a commit, and dead letters into their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import psycopg
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from gogobe.chains.load import load_chains
from gogobe.database import connection as postgres
from gogobe.database.connection import WORKER_ATTEMPTS, Connection
from gogobe.database.load.loader import Loader, LoadResult
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DeadLetter, IngestBatch, decoder
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.load import LoadBatches, _Load, load_each, rows_of
from gogobe.transforms.steps import FAILURES
from tests.database.samples import file_batches, item, promotion, store

NOWHERE = "postgresql://gogobe@127.0.0.1:1/gogobe"
HOUR = 3600.0
CHAINS = load_chains()
NO_STORE = ObjectStore("/dev/null/no-store")
LETTERS = DeadLetters("load", NO_STORE)


def five_batches(bad: int | None = None) -> list[IngestBatch]:
    """The batches of a file of five items, one in each; `bad` has a name that no database takes."""
    rows = [item(str(code), "5") for code in range(1, 6)]
    if bad is not None:
        rows[bad].name = "nul\0"
    return file_batches(rows, size=1)


def codes(db: Connection) -> list[str]:
    return [code for (code,) in db.execute("SELECT item_code FROM prices ORDER BY 1")]


@pytest.mark.parametrize(
    ("commit_batches", "commit_seconds", "commits"),
    [(2, HOUR, [1, 2, 2]), (5, HOUR, [5]), (20, HOUR, [5]), (20, 0.0, [1] * 5)],
)
def test_a_commit_takes_so_many_batches_or_so_long(
    dsn: str, db: Connection, commit_batches: int, commit_seconds: float, commits: list[int]
):
    with TestPipeline() as pipeline:
        batches = pipeline | beam.Create(five_batches(), reshuffle=False)
        loaded = batches | LoadBatches(dsn, NO_STORE, commit_batches, commit_seconds)
        assert_that(loaded.loaded | beam.Map(lambda result: result.batches), equal_to(commits))
        assert_that(loaded[FAILURES], equal_to([]), "failures")
    assert codes(db) == ["1", "2", "3", "4", "5"]
    assert db.execute("SELECT state, loaded FROM files").fetchall() == [("loaded", 5)]


@pytest.mark.parametrize("commit_batches", [5, 20], ids=["in the bundle", "at its end"])
def test_a_refused_batch_is_a_dead_letter_and_the_others_are_loaded(
    dsn: str, db: Connection, commit_batches: int
):
    batches = five_batches(bad=2)

    def check(letters: list[DeadLetter]) -> None:
        (letter,) = letters
        assert (letter.stage, letter.reason, letter.place) == ("load", "refused_by_database", "batch 2")
        assert (letter.file, letter.content_sha256) == (batches[2].file, batches[2].content_sha256)
        assert decoder(IngestBatch).decode(letter.original) == batches[2]
        assert letter.cause

    with TestPipeline() as pipeline:
        loaded = (
            pipeline | beam.Create(batches, reshuffle=False) | LoadBatches(dsn, NO_STORE, commit_batches, HOUR)
        )
        assert_that(
            loaded.loaded | beam.Map(lambda result: (result.batches, len(result.failed))), equal_to([(4, 1)])
        )
        assert_that(loaded[FAILURES], check, "failures")
    assert codes(db) == ["1", "2", "4", "5"]
    assert db.execute("SELECT state FROM files").fetchall() == [("incomplete",)]


def test_what_is_in_a_finished_bundle_is_in_the_database(dsn: str, db: Connection):
    step = _Load(dsn, LETTERS, commit_batches=20, commit_seconds=HOUR, chains=CHAINS)
    step.setup()
    for number, batches in enumerate((five_batches(), file_batches([item("9", "5")], hour=1, kind="price"))):
        step.start_bundle()
        assert [output for batch in batches for output in step.process(batch)] == []
        assert len(codes(db)) == 5 * number, "it waits for the others of its commit"
        (loaded,) = step.finish_bundle()
        assert isinstance(loaded.value, LoadResult)
        assert loaded.value.rows == len(batches)
    step.start_bundle()
    assert list(step.finish_bundle()) == [], "a bundle without a batch commits nothing"
    step.teardown()
    assert codes(db) == ["1", "2", "3", "4", "5", "9"]


def test_a_batch_of_promotions_with_many_items_is_a_commit_of_its_own(dsn: str):
    step = _Load(dsn, LETTERS, commit_batches=2, commit_seconds=HOUR, chains=CHAINS)
    step.setup()
    step.start_bundle()
    (large,) = file_batches([promotion("1", *(str(code) for code in range(1000)))], kind="promo")
    (result,) = step.process(large)
    assert (result.batches, result.rows) == (1, 1)
    step.teardown()


def test_rows_are_what_the_database_gets():
    (prices,) = file_batches([item("1", "5"), item("2", "5")])
    (promotions,) = file_batches([promotion("1", "1", "2", "3"), promotion("2")], kind="promo")
    (stores,) = file_batches([store("1")], kind="stores")
    assert [rows_of(batch) for batch in (prices, promotions, stores)] == [2, 5, 1]


def test_a_database_out_of_reach_is_no_fault_of_a_batch(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    tried = []

    def refuse(*_arguments: Any) -> Connection:
        tried.append(1)
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr("gogobe.database.session.connect", refuse)
    step = _Load(NOWHERE, LETTERS, commit_batches=1, commit_seconds=HOUR, chains=CHAINS)
    step.setup()
    step.start_bundle()
    with pytest.raises(psycopg.OperationalError):
        list(step.process(five_batches()[0]))
    assert len(tried) == WORKER_ATTEMPTS


def test_a_batch_that_fails_unforeseen_is_found_among_the_others(
    dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch
):
    batches = five_batches()
    load = Loader.load

    def fail_with_the_third(loader: Loader, some: Sequence[IngestBatch]) -> LoadResult:
        if batches[2] in some:
            raise LookupError("no code foresaw this")
        return load(loader, some)

    monkeypatch.setattr(Loader, "load", fail_with_the_third)
    with Loader(dsn) as loader:
        result, letters = load_each(loader, batches, LETTERS)
    assert (result.batches, codes(db)) == (4, ["1", "2", "4", "5"])
    (letter,) = letters
    assert (letter.reason, letter.batch_id, letter.place) == ("internal_error", batches[2].batch_id, "batch 2")
    assert decoder(IngestBatch).decode(letter.original) == batches[2]
    assert "no code foresaw this" in (letter.cause or "")
    assert db.execute("SELECT state FROM files").fetchall() == [("incomplete",)]


def test_a_schema_that_is_missing_ends_batches_as_dead_letters(empty_dsn: str):
    """It does not pass by itself: the batches are kept where they can be replayed, and the stream goes on."""
    with Loader(empty_dsn) as loader:
        result, letters = load_each(loader, five_batches(), LETTERS)
    assert result.batches == 0
    assert [(letter.reason, letter.place) for letter in letters] == [
        ("internal_error", f"batch {number}") for number in range(5)
    ]
