"""A consumer group's offsets in a partition, beside the partition's own."""

from __future__ import annotations

from typing import Any, NamedTuple

from confluent_kafka import Consumer, TopicPartition

from gogobe.io.kafka.clients import librdkafka_config
from gogobe.io.kafka.options import Kafka


class PartitionOffsets(NamedTuple):
    """The first offset that a partition still has (`low`), the one after its last record (`high`), and that of
    the first record which the group has not done (`next`)."""

    low: int
    high: int
    next: int

    @classmethod
    def of(cls, low: int, high: int, committed: int) -> PartitionOffsets:
        """`committed` is negative if the group has no offset. One that retention has passed counts as `low`."""
        return cls(low, high, min(max(committed, low), high))

    @property
    def lag(self) -> int:
        """The number of records that the group has not done."""
        return self.high - self.next


def group_consumer(kafka: Kafka, group: str, **own: Any) -> Consumer:
    """A consumer that reads a group's offsets and commits nothing. Its caller gets its errors, not the log.
    Raises SecretError, KafkaOptionsError."""
    config = {**librdkafka_config(kafka), "group.id": group, "enable.auto.commit": False, "log_level": 0}
    return Consumer({**config, **own})


def offsets_of(consumer: Consumer, committed: TopicPartition, seconds: float) -> PartitionOffsets:
    """The offsets of a partition, whose `committed` one is negative if the group has none. Waits at most
    `seconds`. Raises KafkaException."""
    low, high = consumer.get_watermark_offsets(
        TopicPartition(committed.topic, committed.partition), timeout=seconds
    )
    return PartitionOffsets.of(low, high, committed.offset)
