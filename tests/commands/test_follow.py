"""The state of announced files, from the ledger and the dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from gogobe.commands.follow import FileOutcome, by_state, follow, outcomes
from gogobe.database.announcements import AnnouncedFile
from gogobe.database.connection import Connection
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item

LOADED, CUT, LOST, LATE = (f"https://p.example/{name}.gz" for name in ("loaded", "cut", "lost", "late"))
URLS = [LOADED, CUT, LOST, LATE]
SINCE = at(1)
FILES = [AnnouncedFile("chain", url, file_name_of(url), SINCE) for url in URLS]


@pytest.fixture
def announced(dsn: str) -> str:
    """A database with one file loaded, one cut short and one lost; the fourth has only an old dead letter."""
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5"), item("2", "6")], hour=1, source_url=LOADED))
        loader.load(file_batches([item("1", "7")], hour=2, source_url=CUT, complete=False))
    letters = [("parse", "truncated", CUT), ("download", "not_found", LOST), ("parse", "old", LATE)]
    record_dead_letters(
        dsn,
        [
            DeadLetter(stage, reason, "cause", "message", at(0 if reason == "old" else 3), source_url=url)
            for stage, reason, url in letters
        ],
    )
    return dsn


def test_each_file_has_its_state(announced: str, db: Connection):
    found = {outcome.source_url: outcome for outcome in outcomes(db, FILES, SINCE)}
    assert list(found) == URLS
    assert [(one.state, one.reasons, one.read, one.loaded) for one in found.values()] == [
        ("loaded", [], 2, 2),
        ("incomplete", ["truncated"], 1, 1),
        ("dead letter", ["not_found"], 0, 0),
        ("waiting", [], 0, 0),
    ]
    assert found[LOST].seconds == 2 * 3600
    assert (found[LATE].seconds, found[LATE].file) == (None, "late.gz")
    assert [one.ended for one in found.values()] == [True, True, True, False]
    assert by_state(list(found.values())) == {"loaded": 1, "incomplete": 1, "dead letter": 1, "waiting": 1}


def test_files_announced_before_do_not_count(announced: str, db: Connection):
    assert {outcome.state for outcome in outcomes(db, FILES, at(9))} == {"waiting"}


def test_a_file_of_an_earlier_run_keeps_its_state_and_its_seconds(announced: str, db: Connection):
    found = {outcome.source_url: outcome for outcome in outcomes(db, FILES)}
    assert [one.state for one in found.values()] == ["loaded", "incomplete", "dead letter", "dead letter"]
    first = found[LOADED].first_loaded_at
    assert first is not None
    assert found[LOADED].is_loaded_since(first)
    assert not found[LOADED].is_loaded_since(first + timedelta(seconds=1))
    assert not found[LOST].is_loaded_since(SINCE)
    # Its only dead letter is older than its announcement.
    assert (found[LATE].ended_at, found[LATE].seconds) == (SINCE, 0)


def test_following_ends_with_the_last_file_or_with_the_time(announced: str):
    seen: list[int] = []

    def show(found: Sequence[FileOutcome]) -> None:
        seen.append(len(found))

    def check() -> None:
        raise AssertionError("every file has ended, or the time is over")

    ended = follow(announced, FILES[:3], seconds=60, show=show, check=check, since=SINCE)
    assert all(outcome.ended for outcome in ended)
    given_up = follow(announced, FILES, seconds=0, show=show, check=check, since=SINCE)
    assert [outcome.ended for outcome in given_up] == [True, True, True, False]
    assert seen == [3, 4]
