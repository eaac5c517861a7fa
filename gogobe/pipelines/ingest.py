"""The job `ingest`: from announced files to queryable prices, the three stages in one.

python -m gogobe.pipelines.ingest --kafka=… --database=… --expansion_service=… [Beam's own options]
"""

from __future__ import annotations

from typing import Final

from gogobe.pipelines.announced import announced
from gogobe.pipelines.download import download, publish_files
from gogobe.pipelines.job import Job, JobKind
from gogobe.pipelines.load import load
from gogobe.pipelines.parse import parse, publish_batches
from gogobe.pipelines.submission import main
from gogobe.records.messages import DISCOVERED, OVERFLOW
from gogobe.transforms.publish import ROWS_LOADED


def build(job: Job) -> None:
    """Builds the job's steps. Files and batches are also published to their topics, for other consumers."""
    files = download(job, announced(job))
    publish_files(job, files)
    batches = parse(job, files)
    publish_batches(job, batches, ROWS_LOADED)
    load(job, batches)
    job.report_failures()


INGEST_JOB: Final = JobKind("ingest", DISCOVERED, build, further=(OVERFLOW,))

if __name__ == "__main__":
    main(INGEST_JOB)
