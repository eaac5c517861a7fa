"""A consumer group's offsets in some topics, asked for again and again over one connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from gogobe.io.kafka.clients import librdkafka_config
from gogobe.io.kafka.offsets import PartitionOffsets, group_consumer
from gogobe.io.kafka.options import Kafka

REQUEST_SECONDS: Final = 2.0


class Lags:
    """The offsets of a group in topics: of the given partitions, or of the ones that the group has read when it
    is first asked, or of all if it has read none yet. A running job does not read partitions that are added.
    Three requests for all together. Not thread-safe."""

    def __init__(self, kafka: Kafka, group: str, topics: Mapping[str, Sequence[int] | None]) -> None:
        """Raises SecretError, KafkaOptionsError."""
        self._consumer = group_consumer(kafka, group)
        self._admin = AdminClient({**librdkafka_config(kafka), "log_level": 0})
        self._topics = topics
        self._places: Sequence[tuple[str, int]] = ()

    def now(self) -> Mapping[str, Mapping[int, PartitionOffsets]]:
        """The offsets by topic and partition. Raises KafkaException, also for a topic that is missing."""
        if not self._places:
            self._places = [(topic, one) for topic in self._topics for one in self._partitions(topic)]
        done = self._committed(self._places)
        low, high = self._offsets(OffsetSpec.earliest()), self._offsets(OffsetSpec.latest())
        found: dict[str, dict[int, PartitionOffsets]] = {topic: {} for topic in self._topics}
        for topic, partition in self._places:
            place = topic, partition
            offsets = PartitionOffsets.of(low[place], high[place], done[place])
            found[topic][partition] = offsets
        return found

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()

    def _partitions(self, topic: str) -> Iterable[int]:
        given = self._topics[topic]
        if given is not None:
            return given
        known = self._consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic]
        if known.error is not None:
            raise KafkaException(known.error)
        done = self._committed([(topic, one) for one in known.partitions])
        read = [partition for (_, partition), offset in done.items() if offset >= 0]
        return read or list(known.partitions)

    def _committed(self, places: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        asked = [TopicPartition(*place) for place in places]
        committed = self._consumer.committed(asked, timeout=REQUEST_SECONDS)
        return {(one.topic, one.partition): one.offset for one in committed}

    def _offsets(self, which: OffsetSpec) -> dict[tuple[str, int], int]:
        asked = {TopicPartition(*place): which for place in self._places}
        answers = self._admin.list_offsets(asked, request_timeout=REQUEST_SECONDS)
        return {(place.topic, place.partition): answer.result().offset for place, answer in answers.items()}
