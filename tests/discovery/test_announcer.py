"""Announcements through a real broker and database: once, if any agent dies at any time."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from gogobe.database.address import Dsn
from gogobe.database.agents import record_heartbeat
from gogobe.database.announcements import FileToClaim, claim, unpublished_batches
from gogobe.database.connection import Connection, connect
from gogobe.discovery.announcer import Announcement, Announcer, Outcome, Stopped, Topic, message_of
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.publisher import Marked, Publisher, ends_of, marks_since
from gogobe.io.kafka.topics import PublishError, read_to_end
from gogobe.records.messages import encode
from tests.discovery.kafka import announced

pytestmark = pytest.mark.server
LEASE = 240.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent repeats a request that the broker does not answer in time; tests send some only once."""
    monkeypatch.setattr("gogobe.io.kafka.publisher.ASK_SECONDS", 60.0)


@pytest.fixture
def announcer(dsn: str, topic: Topic) -> Iterator[Announcer]:
    made = Announcer(dsn, topic, "one", LEASE)
    with connect(dsn) as connection:
        record_heartbeat(connection, "one", LEASE)
    yield made
    made.close()


def file(number: int, *, signed: bool = False, size: int = 1) -> Announcement:
    name = f"PriceFull7290000000001-{number:04d}-202608110600.gz"
    url = f"https://p/{name}"
    identity = hashlib.sha256(url.encode()).digest()
    listed = FileToClaim(identity, "chain", url, name, size, None, None, is_signed=signed)
    message = message_of("chain", f"{url}?sig=1&se=2" if signed else url, name, datetime.now(UTC))
    return Announcement(listed, message)


def urls(topic: Topic) -> Counter[str]:
    return Counter(message.url for message in announced(topic.kafka, topic.name))


def test_files_are_announced_once(announcer: Announcer, topic: Topic, db: Connection):
    files = [file(number) for number in range(100)]
    first = announcer.announce(files[:60])
    assert first == Outcome(frozenset(one.listed.identity for one in files[:60]), frozenset())
    second = announcer.announce([*files, files[3]])
    assert second.announced == {one.listed.identity for one in files[60:]}
    assert announcer.announce(files) == Outcome(frozenset(), frozenset())
    assert urls(topic) == Counter(one.message.url for one in files)
    assert unpublished_batches(db) == 0


def test_messages_are_keyed_by_chain_and_store(announcer: Announcer, topic: Topic):
    announcer.announce([file(7)])
    ((key, _),) = read_to_end(topic.kafka, topic.name)
    (message,) = announced(topic.kafka, topic.name)
    assert key.decode() == store_of(message) == "chain/7290000000001/7"
    assert (message.url, message.file_name) == (file(7).message.url, None)


def test_a_signed_link_is_published_but_not_stored(announcer: Announcer, topic: Topic, db: Connection):
    announcer.announce([file(1, signed=True)])
    assert "sig=" in next(iter(urls(topic)))
    assert db.execute("SELECT url FROM announcements").fetchone() == (file(1).message.url,)


def test_another_content_is_announced_again(announcer: Announcer, topic: Topic):
    for size in (1, 1, 2, 2):
        announcer.announce([file(1, size=size)])
    assert urls(topic) == Counter({file(1).message.url: 2})


def of_one_store(day: int) -> Announcement:
    name = f"PriceFull7290000000001-0001-202608{day:02}0600.gz"
    identity = hashlib.sha256(name.encode()).digest()
    message = message_of("chain", f"https://p/{name}", name, datetime.now(UTC))
    return Announcement(
        FileToClaim(identity, "chain", message.url, name, 1, None, None, is_signed=False), message
    )


@pytest.mark.parametrize("is_settled", [False, True])
def test_a_store_s_files_come_in_the_order_of_publication(
    dsn: str, announcer: Announcer, topic: Topic, *, is_settled: bool
):
    """In any order of the listing, and also where another agent finishes a batch."""
    newest_first = [of_one_store(day) for day in range(28, 0, -1)]
    if is_settled:
        dead_agent_s_claim(dsn, topic, newest_first, [])
        announcer.settle()
    else:
        announcer.announce(newest_first)
    found = [message.url for message in announced(topic.kafka, topic.name)]
    assert found == [one.message.url for one in reversed(newest_first)]


def marked(one: Announcement, version: int) -> Marked:
    mark = one.listed.identity + version.to_bytes(4, "big")
    return Marked(mark, store_of(one.message).encode(), encode(one.message))


def dead_agent_s_claim(dsn: Dsn, topic: Topic, files: list[Announcement], sent: list[Announcement]) -> None:
    """What an agent leaves that claimed `files` and died when the broker had `sent`."""
    with connect(dsn) as connection:
        record_heartbeat(connection, "dead", LEASE)
        offsets = ends_of(topic.kafka, topic.name)
        found = claim(connection, "dead", offsets, [one.listed for one in files])
        connection.execute(
            "UPDATE crawl_agents SET heartbeat_at = now() - interval '1 hour' WHERE agent = 'dead'"
        )
        # Its messages and some of others are behind these offsets.
        publisher = Publisher(topic.kafka, topic.name, 60)
        records = [
            marked(one, version)
            for one, version in zip(files, found.versions.values(), strict=True)
            if one in sent
        ]
        publisher.publish(records)
        publisher.close()


def test_what_a_dead_agent_left_is_published_and_nothing_twice(
    dsn: str, announcer: Announcer, topic: Topic, db: Connection
):
    files = [file(number) for number in range(50)]
    announcer.announce([file(1000)])
    dead_agent_s_claim(dsn, topic, files, files[:20])
    assert announcer.announce(files).pending == {one.listed.identity for one in files}
    assert announcer.settle() == 1
    assert urls(topic) == Counter([*(one.message.url for one in files), file(1000).message.url])
    assert (announcer.settle(), unpublished_batches(db)) == (0, 0)
    assert announcer.announce(files) == Outcome(frozenset(), frozenset())


def test_signed_links_of_a_dead_agent_wait_for_the_next_listing(dsn: str, announcer: Announcer, topic: Topic):
    files = [file(number, signed=True) for number in range(10)]
    dead_agent_s_claim(dsn, topic, files, files[:4])
    announcer.settle()
    assert len(urls(topic)) == 4
    assert announcer.announce(files).announced == {one.listed.identity for one in files[4:]}
    assert urls(topic) == Counter(one.message.url for one in files)


def test_a_batch_that_was_not_confirmed_is_settled_by_what_arrived(
    announcer: Announcer, topic: Topic, monkeypatch: pytest.MonkeyPatch, db: Connection
):
    """The broker has taken some of the messages, and the producer does not know."""
    files = [file(number, signed=number % 2 == 0) for number in range(30)]
    publish = Publisher.publish
    calls = []

    def half(self: Publisher, records) -> None:
        calls.append(len(records))
        if len(calls) <= 2:
            publish(self, records[: len(records) // 2])
            raise PublishError("no answer in time")
        publish(self, records)

    monkeypatch.setattr(Publisher, "publish", half)
    assert len(announcer.announce(files).announced) == 30
    assert calls == [30, 15, 8]
    assert urls(topic) == Counter(one.message.url for one in files)
    assert unpublished_batches(db) == 0


def test_an_agent_that_was_taken_for_dead_publishes_nothing(
    dsn: str, announcer: Announcer, topic: Topic, monkeypatch: pytest.MonkeyPatch
):
    """It was suspended between its claim and its messages, longer than its lease; another has the batch."""
    other = Announcer(dsn, topic, "two", LEASE)
    with connect(dsn) as connection:
        record_heartbeat(connection, "two", LEASE)
    real, moments = time.monotonic, iter([0.0, LEASE])

    def stalled(*args):
        found = claim(*args)
        with connect(dsn) as connection:
            connection.execute(
                "UPDATE crawl_agents SET heartbeat_at = now() - interval '1 hour' WHERE agent = 'one'"
            )
        assert other.settle() == 1
        return found

    monkeypatch.setattr("gogobe.discovery.announcer.claim", stalled)
    clock = SimpleNamespace(monotonic=lambda: next(moments, real()))
    monkeypatch.setattr("gogobe.discovery.announcer.time", clock)
    announcer.announce([file(number) for number in range(5)])
    assert urls(topic) == Counter(file(number).message.url for number in range(5))
    other.close()


def test_it_waits_for_a_broker_that_is_out_of_reach(dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gogobe.io.kafka.publisher.ASK_SECONDS", 1.0)
    announcer = Announcer(dsn, Topic("127.0.0.1:9", "files"), "one", LEASE)
    threading.Timer(1.0, announcer.stop).start()
    with pytest.raises(Stopped):
        announcer.announce([file(1)])
    announcer.close()
    assert db.execute("SELECT count(*) FROM announcements").fetchone() == (0,)


def test_marks_are_found_from_an_offset_on(topic: Topic):
    publisher = Publisher(topic.kafka, topic.name, 60)
    before = publisher.offsets()
    publisher.publish([Marked(b"%d" % number, b"key %d" % number, b"v") for number in range(3000)])
    middle = publisher.offsets()
    publisher.publish([Marked(b"last", b"key", b"v")])
    assert marks_since(topic.kafka, topic.name, middle) == {b"last"}
    assert len(marks_since(topic.kafka, topic.name, before)) == 3001
    assert len(marks_since(topic.kafka, topic.name, {})) == 3001
    publisher.close()
