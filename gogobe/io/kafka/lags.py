"""How many records of some topics a group has not done, over one connection."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaException, TopicPartition

from gogobe.io.kafka.offsets import group_consumer, offsets_of
from gogobe.io.kafka.options import Kafka

logger = logging.getLogger(__name__)

REQUEST_SECONDS: Final = 2.0


class Lags:
    """The lags of a group by topic. While the broker does not answer, the last ones count. Not thread-safe."""

    def __init__(self, kafka: Kafka, group: str, topics: Sequence[str]) -> None:
        """Raises SecretError, KafkaOptionsError."""
        self._consumer = group_consumer(kafka, group)
        self._topics = topics
        self._last: Mapping[str, int] = dict.fromkeys(topics, 0)

    def now(self) -> Mapping[str, int]:
        """The number of records after the group's committed offsets, by topic."""
        try:
            self._last = {topic: self._read(topic) for topic in self._topics}
        except KafkaException as error:
            logger.warning("the lag of %s is unknown: %s", ", ".join(self._topics), error)
        return self._last

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()

    def _read(self, topic: str) -> int:
        partitions = self._consumer.list_topics(topic, timeout=REQUEST_SECONDS).topics[topic].partitions
        places = [TopicPartition(topic, one) for one in partitions]
        committed = self._consumer.committed(places, timeout=REQUEST_SECONDS)
        return sum(offsets_of(self._consumer, place, REQUEST_SECONDS).lag for place in committed)
