"""A producer for the lifetime of a process, which can find out later which messages have arrived. No Beam.

A message may have a unique mark in the header `announcement`. If it is unknown whether messages have arrived
(the process died, the broker did not answer in time), the topic is read from an earlier offset on, and
searched for their marks.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from gogobe.io.kafka.clients import librdkafka_config
from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.topics import MAX_MESSAGE_BYTES, PublishError

MARK: Final = "announcement"
OF_THE_KEY: Final = -1
# The timeout of one request; the caller retries.
ASK_SECONDS: Final = 5.0
READ_BATCH: Final = 1000
READ_SECONDS: Final = 0.1


class Marked(NamedTuple):
    """A record and its mark; without one (empty) it cannot be searched for. A `partition`, or that of its
    key."""

    mark: bytes
    key: bytes
    value: bytes
    partition: int = OF_THE_KEY


class Publisher:
    """An idempotent producer for one topic. `seconds` is the time within which the broker must confirm a
    message; `batch` the maximum number of messages in a record batch, which a consumer takes as a whole."""

    def __init__(self, kafka: Kafka, topic: str, seconds: float, batch: int = 10_000) -> None:
        self._kafka = kafka
        self._topic = topic
        self._seconds = seconds
        self._batch = batch
        self._producer: Producer | None = None
        self._offsets: dict[int, int] = {}

    def offsets(self) -> Mapping[int, int]:
        """For each partition an offset before all later messages of this publisher.

        Raises KafkaException.
        """
        if not self._offsets:
            self._offsets = ends_of(self._kafka, self._topic)
        return dict(self._offsets)

    def publish(self, records: Sequence[Marked]) -> Mapping[int, int]:
        """Publishes, and waits until the broker has confirmed all messages. Returns for each partition that it
        has written to an offset after its messages.

        Raises PublishError if any was not confirmed; `marks_since` then shows whether it has arrived.
        """
        if self._producer is None:
            self._producer = Producer(self._config())
        producer, refused = self._producer, list[str]()

        def delivered(error: Any, message: Any) -> None:
            if error is not None:
                refused.append(str(error))
            elif (offset := message.offset()) is not None:
                partition = message.partition()
                self._offsets[partition] = max(self._offsets.get(partition, 0), offset + 1)

        try:
            for record in records:
                while not self._queued(producer, record, delivered):
                    producer.poll(0.1)
                producer.poll(0)
            waiting = producer.flush(self._seconds + 5)
        except KafkaException as error:
            self._give_up()
            raise PublishError(f"{self._topic} at {self._kafka}: {error}") from error
        if waiting or refused:
            self._give_up()
            why = refused[0] if refused else "no answer in time"
            count = waiting + len(refused)
            raise PublishError(
                f"{self._topic} at {self._kafka}: {count} of {len(records)} messages not confirmed ({why})"
            )
        return dict(self._offsets)

    def close(self) -> None:
        """Closes the producer. No message is queued, because `publish` waits."""
        self._give_up()

    def _queued(self, producer: Producer, record: Marked, delivered: Any) -> bool:
        headers = [(MARK, record.mark)] if record.mark else None
        try:
            producer.produce(
                self._topic, record.value, record.key, record.partition, on_delivery=delivered, headers=headers
            )
        except BufferError:
            return False  # the queue is full: deliver its messages first
        return True

    def _give_up(self) -> None:
        """Discards queued messages, so that none is sent later. The next message uses a new producer."""
        if self._producer is not None:
            self._producer.purge()
            self._producer = None

    def _config(self) -> dict[str, Any]:
        return {
            **librdkafka_config(self._kafka),
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 5,
            "batch.num.messages": self._batch,
            "log_level": 0,
            "message.max.bytes": MAX_MESSAGE_BYTES,
            "message.timeout.ms": int(self._seconds * 1000),
            "topic.metadata.propagation.max.ms": 5_000,  # report a missing topic early
        }


def ends_of(kafka: Kafka, topic: str) -> dict[int, int]:
    """The end offset of each partition. Raises KafkaException."""
    admin = AdminClient({**librdkafka_config(kafka), "log_level": 0})
    partitions = admin.list_topics(topic, timeout=ASK_SECONDS).topics[topic].partitions
    asked = {TopicPartition(topic, number): OffsetSpec.latest() for number in partitions}
    answers = admin.list_offsets(asked, request_timeout=ASK_SECONDS)
    return {place.partition: answer.result().offset for place, answer in answers.items()}


def marks_since(kafka: Kafka, topic: str, offsets: Mapping[int, int]) -> set[bytes]:
    """The marks of all records from these offsets to the present end of the topic; a partition without an
    offset is read from its beginning. Raises KafkaException."""
    consumer = Consumer(
        {
            **librdkafka_config(kafka),
            "group.id": "marks-since",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
    marks = set()
    try:
        for number in consumer.list_topics(topic, timeout=ASK_SECONDS).topics[topic].partitions:
            place = TopicPartition(topic, number)
            low, high = consumer.get_watermark_offsets(place, timeout=ASK_SECONDS)
            offset = max(low, offsets.get(number, low))
            if offset < high:
                place.offset = offset
                consumer.assign([place])
                marks |= _marks_before(consumer, high)
        return marks
    finally:
        consumer.close()


def _marks_before(consumer: Consumer, high: int) -> set[bytes]:
    marks = set()
    next_offset = -1
    until = time.monotonic() + ASK_SECONDS
    while next_offset < high:
        # `consume` waits for a whole batch, or for this time.
        messages = consumer.consume(READ_BATCH, READ_SECONDS)
        if messages:
            until = time.monotonic() + ASK_SECONDS
        elif time.monotonic() > until:
            raise KafkaException(f"no record came in {ASK_SECONDS:g} s")
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
            next_offset = message.offset() + 1
            marks |= {value for name, value in message.headers() or () if name == MARK}
    return marks
