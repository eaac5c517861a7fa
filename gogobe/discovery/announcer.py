"""Announces files: claims them in the database, publishes them to Kafka, marks them as published.

The agent that claims a file first announces it. An agent publishes a claim before its lease ends, or not at
all. A batch whose agent died, or that the broker did not confirm, is settled: another agent reads the topic
from the batch's offsets on and publishes the messages that did not arrive.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple, TypeVar

import psycopg
from confluent_kafka import KafkaException

from gogobe.database.address import Dsn
from gogobe.database.announcements import (
    ClaimedFile,
    FileToClaim,
    OpenBatch,
    claim,
    claimed_files,
    mark_published,
    release,
    still_owns,
    take_over,
)
from gogobe.database.connection import Connection, is_transient
from gogobe.database.session import Session
from gogobe.feeds.ordering import publication_order, store_of
from gogobe.io.backoff import Patience
from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.publisher import Marked, Publisher, marks_since
from gogobe.io.kafka.topics import PublishError
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import DISCOVERED, FileDiscovered, encode

logger = logging.getLogger(__name__)

PATIENCE: Final = Patience(first=0.2, longest=5.0)
Result = TypeVar("Result")


class Stopped(Exception):  # noqa: N818 (an order, not an error)
    """The agent was stopped while a server was unreachable; another agent takes over its claims."""


class Announcement(NamedTuple):
    """A listed file and its message, whose address includes the current signature."""

    listed: FileToClaim
    message: FileDiscovered


@dataclass(frozen=True)
class Outcome:
    """The identities of files announced now, and of files that another agent has claimed and not yet published.
    All others had been announced before."""

    announced: frozenset[bytes]
    pending: frozenset[bytes]


@dataclass(frozen=True)
class Topic:
    """The topic of the announcements."""

    kafka: Kafka
    name: str = DISCOVERED


class Announcer:
    """Announces files for one agent, one batch after the other. Not thread-safe, except `stop`.

    Retries an unreachable database or broker until it answers or `stop` is called.
    """

    def __init__(self, dsn: Dsn, topic: Topic, agent: str, lease: float) -> None:
        self._topic = topic
        self._agent = agent
        self._lease = lease
        self._stop = threading.Event()
        self._session = Session(dsn)
        # The producer drops a message that is not delivered within half of the lease.
        self._publisher = Publisher(topic.kafka, topic.name, lease / 2)

    def stop(self) -> None:
        """Ends retries with Stopped. Other threads may call it."""
        self._stop.set()

    def close(self) -> None:
        """Closes the connections."""
        self._publisher.close()
        self._session.close()

    def announce(self, announcements: Sequence[Announcement]) -> Outcome:
        """Announces the new and changed ones of these files, in the order of their publication. Returns after
        they are published and marked.

        Raises Stopped, and psycopg.Error for errors that no retry can fix.
        """
        files = {one.listed.identity: one for one in announcements}
        listed = [one.listed for one in files.values()]
        offsets = self._patiently(self._publisher.offsets)
        started = time.monotonic()
        claimed = self._in_database(lambda db: claim(db, self._agent, offsets, listed))
        versions = {listed[number].identity: version for number, version in claimed.versions.items()}
        if claimed.batch_id is not None:
            in_order = sorted(versions, key=lambda key: publication_order(files[key].listed.file_name))
            records = [_marked(key, versions[key], files[key].message) for key in in_order]
            urls = {key: files[key].message.url for key in versions}
            self._publish(OpenBatch(claimed.batch_id, offsets), records, urls, started)
        return Outcome(frozenset(versions), frozenset(listed[number].identity for number in claimed.pending))

    def settle(self) -> int:
        """Settles the batches of dead agents and unfinished ones of this agent; returns their number.

        A file with a signed link is released: the portal's next listing has a new link. Raises as `announce`.
        """
        batches = self._in_database(lambda db: take_over(db, self._agent, self._lease))
        for batch in batches:
            logger.info("settling %d announcements that were not confirmed", batch.batch_id)
            self._settle(batch, {})
        return len(batches)

    def _publish(
        self, batch: OpenBatch, records: Sequence[Marked], urls: Mapping[bytes, str], started: float
    ) -> None:
        is_fresh = time.monotonic() - started < self._lease / 4
        try:
            if is_fresh:
                self._publisher.publish(records)
        except PublishError as error:
            logger.warning("%s", error)
            is_fresh = False
        if is_fresh:
            self._in_database(lambda db: mark_published(db, [batch.batch_id]))
        else:
            self._settle(batch, urls)

    def _settle(self, batch: OpenBatch, urls: Mapping[bytes, str]) -> None:
        """Publishes the messages of a batch that are not on the topic; `urls` are links known to this agent."""
        files = self._in_database(lambda db: claimed_files(db, batch.batch_id))
        self._patiently(lambda: self._publish_missing(batch, files, urls))

    def _publish_missing(
        self, batch: OpenBatch, files: Sequence[ClaimedFile], urls: Mapping[bytes, str]
    ) -> None:
        arrived = marks_since(self._topic.kafka, self._topic.name, batch.offsets)
        if not self._in_database(lambda db: still_owns(db, self._agent, batch.batch_id)):
            return  # the lease had ended, and another agent has taken the batch
        missing = [file for file in files if _mark(file.identity, file.version) not in arrived]
        missing.sort(key=lambda file: publication_order(file.file_name))
        lost = [file.identity for file in missing if file.is_signed and file.identity not in urls]
        self._publisher.publish(
            [
                _record_of(file, urls.get(file.identity, file.url))
                for file in missing
                if file.identity not in lost
            ]
        )

        def settled(connection: Connection) -> None:
            with connection.transaction():
                release(connection, batch.batch_id, lost)
                mark_published(connection, [batch.batch_id])

        self._in_database(settled)

    def _in_database(self, work: Callable[[Connection], Result]) -> Result:
        return self._patiently(lambda: self._session.run(work))

    def _patiently(self, work: Callable[[], Result]) -> Result:
        """Retries transient errors with growing pauses; raises permanent ones."""
        for pause in PATIENCE.pauses():
            try:
                return work()
            except (psycopg.Error, KafkaException, PublishError) as error:
                if isinstance(error, psycopg.Error) and not is_transient(error):
                    raise
                logger.warning(
                    "announcements wait, next attempt in %.1f s: %s", pause, str(error).partition("\n")[0]
                )
            if self._stop.wait(pause):
                break
        raise Stopped


def _mark(identity: bytes, version: int) -> bytes:
    return identity + version.to_bytes(4, "big")


def _marked(identity: bytes, version: int, message: FileDiscovered) -> Marked:
    return Marked(_mark(identity, version), store_of(message).encode(), encode(message))


def _record_of(file: ClaimedFile, url: str) -> Marked:
    message = message_of(file.chain, url, file.file_name, file.discovered_at)
    return _marked(file.identity, file.version, message)


def message_of(chain: str, url: str, file_name: str, discovered_at: datetime) -> FileDiscovered:
    """The announcement of a file. It has `file_name` only if the address does not end in the name."""
    name = file_name if file_name_of(url) != file_name else None
    return FileDiscovered(chain=chain, url=url, timestamp=discovered_at.astimezone(UTC), file_name=name)
