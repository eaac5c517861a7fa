"""Reading and writing Kafka in a pipeline.

Reading: the broker's own auto-commit is off and offsets are committed when the runner has finalized what was
read. With an expansion service that runs under `--experiments=use_deprecated_read`, Flink reads natively and
its committed offsets stand exactly at what is done; other ways restart the job or never commit.
"""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from apache_beam.io.kafka import ReadFromKafka, WriteToKafka

from gogobe.io.kafka.clients import java_config
from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.topics import MAX_MESSAGE_BYTES


class ReadTopic(beam.PTransform):
    """A topic's records as (key, value), unbounded; offsets follow commits."""

    def __init__(self, topic: str, kafka: Kafka, group: str, expansion_service: str) -> None:
        super().__init__()
        self._read = ReadFromKafka(
            consumer_config={
                **java_config(kafka),
                "group.id": group,
                "auto.offset.reset": "earliest",
                "enable.auto.commit": "false",
            },
            topics=[topic],
            commit_offset_in_finalize=True,
            expansion_service=expansion_service,
        )

    def expand(self, begin: Any) -> Any:
        return begin | "Read" >> self._read


class WriteTopic(beam.PTransform):
    """(key, value) records into a topic; keys are never null."""

    def __init__(self, topic: str, kafka: Kafka, expansion_service: str) -> None:
        super().__init__()
        self._write = WriteToKafka(
            producer_config={
                **java_config(kafka),
                "acks": "all",
                "compression.type": "lz4",
                "linger.ms": "20",
                "max.request.size": str(MAX_MESSAGE_BYTES),
            },
            topic=topic,
            expansion_service=expansion_service,
        )

    def expand(self, records: Any) -> Any:
        typed = records | "Keyed bytes" >> beam.Map(_as_is).with_output_types(tuple[bytes, bytes])
        return typed | "Write" >> self._write


def _as_is(record: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    return record
