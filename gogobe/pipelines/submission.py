"""Handing a job to its runner: streaming, or bounded by what its topic holds."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.runner import PipelineResult, PipelineState

from gogobe.database.migrations import migrate
from gogobe.database.views import refresh_views
from gogobe.io.kafka.options import KafkaOptionsError
from gogobe.io.kafka.reading import Backlog, Share, ShareError
from gogobe.io.kafka.topics import backlog, commit_offsets, ensure_topics, partition_count
from gogobe.pipelines.job import Job, JobKind
from gogobe.pipelines.options import InstanceOptions, refuse_unknown, settings_of
from gogobe.records.messages import TOPICS
from gogobe.secrets import SecretError
from gogobe.settings import Settings, SettingsError, refuse_secret_values

logger = logging.getLogger(__name__)

# DirectRunner keeps what goes from step to step in memory, so a bounded job runs over so many messages at once.
PORTION: Final = 200


class BoundedRunError(Exception):
    """A bounded run that did not do all of its backlog; the message says what is left."""


def submit(kind: JobKind, flags: Sequence[str]) -> PipelineResult:
    """Makes what the job needs, builds it and hands it to its runner; returns at once.

    Raises SettingsError (a secret's value too is refused: it would travel with the job), SecretError,
    KafkaOptionsError, MigrationError, psycopg.Error, KafkaException.
    """
    refuse_unknown(flags)
    options, settings = parsed(flags)
    if _runner(options) == "directrunner":
        raise SettingsError("DirectRunner ends by itself: give --bounded, or a streaming runner")
    prepare(settings)
    return built(kind, options, settings).run()


def built(kind: JobKind, options: PipelineOptions, settings: Settings) -> beam.Pipeline:
    """A job's pipeline, for any runner that streams; it is not run. Raises SettingsError, KafkaOptionsError."""
    share = _share(options)
    pipeline = beam.Pipeline(options=options)
    partitions = _partitions(kind, settings, share)
    kind.build(Job(pipeline, settings, partitions=partitions, instances=share.instances))
    return pipeline


def run_bounded(kind: JobKind, flags: Sequence[str], portion: int = PORTION) -> int:
    """Runs a job over what its topic holds now beyond the group's offsets, commits the offsets, refreshes the
    views, and returns how many messages that were.

    Offsets are committed after each portion of messages that was done, so that a run that fails goes on there.
    Raises as `submit`, and BoundedRunError.
    """
    refuse_unknown(flags)
    _, settings = parsed(flags)
    prepare(settings)
    whole = backlog(settings.kafka_address, settings.group, kind.topic)
    for part in whole.portions(portion):
        pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
        kind.build(Job(pipeline, settings, backlog=part))
        _finish(pipeline.run(), part)
        commit_offsets(settings.kafka_address, settings.group, kind.topic, part.ends)
    refresh_views(settings.database_address)
    return whole.records


def _finish(result: PipelineResult, part: Backlog) -> None:
    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        raise BoundedRunError(f"the run ended as {state}; its messages are still to be done")
    counters = result.metrics().query(beam.metrics.MetricsFilter().with_name("messages"))["counters"]
    read = sum(one.result for one in counters if one.key.metric.namespace == "gogobe.decode")
    if read != part.records:
        raise BoundedRunError(
            f"{read} of {part.records} messages could be read; no offset was committed: run it again"
        )


def prepare(settings: Settings) -> None:
    """Brings the schema up to date, makes missing topics, and refreshes the views: a pipeline that was killed
    may have left that undone."""
    migrate(settings.database_address)
    ensure_topics(settings.kafka_address, TOPICS, settings.topic_partitions, settings.topic_replication)
    refresh_views(settings.database_address)


def main(kind: JobKind) -> None:
    """Submits a job with the command's flags and stays until it ends."""
    logging.basicConfig(level=logging.INFO)
    try:
        result = submit(kind, sys.argv[1:])
    except (SettingsError, SecretError, KafkaOptionsError) as error:
        sys.exit(str(error))
    result.wait_until_finish()


def parsed(flags: Sequence[str]) -> tuple[PipelineOptions, Settings]:
    """The options and the settings of flags. Raises SettingsError, also for a secret's value."""
    options = PipelineOptions(list(flags))
    settings = settings_of(options)
    refuse_secret_values(settings)
    return options, settings


def _runner(options: PipelineOptions) -> str:
    return (options.view_as(StandardOptions).runner or "DirectRunner").rpartition(".")[2].lower()


def _share(options: PipelineOptions) -> Share:
    given = options.view_as(InstanceOptions).instance
    try:
        return Share.parse(given) if given else Share()
    except ShareError as error:
        raise SettingsError(f"instance: {error}") from error


def _partitions(kind: JobKind, settings: Settings, share: Share) -> list[int] | None:
    """The partitions that an instance reads; None: all, also partitions that are added to the topic later."""
    if share.is_whole:
        return None
    count = partition_count(settings.kafka_address, kind.topic)
    try:
        return share.partitions(kind.topic, count)
    except ShareError as error:
        raise SettingsError(str(error)) from error
