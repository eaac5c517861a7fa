"""Kafka topics from commands: create, publish, read to the end, consumer lag. Imports no Beam."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from confluent_kafka.cimpl import NewTopic

MAX_MESSAGE_BYTES: Final = 16 << 20
ADMIN_SECONDS: Final = 30.0
DELIVERY_SECONDS: Final = 30.0
_NOT_YET: Final = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)

Result = TypeVar("Result")


class PublishError(Exception):
    """Messages that the broker did not take; the message says how many and why."""


def ensure_topics(bootstrap: str, topics: Iterable[str], partitions: int = 4) -> None:
    """Makes the topics that are missing, and waits until every partition answers. Raises KafkaException when
    the broker refuses."""
    topics = list(topics)
    # What goes wrong is raised; the log would go on about a broker that was stopped since.
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    present = admin.list_topics(timeout=ADMIN_SECONDS).topics
    missing = [
        NewTopic(topic, num_partitions=partitions, config={"max.message.bytes": str(MAX_MESSAGE_BYTES)})
        for topic in topics
        if topic not in present
    ]
    for made in admin.create_topics(missing).values() if missing else ():
        try:
            made.result(ADMIN_SECONDS)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise
    _wait_for_leaders(admin, [TopicPartition(topic.topic, n) for topic in missing for n in range(partitions)])


def _wait_for_leaders(admin: AdminClient, partitions: list[TopicPartition]) -> None:
    def ask() -> None:
        for answer in admin.list_offsets(dict.fromkeys(partitions, OffsetSpec.latest())).values():
            answer.result(ADMIN_SECONDS)

    if partitions:
        _patiently(ask)


def _patiently(ask: Callable[[], Result]) -> Result:
    """Asks until the broker has an answer: after a start, or for a new topic, it has none for a moment."""
    deadline = time.monotonic() + ADMIN_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in _NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def publish(bootstrap: str, topic: str, records: Iterable[tuple[bytes, bytes]]) -> int:
    """Publishes (key, value) records and waits until all are delivered; returns how many.

    Raises PublishError when any was not.
    """
    refused: list[str] = []

    def delivered(error: Any, _message: Any) -> None:
        if error is not None:
            refused.append(str(error))

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 5,
            "log_level": 0,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "topic.metadata.propagation.max.ms": 5_000,  # a missing topic is an error soon
        }
    )
    count = 0
    try:
        for key, value in records:
            while not _queued(producer, topic, key, value, delivered):
                producer.poll(0.1)
            producer.poll(0)
            count += 1
    except KafkaException as error:
        raise PublishError(f"{topic} at {bootstrap}: {error}") from error
    undelivered = producer.flush(DELIVERY_SECONDS) + len(refused)
    if undelivered:
        why = refused[0] if refused else "no answer in time"
        raise PublishError(f"{topic} at {bootstrap}: {undelivered} of {count} messages not delivered ({why})")
    return count


def _queued(producer: Producer, topic: str, key: bytes, value: bytes, delivered: Callable[..., None]) -> bool:
    try:
        producer.produce(topic, value, key, on_delivery=delivered)
    except BufferError:
        return False  # the queue is full: what is in it goes first
    return True


def lag(bootstrap: str, group: str, topic: str) -> int:
    """How many of a topic's records lie beyond a group's committed offsets: announced and not yet done."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False})
    try:
        partitions = consumer.list_topics(topic, timeout=ADMIN_SECONDS).topics[topic].partitions
        asked = [TopicPartition(topic, one) for one in partitions]
        committed = _patiently(lambda: consumer.committed(asked, timeout=ADMIN_SECONDS))
        behind = 0
        for place in committed:
            low, high = consumer.get_watermark_offsets(
                TopicPartition(topic, place.partition), timeout=ADMIN_SECONDS
            )
            behind += high - max(place.offset, low)
        return behind
    finally:
        consumer.close()


def read_to_end(bootstrap: str, topic: str) -> list[tuple[bytes, bytes]]:
    """All (key, value) records that a topic holds now; commits nothing."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "read-to-end", "enable.auto.commit": False}
    )
    try:
        partitions = consumer.list_topics(topic, timeout=ADMIN_SECONDS).topics[topic].partitions
        records = []
        for partition in partitions:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=ADMIN_SECONDS)
            consumer.assign([TopicPartition(topic, partition, low)])
            while low < high:
                message = consumer.poll(ADMIN_SECONDS)
                if message is None or message.error():
                    raise KafkaException(message.error() if message else f"{topic}: nothing came")
                low = message.offset() + 1
                records.append((message.key(), message.value()))
        return records
    finally:
        consumer.close()
