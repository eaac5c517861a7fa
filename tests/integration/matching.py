"""The part of the ingest job that matches, between topics of its own: files in, matched batches out."""

from __future__ import annotations

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult

from gogobe.io.kafka.beam import ReadTopic, WriteTopic
from gogobe.io.kafka.topics import read_to_end
from gogobe.io.objects import ObjectStore
from gogobe.local.stack import StackAddresses
from gogobe.masters.published.store import SnapshotStore
from gogobe.pipelines.options import flink_flags
from gogobe.records.messages import FileDownloaded, IngestBatch, decoder
from gogobe.transforms.decode import DecodeMessages
from gogobe.transforms.order import InStoreOrder
from gogobe.transforms.parse import ParseAndMatch
from gogobe.transforms.publish import keyed_batch
from gogobe.transforms.record import RecordDecisions

FILES, BATCHES = "matching.files", "matching.batches"


def submit(
    stack: StackAddresses, store: ObjectStore, snapshots: SnapshotStore, database: str, masters_every: float
) -> PipelineResult:
    """Starts the job on Flink; it looks for a newer snapshot every so many seconds."""
    flags = flink_flags(stack.job_endpoint, stack.worker_pool, "matching")
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    received = pipeline | ReadTopic(FILES, stack.kafka, "matching", stack.expansion_service)
    decoded = received | DecodeMessages(FileDownloaded, store)
    spread = decoded.messages | InStoreOrder(FileDownloaded, store)
    matched = spread.messages | ParseAndMatch(store, snapshots, masters_every)
    matched.decisions | RecordDecisions(database, store)
    matched.batches | beam.Map(keyed_batch) | WriteTopic(BATCHES, stack.kafka, stack.expansion_service)
    return pipeline.run()


def matched_batches(stack: StackAddresses) -> list[IngestBatch]:
    """What has come out so far."""
    return [decoder(IngestBatch).decode(value) for _, value in read_to_end(stack.kafka, BATCHES)]
