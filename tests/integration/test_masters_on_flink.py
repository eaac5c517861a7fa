"""A snapshot published while the pipeline runs on Flink is taken up, without a restart."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from gogobe.database.migrations import migrate
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import ensure_topics, publish
from gogobe.io.objects import ObjectStore
from gogobe.local.flink import cancel_jobs, jobs
from gogobe.local.stack import StackAddresses
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import FileDownloaded, encode
from gogobe.records.rows import Item
from tests.integration import matching
from tests.masters.samples import VEGETABLES, small_snapshot, vegetable_file, vegetable_master

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

TOMATO = vegetable_master(0)
DATABASE = "matching"


@pytest.fixture
def database(stack: StackAddresses) -> str:
    """A database of this test's own on the stack's server."""
    with psycopg.connect(stack.database, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}".encode())
    dsn = make_conninfo(stack.database, dbname=DATABASE)
    migrate(dsn)
    return dsn


def items_of(stack: StackAddresses, file: FileDownloaded, seconds: float = 120) -> dict[str, Item]:
    """The items of a file once they have come out of the job, by code."""
    deadline = time.monotonic() + seconds
    while True:
        for batch in matching.matched_batches(stack):
            if batch.file == file.file_name:
                return {item.item_code: item for item in batch.items}
        assert time.monotonic() < deadline, f"{file.file_name} did not come out within {seconds} seconds"
        time.sleep(0.2)


def recorded_pairs(database: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute("SELECT item_code, match, candidate_id FROM review_pairs").fetchall()


def announce(stack: StackAddresses, file: FileDownloaded) -> None:
    publish(stack.kafka, matching.FILES, [(store_of(file).encode(), encode(file))])


def test_a_snapshot_published_meanwhile_is_taken_up(stack: StackAddresses, database: str, tmp_path: Path):
    ensure_topics(stack.kafka, [matching.FILES, matching.BATCHES])
    snapshots = SnapshotStore(str(tmp_path / "masters"))
    matching.submit(stack, ObjectStore(str(tmp_path)), snapshots, database, masters_every=0.5)
    minutes = itertools.count(60)
    before = vegetable_file(tmp_path, chain_id="9", minute=next(minutes))
    announce(stack, before)
    found = items_of(stack, before)
    assert found["7290000042435"].match == "gtin"
    assert {item.match for code, item in found.items() if len(code) < 13} == {"new"}
    assert found["501"].master_id == computed_master_id("9", "501")

    # Each of the two processes takes it up by itself, so a file may still meet the old one.
    for version, names in (("v02", VEGETABLES[:5]), ("v12", VEGETABLES)):
        small_snapshot(tmp_path / version, version, names)
        snapshots.publish(tmp_path / version)
        matched: set[str] = set()
        deadline = time.monotonic() + 120
        while len(matched) < len(names) and time.monotonic() < deadline:
            file = vegetable_file(tmp_path, chain_id="9", minute=next(minutes))
            announce(stack, file)
            found = items_of(stack, file)
            matched = {code for code, item in found.items() if item.match == "vector"}
            time.sleep(0.5)
        assert matched == {str(501 + place) for place in range(len(names))}
        assert [found[code].master_id for code in sorted(matched)] == [
            vegetable_master(place) for place in range(len(names))
        ]
        assert 0 < found["501"].score <= 1

    (job,) = [one for one in jobs(stack.flink) if one.name.startswith("matching")]
    assert job.state == "RUNNING"
    while ("501", "vector", TOMATO) not in recorded_pairs(database):  # a branch of its own in the job
        time.sleep(0.2)
    cancel_jobs(stack.flink)
