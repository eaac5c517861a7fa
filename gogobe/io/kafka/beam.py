"""Kafka's source and sink in a pipeline.

The broker's auto-commit is off; offsets are committed when the runner has finalized the records. If the
expansion service runs with `--experiments=use_deprecated_read`, Flink reads natively, and the committed
offsets cover exactly the work that is done. Other configurations restart the job or never commit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import apache_beam as beam
from apache_beam.io.kafka import ReadFromKafka, WriteToKafka
from apache_beam.transforms.external import ExternalTransform, ImplicitSchemaPayloadBuilder

from gogobe.io.kafka.clients import java_config
from gogobe.io.kafka.options import Kafka
from gogobe.io.kafka.reading import READ_PARTITIONS, Backlog
from gogobe.io.kafka.shares import CROWD
from gogobe.io.kafka.topics import MAX_MESSAGE_BYTES

# Classes of java/overrides.
UP_TO_OFFSETS: Final = "io.gogobe.UpToOffsets"
JOINED_POLLS: Final = "io.gogobe.JoinedPolls"
# How a consumer takes records that wait. It returns a whole fetch before it turns to another partition.
IN_TURN: Final = MappingProxyType({"max.partition.fetch.bytes": "4096", "max.poll.records": "8"})
JOINED: Final = MappingProxyType(
    {"max.poll.records": "500", "interceptor.classes": JOINED_POLLS, "gogobe.join.from": str(CROWD)}
)
# Reading ends with the last record of a backlog. This bounds it for a topic with fewer records than offsets.
READ_SECONDS: Final = 300


class ReadTopic(beam.PTransform):
    """The records of a topic as (key, value), from the group's committed offsets on.

    Unbounded, all partitions or the given ones; offsets are committed after the work is done. With a
    `backlog`: exactly its records; no offset is committed, so the caller commits them after the pipeline has
    ended.
    """

    def __init__(
        self,
        topic: str,
        kafka: Kafka,
        group: str,
        expansion_service: str,
        *,
        partitions: Sequence[int] | None = None,
        backlog: Backlog | None = None,
        pace: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """`pace` is for unbounded reads. `IN_TURN`: partitions take turns after a few records. `JOINED`: the
        records of a crowd are few elements, which `gogobe.io.kafka.joined` splits."""
        super().__init__()
        config = {
            **java_config(kafka),
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": "false",
            **({} if backlog else pace),
        }
        if backlog is not None:
            self._read = _read_backlog(topic, config, backlog, expansion_service)
        elif partitions is not None:
            self._read = _read_partitions(topic, config, partitions, expansion_service)
        else:
            self._read = ReadFromKafka(
                consumer_config=config,
                topics=[topic],
                commit_offset_in_finalize=True,
                expansion_service=expansion_service,
            )

    def expand(self, begin: Any) -> Any:
        return begin | "Read" >> self._read


def _read_backlog(topic: str, config: dict[str, str], backlog: Backlog, expansion_service: str) -> Any:
    ends = ",".join(f"{partition}:{end}" for partition, end in backlog.ends.items())
    return ReadFromKafka(
        consumer_config={**config, "interceptor.classes": UP_TO_OFFSETS, "gogobe.end.offsets": ends},
        topics=[topic],
        max_num_records=backlog.records,
        max_read_time=READ_SECONDS,
        expansion_service=expansion_service,
    )


def _read_partitions(
    topic: str, config: dict[str, str], partitions: Sequence[int], expansion_service: str
) -> Any:
    values = {"consumer_config": config, "topic": topic, "partitions": list(partitions)}
    return ExternalTransform(READ_PARTITIONS, ImplicitSchemaPayloadBuilder(values), expansion_service)


class WriteTopic(beam.PTransform):
    """Writes (key, value) records to a topic. Keys are never null."""

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
