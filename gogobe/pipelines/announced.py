"""The announcements that a job works on, in a fair order of their chains."""

from __future__ import annotations

import apache_beam as beam

from gogobe.pipelines.job import Job
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered
from gogobe.transforms.share import ShareFairly


def announced(job: Job) -> beam.PCollection[FileDiscovered]:
    """Reads the announcements. When many wait, what exceeds the share of its chain goes through the
    overflow topic, which is read beside the topic of announcements: a worker takes from both in turn, so a file
    of another chain does not wait for them. Only where offsets follow the work is it known how many wait. A
    job that ends by itself reads one topic after the other, the overflow first."""
    messages = job.read("Read discovered", DISCOVERED, FileDiscovered)
    if job.is_bounded:
        return messages
    later = job.read("Read overflow", OVERFLOW, FileDiscovered, decode="Decode overflow")
    if job.is_native:
        kafka, group = job.settings.kafka_address, job.settings.group
        share = ShareFairly(kafka, group, job.store, job.partitions)
        messages = job.add(messages | "Share" >> share).messages
    return (messages, later) | "All announced" >> beam.Flatten()
