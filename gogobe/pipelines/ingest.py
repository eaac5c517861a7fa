"""The main job: from announced files to queryable prices, in one streaming pipeline.

python -m gogobe.pipelines.ingest --kafka=… --database=… --expansion_service=… [Beam's own options]
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from gogobe.chains.chain import Chains
from gogobe.chains.load import ChainsFileError, load_chains
from gogobe.database.migrations import migrate
from gogobe.database.views import refresh_views
from gogobe.io.fetching import FetchSettings
from gogobe.io.kafka.beam import ReadTopic, WriteTopic
from gogobe.io.kafka.options import KafkaOptionsError
from gogobe.io.kafka.topics import ensure_topics
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.pipelines.options import refuse_unknown, settings_of
from gogobe.records.messages import (
    DEADLETTER,
    DISCOVERED,
    DOWNLOADED,
    INGEST,
    TOPICS,
    FileDiscovered,
    FileDownloaded,
)
from gogobe.secrets import SecretError
from gogobe.settings import Settings, SettingsError, refuse_secret_values
from gogobe.transforms.decode import DecodeMessages
from gogobe.transforms.download import DownloadFiles
from gogobe.transforms.load import LoadBatches
from gogobe.transforms.order import InStoreOrder
from gogobe.transforms.parse import ParseAndMatch
from gogobe.transforms.publish import EncodeDeadLetters, KeyBatches, KeyDownloaded
from gogobe.transforms.record import RecordDeadLetters, RecordDecisions
from gogobe.transforms.views import RefreshViews


def build(pipeline: beam.Pipeline, settings: Settings) -> None:
    """The recipe."""
    kafka, expansion = settings.kafka_address, settings.expansion_service
    database = settings.database_address
    store = ObjectStore(settings.store, settings.store_endpoint or None)
    chains = known_chains(settings)
    snapshots = SnapshotStore(settings.masters, settings.store_endpoint or None, settings.masters_cache)

    announced = pipeline | "Read discovered" >> ReadTopic(DISCOVERED, kafka, settings.group, expansion)
    decoded = announced | "Decode" >> DecodeMessages(FileDiscovered, store)
    to_download = decoded.messages | "Spread downloads" >> InStoreOrder(FileDiscovered, store)
    downloaded = to_download.messages | "Download" >> DownloadFiles(
        store, fetch_settings(settings), settings.fetch_threads, settings.fetch_per_host
    )
    to_read = downloaded.files | "Spread files" >> InStoreOrder(FileDownloaded, store)
    matched = to_read.messages | "Parse and match" >> ParseAndMatch(
        store, snapshots, settings.masters_every, chains
    )
    recorded = matched.decisions | "Record decisions" >> RecordDecisions(database, store)
    loaded = matched.batches | "Load" >> LoadBatches(
        database, store, settings.commit_batches, settings.commit_seconds, chains
    )
    loaded.loaded | "Views" >> RefreshViews(database, settings.views_every)

    files = downloaded.files | "Key downloaded" >> KeyDownloaded(store)
    batches = matched.batches | "Key batches" >> KeyBatches(store)

    steps = (decoded, to_download, downloaded, to_read, matched, recorded, loaded, files, batches)
    failures = [step.failures for step in steps] | "All dead letters" >> beam.Flatten()
    failures | "Record dead letters" >> RecordDeadLetters(database)
    letters = failures | "Encode dead letters" >> EncodeDeadLetters(store)

    _publish(files.records, DOWNLOADED, settings)
    _publish(batches.records, INGEST, settings)
    _publish(letters, DEADLETTER, settings)


def _publish(records: Any, topic: str, settings: Settings) -> None:
    records | f"Publish {topic}" >> WriteTopic(topic, settings.kafka_address, settings.expansion_service)


def known_chains(settings: Settings) -> Chains:
    """The bundled chains and those of the file that the settings name. Raises SettingsError."""
    try:
        return load_chains(settings.chains)
    except ChainsFileError as error:
        raise SettingsError(str(error)) from error


def fetch_settings(settings: Settings) -> FetchSettings:
    """How to download, from the settings. Raises SettingsError where `fetch_hosts` cannot be read."""
    try:
        allowed = AllowedHosts.parse(settings.fetch_hosts)
    except ValueError as error:
        raise SettingsError(f"fetch_hosts: {error}") from error
    return FetchSettings(
        attempts=settings.fetch_attempts,
        deadline=settings.fetch_deadline,
        total=settings.fetch_total,
        allowed=allowed,
        insecure_redirects=settings.fetch_insecure_redirects,
        headers={"User-Agent": settings.fetch_user_agent},
    )


def submit(flags: Sequence[str]) -> PipelineResult:
    """Makes what the pipeline needs, builds it and hands it to its runner; returns at once.

    Raises SettingsError (a secret's value too is refused: it would travel with the job), SecretError,
    KafkaOptionsError, MigrationError, psycopg.Error, KafkaException.
    """
    refuse_unknown(flags)
    options = PipelineOptions(list(flags))
    settings = settings_of(options)
    refuse_secret_values(settings)
    pipeline = beam.Pipeline(options=options)
    build(pipeline, settings)
    prepare(settings)
    return pipeline.run()


def prepare(settings: Settings) -> None:
    """Brings the schema up to date, makes missing topics, and refreshes the views: a pipeline that was killed
    may have left that undone."""
    migrate(settings.database_address)
    ensure_topics(settings.kafka_address, TOPICS, settings.topic_partitions, settings.topic_replication)
    refresh_views(settings.database_address)


def main() -> None:
    """Submits the pipeline with the command's flags and stays until it ends."""
    logging.basicConfig(level=logging.INFO)
    try:
        result = submit(sys.argv[1:])
    except (SettingsError, SecretError, KafkaOptionsError) as error:
        sys.exit(str(error))
    result.wait_until_finish()


if __name__ == "__main__":
    main()
