"""Where a job reads its records and writes its messages: Kafka's topics, or JSON Lines without Kafka."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import apache_beam as beam

from gogobe.io.kafka.beam import IN_TURN, JOINED, ReadTopic, WriteTopic
from gogobe.io.kafka.reading import Backlog
from gogobe.io.lines import ReadLines, WriteLines
from gogobe.records.messages import DEADLETTER, DISCOVERED, OVERFLOW
from gogobe.settings import Settings

# Announcements of a crowd are read hundreds at once, so that what exceeds a chain's share makes way for others.
# Chains that flood take turns in the overflow.
_PACES: Final[Mapping[str, Mapping[str, str]]] = {DISCOVERED: JOINED, OVERFLOW: IN_TURN}


class Source(Protocol):
    """A source of records. `is_bounded`: it ends by itself. `is_native`: the runner reads it so that committed
    offsets cover exactly the work that is done. `partitions`: the ones that it reads, by topic; None: all."""

    @property
    def is_bounded(self) -> bool: ...

    @property
    def is_native(self) -> bool: ...

    @property
    def partitions(self) -> Mapping[str, Sequence[int]] | None: ...

    def is_joined(self, topic: str) -> bool:
        """Whether a record of a topic may be several that were joined."""

    def records(self, topic: str) -> beam.PTransform:
        """A pipeline → the (key, value) records of a topic, or of what replaces it."""


class Sink(Protocol):
    """A sink of records."""

    def writer(self, topic: str) -> beam.PTransform:
        """(key, value) records → a topic, or what replaces it."""


@dataclass(frozen=True)
class KafkaSource:
    """The topics themselves: unbounded, all their partitions or only `partitions`, by topic; or bounded,
    exactly a `backlog`, which is that of `instead` if that is given. `is_native`: Flink runs the read."""

    settings: Settings
    partitions: Mapping[str, Sequence[int]] | None = None
    backlog: Backlog | None = None
    instead: str | None = None
    is_native: bool = False

    @property
    def is_bounded(self) -> bool:
        return self.backlog is not None

    def is_joined(self, topic: str) -> bool:
        return self._pace(topic) is JOINED

    def records(self, topic: str) -> beam.PTransform:
        return ReadTopic(
            self.instead or topic,
            self.settings.kafka_address,
            self.settings.group,
            self.settings.expansion_service,
            partitions=None if self.partitions is None else self.partitions[topic],
            backlog=self.backlog,
            pace=self._pace(topic),
        )

    def _pace(self, topic: str) -> Mapping[str, str]:
        return _PACES.get(topic, {}) if self.is_native and not self.is_bounded else {}


@dataclass(frozen=True)
class KafkaSink:
    """The topics themselves."""

    settings: Settings

    def writer(self, topic: str) -> beam.PTransform:
        return WriteTopic(topic, self.settings.kafka_address, self.settings.expansion_service)


@dataclass(frozen=True)
class FileSource:
    """JSON Lines files with the messages of the topic that the job reads."""

    files: str
    is_native: bool = False
    partitions: Mapping[str, Sequence[int]] | None = None

    @property
    def is_bounded(self) -> bool:
        return True

    def is_joined(self, topic: str) -> bool:
        return False

    def records(self, topic: str) -> beam.PTransform:
        return ReadLines(self.files)


@dataclass(frozen=True)
class StdoutSink:
    """Messages on standard output, dead letters on standard error."""

    def writer(self, topic: str) -> beam.PTransform:
        return WriteLines("stderr" if topic == DEADLETTER else "stdout")
