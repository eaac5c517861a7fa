"""The retry queue: a file is in it once, is announced again when due, and is removed at the end."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gogobe.database.connection import Connection, connect
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.database.waiting import (
    ANNOUNCED_SECONDS,
    Waiting,
    claim_due,
    claim_waiting,
    count_waiting,
    make_due,
    record_waiting,
    signed_chains,
    signed_identities,
)
from gogobe.records.addresses import identity_of
from gogobe.records.messages import DeadLetter, IngestBatch, WaitingFile
from tests.database.samples import at, file_batches, item

NOW = datetime.now(UTC)
SOON = NOW + timedelta(hours=5)  # later than the end of any run of the tests


def waiting(number: int = 1, **fields: Any) -> WaitingFile:
    """A file that is due, unless said otherwise."""
    values: dict[str, Any] = {
        "chain": "chain",
        "url": f"http://p:8080/Price{number}.gz",
        "file_name": f"Price{number}.gz",
        "discovered_at": NOW - timedelta(hours=2),
        "host": "p:8080",
        "reason": "server_error",
        "detail": "503",
        "is_signed": False,
        "attempts": 1,
        "waiting_since": NOW - timedelta(hours=1),
        "failed_at": NOW - timedelta(minutes=2),
        "due_at": NOW - timedelta(minutes=1),
    }
    return WaitingFile(**(values | fields))


def due(db: Connection, **choices: Any) -> list[str]:
    """Takes what is due; its names."""
    found = claim_due(db, **({"per_host": 100, "give_up": 86_400.0} | choices))
    return sorted(one.file_name for one in found)


def fields(db: Connection, names: str) -> Any:
    return db.execute(f"SELECT {names} FROM waiting_files".encode()).fetchone()


def test_a_due_file_is_taken_once_with_all_that_its_announcement_needs(dsn: str, db: Connection):
    record_waiting(dsn, [waiting(attempts=3), waiting(2, due_at=SOON)])
    (found,) = claim_due(db, per_host=9, give_up=86_400.0)
    assert found == Waiting(
        identity_of("chain", "http://p:8080/Price1.gz", "Price1.gz"),
        "chain",
        "http://p:8080/Price1.gz",
        "Price1.gz",
        is_signed=False,
        attempts=3,
        discovered_at=NOW - timedelta(hours=2),
        waiting_since=NOW - timedelta(hours=1),
    )
    assert due(db) == []
    assert due(db, everything=True) == ["Price2.gz"], "what was announced already is not announced again"


def test_two_agents_at_once_take_each_file_once(dsn: str):
    record_waiting(dsn, [waiting(number) for number in range(200)])
    barrier, taken = threading.Barrier(4), []

    def agent() -> None:
        with connect(dsn) as connection:
            barrier.wait()
            for _ in range(8):
                taken.extend(due(connection, per_host=20))

    threads = [threading.Thread(target=agent) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 200


def test_what_was_announced_and_came_to_no_end_is_announced_again_ever_more_seldom(dsn: str, db: Connection):
    record_waiting(dsn, [waiting()])
    waits = []
    for _ in range(8):
        assert due(db) == ["Price1.gz"]
        waits.append(fields(db, "extract(epoch FROM due_at - announced_at)")[0])
        db.execute("UPDATE waiting_files SET due_at = now()")
    expected = [min(ANNOUNCED_SECONDS * 2**number, 6 * 3600) for number in range(8)]
    assert [float(wait) for wait in waits] == pytest.approx(expected)


def test_only_so_many_of_a_host_are_taken_at_once_the_oldest_first(dsn: str, db: Connection):
    late = [waiting(n, due_at=NOW - timedelta(minutes=n)) for n in range(1, 6)]
    record_waiting(dsn, [*late, waiting(9, host="q", url="http://q/Price9.gz")])
    assert due(db, per_host=2) == ["Price4.gz", "Price5.gz", "Price9.gz"]
    assert due(db, per_host=2) == ["Price2.gz", "Price3.gz"]


def test_chains_can_be_chosen(dsn: str, db: Connection):
    record_waiting(dsn, [waiting(), waiting(2, chain="other")])
    assert due(db, chains=["other"]) == ["Price2.gz"]


def test_a_later_failure_replaces_and_an_older_one_does_not(dsn: str, db: Connection):
    record_waiting(dsn, [waiting()])
    due(db)
    later = waiting(attempts=2, failed_at=NOW, due_at=SOON, reason="unreachable")
    record_waiting(dsn, [later, waiting()])
    record_waiting(dsn, [waiting()])
    assert fields(db, "reason, attempts, due_at, announced_at, announcements") == (
        "unreachable", 2, SOON, None, 0,
    )  # fmt: skip


def test_signed_links_are_taken_by_identity_once_a_listing_has_a_new_one(dsn: str, db: Connection):
    record_waiting(dsn, [waiting(is_signed=True), waiting(2, is_signed=True, due_at=SOON), waiting(3)])
    assert due(db) == ["Price3.gz"]
    found = signed_identities(db, "chain")
    assert len(found) == 1
    assert signed_identities(db, "chain", everything=True) > found
    assert signed_chains(db) == ["chain"]
    assert [one.file_name for one in claim_waiting(db, found)] == ["Price1.gz"]
    assert claim_waiting(db, found) == []
    assert signed_chains(db) == []


def test_a_signed_link_goes_without_its_signature_when_it_is_given_up(dsn: str, db: Connection):
    record_waiting(dsn, [waiting(is_signed=True)])
    assert due(db, give_up=40_000) == []
    assert due(db, give_up=3500) == ["Price1.gz"]


def test_a_portal_that_answers_again_makes_its_chain_s_files_due(dsn: str, db: Connection):
    record_waiting(dsn, [waiting(due_at=SOON), waiting(2, due_at=SOON, chain="other"), waiting(3)])
    due(db)
    assert make_due(db, "chain") == 1
    assert due(db) == ["Price1.gz"]


def of_batch(batch: IngestBatch, failed: float) -> WaitingFile:
    return waiting(chain=batch.chain, url=batch.source_url, failed_at=at(failed), waiting_since=at(0))


def letter_of(file: WaitingFile, hour: float) -> DeadLetter:
    return DeadLetter("parse", "no_rows", "d", "o", at(hour), chain=file.chain, source_url=file.url)


@pytest.mark.parametrize(("failed", "left"), [(5.0, 0), (6.0, 1)])
def test_a_file_that_is_loaded_waits_no_longer(dsn: str, db: Connection, failed: float, left: int):
    """Downloaded at 5.2 hours: what failed at 6 is another announcement's failure."""
    batches = file_batches([item("1", "5"), item("2", "5")], hour=5, size=1)
    record_waiting(dsn, [of_batch(batches[0], failed), waiting(2)])
    with Loader(dsn) as loader:
        loader.load(batches[:1])
        assert len(count_waiting(db)) == 2, "half of it is loaded"
        loader.load(batches[1:])
    assert sum(one.files for one in count_waiting(db)) == 1 + left


def test_a_file_that_is_loaded_already_waits_no_longer(dsn: str, db: Connection):
    batches = file_batches([item("1", "5")], hour=5)
    with Loader(dsn) as loader:
        loader.load(batches)
        record_waiting(dsn, [of_batch(batches[0], 5.1)])
        assert loader.load(batches).duplicate_batches == 1
    assert count_waiting(db) == []


@pytest.mark.parametrize(("failed", "left"), [(1.0, 0), (2.0, 1)])
def test_a_file_with_a_dead_letter_waits_no_longer(dsn: str, db: Connection, failed: float, left: int):
    file = waiting(failed_at=at(failed))
    record_waiting(dsn, [file, waiting(2, failed_at=at(failed))])
    record_dead_letters(dsn, [letter_of(file, 1.5), msgspec.structs.replace(letter_of(file, 9), chain="other")])
    assert sum(one.files for one in count_waiting(db)) == 1 + left


def test_what_waits_is_counted_by_chain_and_host(dsn: str, db: Connection):
    record_waiting(dsn, [waiting(), waiting(2), waiting(3, chain="other", reason="slow")])
    assert [(one.chain, one.host, one.files, one.reason) for one in count_waiting(db)] == [
        ("chain", "p:8080", 2, "server_error"),
        ("other", "p:8080", 1, "slow"),
    ]


def test_what_the_database_cannot_hold_still_finds_its_place(dsn: str, db: Connection):
    record_waiting(dsn, [waiting(detail="\0", file_name="a\ud800", url="http://p/" + "x" * 3000)])
    assert fields(db, "detail, file_name") == ("�", "a�")
