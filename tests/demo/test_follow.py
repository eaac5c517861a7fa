"""What became of announced files, as the ledger and the dead letters tell it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gogobe.database.connection import Connection
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.demo.follow import FileOutcome, by_state, follow, outcomes
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item

LOADED, CUT, LOST, LATE = (f"https://p.example/{name}.gz" for name in ("loaded", "cut", "lost", "late"))
URLS = [LOADED, CUT, LOST, LATE]
SINCE = at(1)


@pytest.fixture
def announced(dsn: str) -> str:
    """A database with one file loaded, one cut short, one that never came; of the fourth it knows nothing."""
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5"), item("2", "6")], hour=1, source_url=LOADED))
        loader.load(file_batches([item("1", "7")], hour=2, source_url=CUT, complete=False))
    letters = [("parse", "truncated", CUT), ("download", "not_found", LOST), ("parse", "old", LATE)]
    record_dead_letters(
        dsn,
        [
            DeadLetter(stage, reason, "told", "message", at(0 if reason == "old" else 3), source_url=url)
            for stage, reason, url in letters
        ],
    )
    return dsn


def test_each_file_with_where_it_stands(announced: str, db: Connection):
    found = {outcome.source_url: outcome for outcome in outcomes(db, URLS, SINCE)}
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
    assert {outcome.state for outcome in outcomes(db, URLS, at(9))} == {"waiting"}


def test_following_ends_with_the_last_file_or_with_the_time(announced: str):
    seen: list[int] = []

    def show(found: Sequence[FileOutcome]) -> None:
        seen.append(len(found))

    def check() -> None:
        raise AssertionError("every file has ended, or the time is over")

    ended = follow(announced, URLS[:3], SINCE, seconds=60, show=show, check=check)
    assert all(outcome.ended for outcome in ended)
    given_up = follow(announced, URLS, SINCE, seconds=0, show=show, check=check)
    assert [outcome.ended for outcome in given_up] == [True, True, True, False]
    assert seen == [3, 4]
