"""The announcements that a job works on, in a fair order of their chains."""

from __future__ import annotations

import apache_beam as beam

from gogobe.pipelines.job import Job
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered
from gogobe.transforms.share import ShareFairly


def announced(job: Job) -> beam.PCollection[FileDiscovered]:
    """Reads the announcements. When many wait, what exceeds the share of its chain goes through the
    overflow topic, which is read beside the topic of announcements: a worker takes from both in turn, so a file
    of another chain does not wait for them. A job that ends by itself reads one topic after the other."""
    messages = job.read("Read discovered", DISCOVERED, FileDiscovered)
    if job.is_bounded:
        return messages
    settings = job.settings
    shared = job.add(messages | "Share" >> ShareFairly(settings.kafka_address, settings.group, job.store))
    later = job.read("Read overflow", OVERFLOW, FileDiscovered, decode="Decode overflow")
    return (shared.messages, later) | "All announced" >> beam.Flatten()
