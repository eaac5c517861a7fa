"""The progress of a consumer group in a topic, and the rate of messages, within a time limit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Final

import msgspec
from confluent_kafka import Consumer, TopicPartition

from gogobe.io.kafka.offsets import group_consumer, offsets_of
from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.patience import until_answered

MINUTE: Final = 60.0


class TopicProgress(msgspec.Struct, frozen=True):
    """A topic: all `messages` so far, those of the last minute, and the number after the group's committed
    offsets (`lag`; None: no job of the group reads the topic). `done` is the sum of the committed offsets."""

    topic: str
    messages: int
    last_minute: int
    lag: int | None
    done: int | None


def topic_progress(
    kafka: Kafka, group: str, topics: Sequence[str], seconds: float = 3.0
) -> list[TopicProgress]:
    """The progress of the existing topics. Each request waits at most `seconds`, and those of a topic are
    repeated for `seconds` while the broker has no answer yet. Raises KafkaException."""
    consumer = group_consumer(kafka, group, **{"socket.timeout.ms": int(seconds * 1000)})
    try:
        known = consumer.list_topics(timeout=seconds).topics
        partitions = {name: known[name].partitions for name in known}
        return [
            until_answered(partial(_progress, consumer, topic, sorted(partitions[topic]), seconds), seconds)
            for topic in topics
            if topic in partitions
        ]
    finally:
        consumer.close()


def _progress(consumer: Consumer, topic: str, partitions: Sequence[int], seconds: float) -> TopicProgress:
    ago = int((time.time() - MINUTE) * 1000)
    committed = consumer.committed([TopicPartition(topic, one) for one in partitions], timeout=seconds)
    recent = consumer.offsets_for_times(
        [TopicPartition(topic, one, ago) for one in partitions], timeout=seconds
    )
    messages = last_minute = lag = done = 0
    for place, first in zip(committed, recent, strict=True):
        offsets = offsets_of(consumer, place, seconds)
        messages += offsets.high - offsets.low
        last_minute += offsets.high - first.offset if first.offset >= 0 else 0
        lag += offsets.lag
        done += max(place.offset, 0)
    read = any(place.offset >= 0 for place in committed)
    return TopicProgress(topic, messages, last_minute, lag if read else None, done if read else None)
