"""A job under construction: the services of its steps, its source and sink, and its failures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import apache_beam as beam
import msgspec

from gogobe.chains.chain import Chains
from gogobe.chains.load import ChainsFileError, load_chains
from gogobe.database.address import DatabaseAddress
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.pipelines.connectors import KafkaSink, KafkaSource, Sink, Source
from gogobe.pipelines.options import BUNDLE_ELEMENTS
from gogobe.records.messages import DEADLETTER
from gogobe.settings import Settings, SettingsError
from gogobe.transforms.decode import DecodeMessages
from gogobe.transforms.publish import EncodeDeadLetters
from gogobe.transforms.record import RecordDeadLetters


class Job:
    """A pipeline under construction, with the settings and services that its steps use.

    The job reads from `source` and publishes to `sink`, both Kafka's topics unless given. `instances` of the
    job share its topic. A job with a bounded source ends by itself. Its caller then refreshes the views,
    because DirectRunner has no timers for a job with Java steps.
    """

    def __init__(
        self,
        pipeline: beam.Pipeline,
        settings: Settings,
        *,
        source: Source | None = None,
        sink: Sink | None = None,
        instances: int = 1,
    ) -> None:
        self.pipeline = pipeline
        self.settings = settings
        self._source = source or KafkaSource(settings)
        self._sink = sink or KafkaSink(settings)
        self.instances = instances
        self._failures: list[beam.PCollection] = []

    @property
    def is_bounded(self) -> bool:
        """Whether the job ends by itself."""
        return self._source.is_bounded

    @property
    def is_native(self) -> bool:
        """Whether committed offsets cover exactly the work that is done."""
        return self._source.is_native

    @property
    def partitions(self) -> Mapping[str, Sequence[int]] | None:
        """The partitions that the job reads, by topic; None: all."""
        return self._source.partitions

    @cached_property
    def store(self) -> ObjectStore:
        """The object store of raw files."""
        return ObjectStore(self.settings.store, self.settings.store_endpoint or None)

    @cached_property
    def snapshots(self) -> SnapshotStore:
        """Where masters snapshots are published."""
        settings = self.settings
        return SnapshotStore(settings.masters, settings.store_endpoint or None, settings.masters_cache)

    @cached_property
    def chains(self) -> Chains:
        """The known chains. Raises SettingsError."""
        return known_chains(self.settings)

    @property
    def database(self) -> DatabaseAddress:
        return self.settings.database_address

    def read(self, label: str, topic: str, message_type: type[msgspec.Struct], decode: str = "Decode") -> Any:
        """The messages of a topic. Records that are no such messages are failures of the job."""
        records = self.pipeline | label >> self._source.records(topic)
        return self.add(
            records
            | decode >> DecodeMessages(message_type, self.store, is_joined=self._source.is_joined(topic))
        ).messages

    def add(self, outputs: Any) -> Any:
        """Collects the failures of a step for `report_failures`; returns the step's outputs."""
        self._failures.append(outputs.failures)
        return outputs

    def publish(self, keyed: Any, topic: str) -> None:
        """Publishes the records of a step that encodes messages."""
        self._write(self.add(keyed).records, topic)

    def report_failures(self) -> None:
        """Writes the dead letters of all steps to their topic and their table. The last part of every job."""
        failures = self._failures | "All dead letters" >> beam.Flatten()
        failures | "Record dead letters" >> RecordDeadLetters(self.database)
        letters = failures | "Encode dead letters" >> EncodeDeadLetters(self.store)
        self._write(letters, DEADLETTER)

    def _write(self, records: Any, topic: str) -> None:
        records | f"Publish {topic}" >> self._sink.writer(topic)


@dataclass(frozen=True)
class JobKind:
    """One of the jobs: its name, the topic that it reads, the function that builds its steps, and further
    topics, which it reads as it reads `topic`.

    `bundle_elements` is the maximum number of elements of a bundle on Flink. A checkpoint waits for the bundles
    that are open, so where elements are files that are parsed, a bundle has few.
    """

    name: str
    topic: str
    build: Callable[[Job], None]
    bundle_elements: int = BUNDLE_ELEMENTS
    further: tuple[str, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        """All topics that the job reads."""
        return self.topic, *self.further


def known_chains(settings: Settings) -> Chains:
    """The bundled chains and those of the file that the settings name. Raises SettingsError."""
    try:
        return load_chains(settings.chains)
    except ChainsFileError as error:
        raise SettingsError(str(error)) from error
