"""The job `parse`: downloaded files to batches of 500 rows with masters, on the ingest topic.

python -m gogobe.pipelines.parse --kafka=… --database=… --expansion_service=… [Beam's own options]
"""

from __future__ import annotations

from typing import Final

import apache_beam as beam

from gogobe.pipelines.job import Job, JobKind
from gogobe.pipelines.submission import main
from gogobe.records.messages import DOWNLOADED, INGEST, FileDownloaded, IngestBatch
from gogobe.transforms.loaded import SkipLoaded
from gogobe.transforms.order import InStoreOrder
from gogobe.transforms.parse import ParseAndMatch
from gogobe.transforms.publish import ROWS_MISSING, KeyBatches
from gogobe.transforms.record import RecordDecisions


def build(job: Job) -> None:
    """Builds the job's steps."""
    downloaded = job.read("Read downloaded", DOWNLOADED, FileDownloaded)
    publish_batches(job, parse(job, downloaded), ROWS_MISSING)
    job.report_failures()


def parse(job: Job, files: beam.PCollection[FileDownloaded]) -> beam.PCollection[IngestBatch]:
    """Files in the object store → batches with masters, in the order of each store. Decisions are recorded.
    Files that are already loaded are not read."""
    new = job.add(files | "Skip loaded" >> SkipLoaded(job.database, job.store))
    ordered = job.add(new.files | "Spread files" >> InStoreOrder(FileDownloaded, job.store))
    parsing = ParseAndMatch(job.store, job.snapshots, job.settings.masters_every, job.chains)
    matched = job.add(ordered.messages | "Parse and match" >> parsing)
    job.add(matched.decisions | "Record decisions" >> RecordDecisions(job.database, job.store))
    return matched.batches


def publish_batches(job: Job, batches: beam.PCollection[IngestBatch], too_large: str) -> None:
    """Publishes batches to their topic, keyed by store. `too_large` describes the consequence for the rows of
    a batch that is too large for a message."""
    job.publish(batches | "Key batches" >> KeyBatches(job.store, too_large), INGEST)


PARSE_JOB: Final = JobKind("parse", DOWNLOADED, build)

if __name__ == "__main__":
    main(PARSE_JOB)
