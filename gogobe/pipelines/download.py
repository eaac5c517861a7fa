"""The job `download`: announced files to the object store, and to the topic of downloaded files.

python -m gogobe.pipelines.download --kafka=… --database=… --expansion_service=… [Beam's own options]
"""

from __future__ import annotations

from typing import Final

import apache_beam as beam

from gogobe.pipelines.announced import announced
from gogobe.pipelines.fetching import download_config
from gogobe.pipelines.job import Job, JobKind
from gogobe.pipelines.submission import main
from gogobe.records.messages import DISCOVERED, DOWNLOADED, OVERFLOW, FileDiscovered, FileDownloaded
from gogobe.transforms.download import DownloadFiles
from gogobe.transforms.order import ByHost
from gogobe.transforms.publish import KeyDownloaded
from gogobe.transforms.waiting import RecordWaiting


def build(job: Job) -> None:
    """Builds the job's steps."""
    publish_files(job, download(job, announced(job)))
    job.report_failures()


def download(job: Job, messages: beam.PCollection[FileDiscovered]) -> beam.PCollection[FileDownloaded]:
    """Announced files → files in the object store, in the order of each store. Files that a portal does not
    deliver are recorded in the retry queue."""
    spread = job.add(messages | "Spread downloads" >> ByHost(job.store))
    config = download_config(
        job.settings, job.store, job.chains, instances=job.instances, is_bounded=job.is_bounded
    )
    downloaded = job.add(spread.messages | "Download" >> DownloadFiles(config))
    job.add(downloaded.waiting | "Record waiting" >> RecordWaiting(job.database, job.store))
    return downloaded.files


def publish_files(job: Job, files: beam.PCollection[FileDownloaded]) -> None:
    """Publishes files to their topic, keyed by store."""
    job.publish(files | "Key downloaded" >> KeyDownloaded(job.store), DOWNLOADED)


DOWNLOAD_JOB: Final = JobKind(
    "download",
    DISCOVERED,
    build,
    bundle_elements=8,  # downloads wait together
    further=(OVERFLOW,),
)

if __name__ == "__main__":
    main(DOWNLOAD_JOB)
