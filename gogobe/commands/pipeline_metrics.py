"""Prometheus metrics of the running pipeline: jobs, steps, Kafka lag, the retry queue, dead letters."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg
import requests
from confluent_kafka import KafkaException
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from gogobe.database.connection import connect
from gogobe.database.letters import open_counts
from gogobe.database.waiting import count_waiting
from gogobe.io.kafka.topics import lag
from gogobe.local.flink import FlinkJob, checkpoints, jobs
from gogobe.local.flink_metrics import StepMetric, step_metrics
from gogobe.records.messages import DISCOVERED, DOWNLOADED, INGEST, OVERFLOW
from gogobe.settings import Settings

logger = logging.getLogger(__name__)

READ_TOPICS: Final = (DISCOVERED, OVERFLOW, DOWNLOADED, INGEST)
_UNREACHABLE: Final = (requests.RequestException, KafkaException, psycopg.Error, OSError)
# Metrics with a reason at the end of their name, which becomes a label.
_BY_REASON: Final = re.compile(r"([a-z]+_dead_letters|download_waiting)_(\w+)")
_UNITS: Final = {"_milliseconds": 1e3, "_microseconds": 1e6}


@dataclass(frozen=True)
class PipelineCollector(Collector):
    """Reads all sources at each scrape. A source that cannot be reached is reported by `gogobe_up`, and its
    metrics are missing. `flink` are the addresses of Flink's REST interfaces."""

    flink: Sequence[str]
    settings: Settings

    def describe(self) -> Iterable[Metric]:
        """Nothing: the sources are not read at registration."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The metrics at this time."""
        up = GaugeMetricFamily("gogobe_up", "1 if a source of metrics can be reached", labels=["source"])
        sources: dict[str, Callable[[], list[Metric]]] = {"flink": lambda: list(_of_jobs(jobs(self.flink)))}
        if self.settings.kafka:
            sources["kafka"] = lambda: list(_of_kafka(self.settings))
        if self.settings.database:
            sources["database"] = lambda: list(_of_database(self.settings))
        for source, read in sources.items():
            try:
                yield from read()
                up.add_metric([source], 1)
            except _UNREACHABLE as error:
                logger.warning("%s: no metrics: %s", source, str(error).partition("\n")[0])
                up.add_metric([source], 0)
        yield up


def _of_jobs(found: Sequence[FlinkJob]) -> Iterator[Metric]:
    running = GaugeMetricFamily("gogobe_job_running", "1 if the job runs", labels=["job"])
    ended = CounterMetricFamily("gogobe_job_checkpoints", "Checkpoints by outcome", labels=["job", "outcome"])
    seconds = GaugeMetricFamily("gogobe_job_checkpoint_seconds", "The last checkpoint's", labels=["job"])
    size = GaugeMetricFamily("gogobe_job_checkpoint_bytes", "The last checkpoint's", labels=["job"])
    steps: list[tuple[str, StepMetric]] = []
    newest = {job.name: job for job in sorted(found, key=lambda job: job.state == "RUNNING")}
    for name, job in newest.items():
        running.add_metric([name], job.state == "RUNNING")
        if job.state != "RUNNING":
            continue
        overview = checkpoints(job)
        ended.add_metric([name, "completed"], overview.counts.completed)
        ended.add_metric([name, "failed"], overview.counts.failed)
        if (latest := overview.latest_completed) is not None:
            seconds.add_metric([name], latest.duration / 1000)
            size.add_metric([name], latest.size)
        steps += [(name, metric) for metric in step_metrics(job)]
    yield from (running, ended, seconds, size)
    yield from families(steps)


def families(steps: Sequence[tuple[str, StepMetric]]) -> list[Metric]:
    """Prometheus metrics of the steps of jobs, given by name. Times are in seconds."""
    found: dict[str, Metric] = {}
    for job, step in steps:
        match = _BY_REASON.fullmatch(step.name)
        labels, values = (["job", "reason"], [job, match[2]]) if match else (["job"], [job])
        name = match[1] if match else step.name
        unit = next((unit for unit in _UNITS if name.endswith(unit)), "")
        full = f"gogobe_{name.removesuffix(unit)}{'_seconds' if unit else ''}"
        text, scale = f"A {step.kind} of the pipeline's steps", _UNITS.get(unit, 1)
        if step.kind == "distribution":
            summary = found.setdefault(full, SummaryMetricFamily(full, text, labels=labels))
            assert isinstance(summary, SummaryMetricFamily)
            summary.add_metric(values, step.count, step.total / scale)
        elif step.kind == "gauge":
            gauge = found.setdefault(full, GaugeMetricFamily(full, text, labels=labels))
            assert isinstance(gauge, GaugeMetricFamily)
            gauge.add_metric(values, step.total / scale)
        else:
            counter = found.setdefault(full, CounterMetricFamily(full, text, labels=labels))
            assert isinstance(counter, CounterMetricFamily)
            counter.add_metric(values, step.total / scale)
    return list(found.values())


def _of_kafka(settings: Settings) -> Iterator[Metric]:
    metric = GaugeMetricFamily("gogobe_kafka_lag", "Messages that are not done", labels=["topic"])
    for topic in READ_TOPICS:
        metric.add_metric([topic], lag(settings.kafka_address, settings.group, topic))
    yield metric


def _of_database(settings: Settings) -> Iterator[Metric]:
    waiting = GaugeMetricFamily(
        "gogobe_waiting_files", "Files in the retry queue; the reason is a host's most frequent",
        labels=["chain", "host", "reason"],
    )  # fmt: skip
    letters = GaugeMetricFamily("gogobe_open_dead_letters", "Open dead letters", labels=["stage", "reason"])
    with connect(settings.reader_address) as connection:
        for one in count_waiting(connection):
            waiting.add_metric([one.chain, one.host, one.reason], one.files)
        for stage, reason, count in open_counts(connection):
            letters.add_metric([stage, reason], count)
    yield from (waiting, letters)
