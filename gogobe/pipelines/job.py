"""A job under construction: what its steps are made of, how it reads and publishes, where its failures go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import apache_beam as beam
import msgspec

from gogobe.chains.chain import Chains
from gogobe.chains.load import ChainsFileError, load_chains
from gogobe.database.address import DatabaseAddress
from gogobe.io.kafka.beam import ReadTopic, WriteTopic
from gogobe.io.kafka.reading import Backlog
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DEADLETTER
from gogobe.settings import Settings, SettingsError
from gogobe.transforms.decode import DecodeMessages
from gogobe.transforms.publish import EncodeDeadLetters
from gogobe.transforms.record import RecordDeadLetters


class Job:
    """A pipeline that is being built, with the settings and services its steps take.

    `partitions`: of the topic it reads, only these; `instances` of the job share the topic. `backlog`: exactly
    these records, after which it ends; the caller then refreshes the views, because DirectRunner has no timers
    for that where a job uses Java steps.
    """

    def __init__(
        self,
        pipeline: beam.Pipeline,
        settings: Settings,
        *,
        partitions: list[int] | None = None,
        backlog: Backlog | None = None,
        instances: int = 1,
    ) -> None:
        self.pipeline = pipeline
        self.settings = settings
        self._partitions = partitions
        self._backlog = backlog
        self.instances = instances
        self._failures: list[beam.PCollection] = []

    @property
    def is_bounded(self) -> bool:
        """Whether the job ends by itself."""
        return self._backlog is not None

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

    def read(self, label: str, topic: str, message_type: type[msgspec.Struct]) -> Any:
        """The messages of a topic."""
        records = self.pipeline | label >> ReadTopic(
            topic,
            self.settings.kafka_address,
            self.settings.group,
            self.settings.expansion_service,
            partitions=self._partitions,
            backlog=self._backlog,
        )
        return self.add(records | "Decode" >> DecodeMessages(message_type, self.store)).messages

    def add(self, outputs: Any) -> Any:
        """The outputs of a step, whose failures are the job's from now on."""
        self._failures.append(outputs.failures)
        return outputs

    def publish(self, keyed: Any, topic: str) -> None:
        """Publishes the records of a step that encodes them."""
        self._write(self.add(keyed).records, topic)

    def report_failures(self) -> None:
        """The dead letters of all steps, into their topic and their table. The last part of every job."""
        failures = self._failures | "All dead letters" >> beam.Flatten()
        failures | "Record dead letters" >> RecordDeadLetters(self.database)
        letters = failures | "Encode dead letters" >> EncodeDeadLetters(self.store)
        self._write(letters, DEADLETTER)

    def _write(self, records: Any, topic: str) -> None:
        records | f"Publish {topic}" >> WriteTopic(
            topic, self.settings.kafka_address, self.settings.expansion_service
        )


@dataclass(frozen=True)
class JobKind:
    """One of the jobs: its name, the topic it reads, and its recipe."""

    name: str
    topic: str
    build: Callable[[Job], None]


def known_chains(settings: Settings) -> Chains:
    """The bundled chains and those of the file that the settings name. Raises SettingsError."""
    try:
        return load_chains(settings.chains)
    except ChainsFileError as error:
        raise SettingsError(str(error)) from error
