"""How many records of some topics a group has not done, over one connection."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Final

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from gogobe.io.kafka.clients import librdkafka_config
from gogobe.io.kafka.offsets import group_consumer
from gogobe.io.kafka.options import Kafka

logger = logging.getLogger(__name__)

REQUEST_SECONDS: Final = 2.0


class Lags:
    """The lags of a group by topic, with a few requests for all partitions. While the broker does not answer,
    the last ones count. Not thread-safe."""

    def __init__(self, kafka: Kafka, group: str, topics: Sequence[str]) -> None:
        """Raises SecretError, KafkaOptionsError."""
        self._consumer = group_consumer(kafka, group)
        self._admin = AdminClient({**librdkafka_config(kafka), "log_level": 0})
        self._topics = topics
        self._last: Mapping[str, int] = dict.fromkeys(topics, 0)

    def now(self) -> Mapping[str, int]:
        """The number of records after the group's committed offsets, by topic."""
        try:
            self._last = self._read()
        except KafkaException as error:
            logger.warning("the lag of %s is unknown: %s", ", ".join(self._topics), error)
        return self._last

    def close(self) -> None:
        """Closes the connection."""
        self._consumer.close()

    def _read(self) -> Mapping[str, int]:
        known = self._consumer.list_topics(timeout=REQUEST_SECONDS).topics
        places = [
            TopicPartition(topic, one)
            for topic in self._topics
            if topic in known
            for one in known[topic].partitions
        ]
        committed = self._consumer.committed(places, timeout=REQUEST_SECONDS)
        done = {(one.topic, one.partition): one.offset for one in committed}
        done |= self._offsets([one for one in committed if one.offset < 0], OffsetSpec.earliest())
        lags = dict.fromkeys(self._topics, 0)
        for place, end in self._offsets(places, OffsetSpec.latest()).items():
            lags[place[0]] += max(0, end - done[place])
        return lags

    def _offsets(self, places: Sequence[TopicPartition], which: OffsetSpec) -> dict[tuple[str, int], int]:
        if not places:
            return {}
        asked = {TopicPartition(one.topic, one.partition): which for one in places}
        answers = self._admin.list_offsets(asked, request_timeout=REQUEST_SECONDS)
        return {(place.topic, place.partition): answer.result().offset for place, answer in answers.items()}
