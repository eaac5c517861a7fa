"""Listing the ledger: loaded files, and files that did not arrive."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gogobe.database.connection import Connection, connect
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.ledger_files import FileFilter, count_files, find_files
from gogobe.database.load.loader import Loader
from gogobe.records.messages import DeadLetter
from gogobe.records.rows import RefusedRow
from tests.database.samples import at, file_batches, item

LOST = DeadLetter(
    "download",
    "not_found",
    "404",
    "{}",
    at(1),
    chain="rami_levy",
    file="lost.gz",
    source_url="https://r/lost.gz",
)

_WAITING = """
    INSERT INTO waiting_files (identity, chain, url, file_name, host, is_signed, reason, detail, attempts,
                               failed_at, discovered_at, waiting_since, due_at)
    VALUES ('x', 'tiv_taam', 'https://t/late.gz', 'late.gz', 't', false, 'server_error', '503', 1, %s, %s, %s, %s)
"""


@pytest.fixture
def ledger(dsn: str) -> None:
    good = file_batches([item("1", "5")], hour=-1, file="good.gz", source_url="https://s/good.gz")
    refused = [RefusedRow(2, 3, "zero_price")]
    bad = file_batches([item("1", "6")], kind="price", hour=2, file="bad.gz", complete=False, refused=refused)
    part = file_batches([item("1", "7"), item("2", "8")], hour=3, size=1, store_id="7", file="part.gz")
    again = [msgspec.structs.replace(batch, source_url="https://mirror/good.gz") for batch in good]
    with Loader(dsn) as loader:
        for batches in (good, again, bad, part[:1]):
            loader.load(batches)
    of_bad = DeadLetter(
        "parse",
        "truncated",
        "cut",
        "{}",
        at(9),
        source_url=bad[0].source_url,
        content_sha256=bad[0].content_sha256,
    )
    record_dead_letters(dsn, [LOST, of_bad])
    with connect(dsn) as connection:
        connection.execute(_WAITING, (at(2), at(0), at(0), at(2)))


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize(
    ("wanted", "files"),
    [
        ({}, {"good.gz", "bad.gz", "part.gz", "lost.gz", "late.gz"}),
        ({"state": "postponed"}, {"late.gz"}),
        ({"chain": "tiv_taam", "address": "late"}, {"late.gz"}),
        ({"state": "loaded"}, {"good.gz"}),
        ({"state": "incomplete"}, {"bad.gz"}),
        ({"state": "loading"}, {"part.gz"}),
        ({"state": "failed"}, {"lost.gz"}),
        ({"chain": "rami_levy"}, {"lost.gz"}),
        ({"chain": "shufersal", "kind": "price"}, {"bad.gz"}),
        ({"store": "7"}, {"part.gz"}),
        ({"address": "mirror"}, {"good.gz"}),
        ({"address": "s/good"}, {"good.gz"}),
        ({"address": "bad.g"}, {"bad.gz"}),
        ({"problems": True}, {"bad.gz", "lost.gz", "late.gz"}),
        ({"until": at(2)}, {"lost.gz"}),
        ({"since": at(2)}, {"good.gz", "bad.gz", "part.gz", "late.gz"}),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_files_are_found_by_what_they_are(db: Connection, wanted: dict[str, Any], files: set[str]):
    found = find_files(db, FileFilter(**wanted))
    assert {file.file for file in found} == files
    assert sum(count_files(db, FileFilter(**wanted)).values()) == len(files)


@pytest.mark.usefixtures("ledger")
def test_the_latest_is_first_and_the_limit_holds_for_both_kinds(db: Connection):
    found = find_files(db, FileFilter(limit=3))
    assert [file.file for file in found] == ["part.gz", "bad.gz", "good.gz"]
    assert count_files(db, FileFilter(limit=1)) == {
        "loaded": 1, "incomplete": 1, "loading": 1, "postponed": 1, "failed": 1,
    }  # fmt: skip


@pytest.mark.usefixtures("ledger")
def test_a_line_has_counts_seconds_and_problems(db: Connection):
    (bad,) = find_files(db, FileFilter(state="incomplete"))
    assert (bad.read, bad.loaded, bad.refused, bad.reader_version) == (2, 1, 1, 1)
    (good,) = find_files(db, FileFilter(state="loaded"))
    assert good.seconds is not None
    (lost,) = find_files(db, FileFilter(state="failed"))
    assert (lost.problems, lost.seen_at, lost.content_sha256) == (["download/not_found"], at(1), None)


@pytest.mark.usefixtures("ledger")
def test_a_failed_file_that_is_loaded_later_has_not_failed(dsn: str, db: Connection):
    with Loader(dsn) as loader:
        loader.load(file_batches([item("9", "9")], hour=4, chain="rami_levy", source_url="https://r/lost.gz"))
    assert find_files(db, FileFilter(state="failed")) == []
