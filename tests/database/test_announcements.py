"""Claims: a file is claimed by one agent, claimed again after a change, and taken over from dead agents."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gogobe.database.agents import record_heartbeat, remove_agent, remove_expired
from gogobe.database.announcements import (
    Claim,
    FileToClaim,
    claim,
    claimed_files,
    mark_published,
    release,
    remove_unlisted,
    still_owns,
    take_over,
    unpublished_batches,
)
from gogobe.database.connection import Connection, connect

TIME = datetime(2026, 8, 11, 6, tzinfo=UTC)


def listed(number: int, **changes: object) -> FileToClaim:
    file = FileToClaim(
        number.to_bytes(32, "big"),
        "chain",
        f"https://p/{number}",
        f"{number}.gz",
        100,
        TIME,
        None,
        is_signed=False,
    )
    return dataclasses.replace(file, **changes)  # type: ignore[arg-type]


def claimed(db: Connection, files: Sequence[FileToClaim], agent: str = "one") -> Claim:
    record_heartbeat(db, agent, 30)
    return claim(db, agent, {0: 5, 1: 7}, files)


def published(db: Connection, files: Sequence[FileToClaim], agent: str = "one") -> Claim:
    found = claimed(db, files, agent)
    if found.batch_id is not None:
        mark_published(db, [found.batch_id])
    return found


def test_a_file_is_claimed_once(db: Connection):
    files = [listed(number) for number in range(5)]
    first = published(db, files[:3])
    assert first.versions == {0: 1, 1: 1, 2: 1}
    second = published(db, files)
    assert (second.versions, second.pending) == ({3: 1, 4: 1}, frozenset())
    assert claimed(db, files) == Claim()


def test_a_claim_of_nothing_new_leaves_no_batch(db: Connection):
    published(db, [listed(1)])
    claimed(db, [listed(1)])
    assert db.execute("SELECT count(*) FROM announcement_batches").fetchone() == (1,)


@pytest.mark.parametrize(
    ("before", "after", "is_new"),
    [
        ({}, {"size": 101}, True),
        ({}, {"modified_at": TIME + timedelta(minutes=1)}, True),
        ({"etag": "a"}, {"etag": "b"}, True),
        ({}, {"etag": "a"}, False),
        ({}, {"size": None, "modified_at": None}, False),
        ({"size": None}, {"size": 5}, False),
    ],
)
def test_a_changed_content_is_claimed_again(
    db: Connection, before: dict[str, Any], after: dict[str, Any], is_new: bool
):
    """What a listing does not say is no change."""
    published(db, [listed(1, **before)])
    assert claimed(db, [listed(0), listed(1, **after)]).versions == ({0: 1, 1: 2} if is_new else {0: 1})


def test_what_was_not_said_is_kept(db: Connection):
    published(db, [listed(1)])
    published(db, [listed(1, size=None, modified_at=TIME + timedelta(hours=1))])
    assert db.execute("SELECT version, size, modified_at FROM announcements").fetchone() == (
        2,
        100,
        TIME + timedelta(hours=1),
    )


def test_what_another_agent_has_claimed_is_pending(db: Connection):
    claimed(db, [listed(1), listed(2)], "one")
    found = claimed(db, [listed(1, size=1), listed(3)], "two")
    assert (found.versions, found.pending) == ({1: 1}, frozenset({0}))


def test_many_agents_that_list_the_same_at_once(dsn: str, db: Connection):
    files = [listed(number) for number in range(2000)]

    def work(number: int) -> list[int]:
        ordered = files if number % 2 else files[::-1]
        with connect(dsn) as connection:
            mine: list[int] = []
            for start in range(0, 2000, 400):
                chunk = ordered[start : start + 400]
                found = published(connection, chunk, f"agent {number}")
                mine += [int.from_bytes(chunk[place].identity, "big") for place in found.versions]
        return mine

    with ThreadPoolExecutor(4) as pool:
        found = [number for mine in pool.map(work, range(4)) for number in mine]
    assert sorted(found) == list(range(2000))
    assert unpublished_batches(db) == 0


def test_a_dead_agent_s_batch_is_taken_over_by_one(dsn: str, db: Connection):
    batch = claimed(db, [listed(1), listed(2, is_signed=True)], "dead").batch_id
    assert batch is not None
    assert take_over(db, "one", 30) == []
    db.execute("UPDATE crawl_agents SET heartbeat_at = now() - interval '31 seconds' WHERE agent = 'dead'")

    def work(number: int) -> list[int]:
        with connect(dsn) as connection:
            record_heartbeat(connection, f"agent {number}", 30)
            return [one.batch_id for one in take_over(connection, f"agent {number}", 30)]

    with ThreadPoolExecutor(4) as pool:
        assert [one for found in pool.map(work, range(4)) for one in found] == [batch]
    assert not still_owns(db, "dead", batch)
    assert [(file.url, file.version, file.is_signed) for file in claimed_files(db, batch)] == [
        ("https://p/1", 1, False),
        ("https://p/2", 1, True),
    ]


def test_what_a_dead_agent_had_published_is_not_taken_over(db: Connection):
    batch = claimed(db, [listed(1)], "dead").batch_id
    assert batch is not None
    mark_published(db, [batch])
    db.execute("UPDATE crawl_agents SET heartbeat_at = now() - interval '31 seconds' WHERE agent = 'dead'")
    assert take_over(db, "one", 30) == []


def test_an_agent_s_own_unconfirmed_batch_is_its_again(db: Connection):
    batch = claimed(db, [listed(1)]).batch_id
    (found,) = take_over(db, "one", 30)
    assert (found.batch_id, found.offsets) == (batch, {0: 5, 1: 7})
    assert still_owns(db, "one", found.batch_id)
    mark_published(db, [found.batch_id])
    assert not still_owns(db, "one", found.batch_id)
    assert take_over(db, "one", 30) == []


def test_a_claim_renews_the_lease(db: Connection):
    record_heartbeat(db, "one", 30)
    db.execute("UPDATE crawl_agents SET heartbeat_at = now() - interval '1 hour'")
    claim(db, "one", {}, [listed(1)])
    assert take_over(db, "two", 30) == []


def test_a_released_file_is_claimed_anew(db: Connection):
    batch = claimed(db, [listed(1), listed(2)]).batch_id
    assert batch is not None
    release(db, batch, [listed(1).identity])
    mark_published(db, [batch])
    assert claimed(db, [listed(1), listed(2)]).versions == {0: 1}


def test_files_that_are_no_longer_listed_are_forgotten(db: Connection):
    published(db, [listed(1), listed(2), listed(3)])
    db.execute("UPDATE announcements SET seen_on = current_date - 8 WHERE file_name = '1.gz'")
    db.execute("UPDATE announcements SET seen_on = current_date - 31 WHERE file_name = '2.gz'")
    db.execute("UPDATE announcement_batches SET published_at = now() - interval '31 days'")
    assert claimed(db, [listed(1)]) == Claim()  # it is noted as seen
    remove_unlisted(db, 30)
    # Yesterday: the day may end between the two statements.
    seen = "SELECT file_name, seen_on >= current_date - 1 FROM announcements ORDER BY 1"
    rows = db.execute(seen).fetchall()
    assert rows == [("1.gz", True), ("3.gz", True)]
    # Their batch is deleted, and they still count as published.
    assert claimed(db, [listed(1), listed(2), listed(3)]).versions == {1: 1}


def test_agents_come_and_go(db: Connection):
    assert record_heartbeat(db, "b", 30) == ["b"]
    assert record_heartbeat(db, "a", 30) == ["a", "b"]
    db.execute("UPDATE crawl_agents SET heartbeat_at = now() - interval '1 minute' WHERE agent = 'b'")
    assert record_heartbeat(db, "a", 30) == ["a"]
    assert record_heartbeat(db, "a", 90) == ["a", "b"]
    remove_expired(db, 30)
    assert record_heartbeat(db, "a", 90) == ["a"]
    remove_agent(db, "a")
    assert db.execute("SELECT count(*) FROM crawl_agents").fetchone() == (0,)
