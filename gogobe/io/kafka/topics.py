"""Kafka topics from commands: create, publish, read to the end, consumer lag. Imports no Beam."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec, TopicMetadata
from confluent_kafka.cimpl import NewTopic

from gogobe.io.kafka.clients import librdkafka_config
from gogobe.io.kafka.offsets import offsets_of
from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.patience import until_answered
from gogobe.io.kafka.reading import Backlog
from gogobe.records.messages import LEAST_PARTITIONS

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES: Final = 16 << 20
ADMIN_SECONDS: Final = 30.0
DELIVERY_SECONDS: Final = 30.0
# librdkafka requests the leaders of a topic once per call, possibly before they are elected.
LEADER_SECONDS: Final = 1.0
DEFAULT_PARTITIONS: Final = 4
BROKERS_DEFAULT: Final = 0
# Errors that a client reports asynchronously while it retries; waiting longer does not help.
_REFUSED: Final = (KafkaError._AUTHENTICATION, KafkaError._SSL)


class PublishError(Exception):
    """Messages that the broker did not accept; the message has their number and the reason."""


class _Reports:
    """Collects the errors that a client reports asynchronously: refused credentials or certificates."""

    def __init__(self) -> None:
        self._errors: list[KafkaError] = []

    def config(self, kafka: Kafka, **own: Any) -> dict[str, Any]:
        """A client's configuration, with this object as its error callback instead of the log."""
        return {**librdkafka_config(kafka), "error_cb": self._errors.append, "log_level": 0, **own}

    @property
    def refusal(self) -> KafkaError | None:
        """The first error after which a retry cannot succeed."""
        return next((error for error in self._errors if error.code() in _REFUSED), None)

    def topics(self, client: AdminClient | Consumer, topic: str | None = None) -> Mapping[str, TopicMetadata]:
        """The topics of the cluster by name. Raises KafkaException: immediately for a refusal, after a
        timeout without an answer."""
        deadline = time.monotonic() + ADMIN_SECONDS
        patience = 1.0
        while True:
            try:
                found: Mapping[str, TopicMetadata] = client.list_topics(topic, timeout=patience).topics
            except KafkaException as error:
                client.poll(0)
                if self.refusal is not None:
                    raise KafkaException(self.refusal) from error
                if time.monotonic() > deadline:
                    raise
                patience *= 2
            else:
                return found

    def flush(self, producer: Producer) -> int:
        """Waits until all messages are delivered, the timeout, or a refusal. Returns the number of
        undelivered messages."""
        deadline = time.monotonic() + DELIVERY_SECONDS
        queued = len(producer)
        while (left := producer.flush(1.0)) and time.monotonic() < deadline:
            if self.refusal is not None and left == queued:
                break
        return int(left)


def admin_of(kafka: Kafka) -> tuple[AdminClient, Mapping[str, TopicMetadata]]:
    """A client for administration, and the topics of the cluster. Raises KafkaException if the brokers refuse
    or do not answer, SecretError, KafkaOptionsError."""
    reports = _Reports()
    admin = AdminClient(reports.config(kafka))
    return admin, reports.topics(admin)


def ensure_topics(
    kafka: Kafka,
    topics: Iterable[str],
    partitions: int = DEFAULT_PARTITIONS,
    replication: int = BROKERS_DEFAULT,
    config: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Creates missing topics, and waits until every partition has a leader. `replication` 0 is the brokers'
    default; `config` is the new topics' own. Existing topics stay unchanged; fewer partitions than requested
    are logged. A topic of `LEAST_PARTITIONS` has at least so many.

    Raises KafkaException if the brokers refuse, SecretError, KafkaOptionsError.
    """
    counts = {topic: max(partitions, LEAST_PARTITIONS.get(topic, 0)) for topic in topics}
    admin, present = admin_of(kafka)
    for topic, count in counts.items():
        if topic in present and len(present[topic].partitions) < count:
            logger.warning(
                "topic %s has %d partitions, fewer than %d: kafka-topics --alter adds some",
                topic,
                len(present[topic].partitions),
                count,
            )
    missing = [
        NewTopic(
            topic,
            num_partitions=count,
            replication_factor=replication or -1,
            config={"max.message.bytes": str(MAX_MESSAGE_BYTES), **config},
        )
        for topic, count in counts.items()
        if topic not in present
    ]
    for made in admin.create_topics(missing).values() if missing else ():
        try:
            made.result(ADMIN_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _wait_for_leaders(
        kafka, [TopicPartition(one.topic, n) for one in missing for n in range(counts[one.topic])]
    )


def _wait_for_leaders(kafka: Kafka, partitions: list[TopicPartition]) -> None:
    def ask() -> None:
        # A client that found no leader may go on to find none for half a minute and longer, so each attempt has
        # its own.
        admin = AdminClient(_Reports().config(kafka))
        wanted = dict.fromkeys(partitions, OffsetSpec.latest())
        for answer in admin.list_offsets(wanted, request_timeout=LEADER_SECONDS).values():
            answer.result(ADMIN_SECONDS)

    if partitions:
        until_answered(ask, ADMIN_SECONDS)


def publish(kafka: Kafka, topic: str, records: Iterable[tuple[bytes, bytes]]) -> int:
    """Publishes (key, value) records and waits until all are delivered. Returns their number.

    Raises PublishError if any was not delivered.
    """
    refused: list[str] = []

    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            refused.append(str(error))

    reports = _Reports()
    own = {
        "linger.ms": 5,
        "message.max.bytes": MAX_MESSAGE_BYTES,
        "topic.metadata.propagation.max.ms": 5_000,  # report a missing topic early
    }
    producer = Producer(reports.config(kafka, **own))
    count = 0
    try:
        for key, value in records:
            while not _queued(producer, topic, key, value, delivered):
                producer.poll(0.1)
            producer.poll(0)
            count += 1
    except KafkaException as error:
        raise PublishError(f"{topic} at {kafka}: {error}") from error
    undelivered = reports.flush(producer) + len(refused)
    if undelivered:
        why = refused[0] if refused else reports.refusal or "no answer in time"
        raise PublishError(f"{topic} at {kafka}: {undelivered} of {count} messages not delivered ({why})")
    return count


def _queued(producer: Producer, topic: str, key: bytes, value: bytes, delivered: Callable[..., None]) -> bool:
    try:
        producer.produce(topic, value, key, on_delivery=delivered)
    except BufferError:
        return False  # the queue is full: deliver its messages first
    return True


def is_read_by(kafka: Kafka, group: str, topic: str) -> bool:
    """Whether a consumer group has committed offsets in a topic. Raises KafkaException if the topic does not
    exist."""
    with _committed(kafka, group, topic) as (_, committed):
        return any(place.offset >= 0 for place in committed)


def partition_count(kafka: Kafka, topic: str) -> int:
    """The number of partitions of a topic. Raises KafkaException if the topic does not exist."""
    reports = _Reports()
    found = reports.topics(AdminClient(reports.config(kafka)), topic)[topic]
    if found.error is not None:
        raise KafkaException(found.error)
    return len(found.partitions)


def lag(kafka: Kafka, group: str, topic: str) -> int:
    """The number of records of a topic after a group's committed offsets."""
    return backlog(kafka, group, topic).records


def backlog(kafka: Kafka, group: str, topic: str) -> Backlog:
    """The records of a topic after a group's committed offsets, up to its present end."""
    ranges = {}
    with _committed(kafka, group, topic) as (consumer, committed):
        for place in committed:
            offsets = offsets_of(consumer, place, ADMIN_SECONDS)
            ranges[place.partition] = (offsets.next, offsets.high)
    return Backlog(ranges)


@contextlib.contextmanager
def _committed(kafka: Kafka, group: str, topic: str) -> Iterator[tuple[Consumer, list[TopicPartition]]]:
    """A consumer of the group, and the offsets that the group has committed in the topic; negative without
    one."""
    reports = _Reports()
    consumer = Consumer(reports.config(kafka, **{"group.id": group, "enable.auto.commit": False}))
    try:
        partitions = reports.topics(consumer, topic)[topic].partitions
        asked = [TopicPartition(topic, one) for one in partitions]
        committed = until_answered(lambda: consumer.committed(asked, timeout=ADMIN_SECONDS), ADMIN_SECONDS)
        yield consumer, committed
    finally:
        consumer.close()


def commit_offsets(kafka: Kafka, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Commits a group's offsets by partition. Raises KafkaException where the broker refuses."""
    reports = _Reports()
    consumer = Consumer(reports.config(kafka, **{"group.id": group, "enable.auto.commit": False}))
    try:
        places = [TopicPartition(topic, partition, offset) for partition, offset in offsets.items()]

        def commit() -> None:
            for place in consumer.commit(offsets=places, asynchronous=False):
                if place.error is not None:
                    raise KafkaException(place.error)

        until_answered(commit, ADMIN_SECONDS)
    finally:
        consumer.close()


def read_to_end(kafka: Kafka, topic: str) -> list[tuple[bytes, bytes]]:
    """All present (key, value) records of a topic. Commits nothing."""
    reports = _Reports()
    consumer = Consumer(reports.config(kafka, **{"group.id": "read-to-end", "enable.auto.commit": False}))
    try:
        partitions = reports.topics(consumer, topic)[topic].partitions
        # Asked for before anything is read: a request waits for a fetch that is under way.
        ranges = [
            (one, *consumer.get_watermark_offsets(TopicPartition(topic, one), timeout=ADMIN_SECONDS))
            for one in partitions
        ]
        records = []
        for partition, low, high in ranges:
            done = low
            if done < high:
                consumer.assign([TopicPartition(topic, partition, done)])
            while done < high:
                message = consumer.poll(ADMIN_SECONDS)
                if message is None or message.error():
                    raise KafkaException(message.error() if message else f"{topic}: nothing came")
                done = message.offset() + 1
                records.append((message.key(), message.value()))
        return records
    finally:
        consumer.close()
