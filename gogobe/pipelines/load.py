"""The job `load`: batches of the ingest topic into the database, then the views.

The batches of a store are in one partition, in order, and one worker reads a partition, so nothing is
redistributed.

    python -m gogobe.pipelines.load --kafka=… --database=… --expansion_service=… [Beam's own options]
"""

from __future__ import annotations

from typing import Final

import apache_beam as beam

from gogobe.pipelines.job import Job, JobKind
from gogobe.pipelines.submission import main
from gogobe.records.messages import INGEST, IngestBatch
from gogobe.transforms.load import LoadBatches
from gogobe.transforms.views import RefreshViews


def build(job: Job) -> None:
    """Builds the job's steps."""
    load(job, job.read("Read ingest", INGEST, IngestBatch))
    job.report_failures()


def load(job: Job, batches: beam.PCollection[IngestBatch]) -> None:
    """Batches → committed rows → refreshed views."""
    settings = job.settings
    loading = LoadBatches(job.database, job.store, settings.commit_batches, settings.commit_seconds, job.chains)
    loaded = job.add(batches | "Load" >> loading).loaded
    if not job.is_bounded:
        loaded | "Views" >> RefreshViews(job.database, settings.views_every)


LOAD_JOB: Final = JobKind("load", INGEST, build, bundle_elements=8)  # batches, not files

if __name__ == "__main__":
    main(LOAD_JOB)
