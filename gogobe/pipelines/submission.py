"""Submits a job to its runner: streaming, or bounded by the present records of its topic or by files."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.runners.runner import PipelineResult, PipelineState

from gogobe.database.migrations import migrate
from gogobe.database.views import refresh_views
from gogobe.io.kafka.options import KafkaOptionsError
from gogobe.io.kafka.reading import Share, ShareError
from gogobe.io.kafka.retention import topic_config
from gogobe.io.kafka.topics import backlog, commit_offsets, ensure_topics, partition_count
from gogobe.pipelines.connectors import FileSource, KafkaSink, KafkaSource, Sink, StdoutSink
from gogobe.pipelines.job import Job, JobKind
from gogobe.pipelines.options import InstanceOptions, refuse_unknown, restricted, settings_of
from gogobe.records.messages import TOPICS
from gogobe.secrets import SecretError
from gogobe.settings import Settings, SettingsError, refuse_secret_values

logger = logging.getLogger(__name__)

# DirectRunner keeps the elements between steps in memory, so a bounded job reads this many messages at once.
PORTION: Final = 200


class BoundedRunError(Exception):
    """A bounded run that did not complete; the message says what is left to be done."""


def submit(
    kind: JobKind, flags: Sequence[str], wait_for_servers: Callable[[], object] | None = None
) -> PipelineResult:
    """Prepares database and topics, builds the job and submits it to its runner; returns at once. The
    database's owner prepares; the job has the loader's address alone.

    `wait_for_servers` returns when the servers are ready. The job is built meanwhile, if it can be.

    Raises SettingsError (also for a secret given as a value, which would be part of the job), SecretError,
    KafkaOptionsError, MigrationError, psycopg.Error, KafkaException.
    """
    refuse_unknown(flags)
    options, settings = parsed(flags)
    if _runner(options) == "directrunner":
        raise SettingsError("DirectRunner ends by itself: give --bounded, or a streaming runner")
    build = partial(built, kind, options, restricted(options, settings))
    pipeline = None
    if wait_for_servers is not None:
        pipeline = _built_early(build)
        wait_for_servers()
    prepare(settings)
    return (pipeline or build()).run()


def _built_early(build: Callable[[], beam.Pipeline]) -> beam.Pipeline | None:
    """The pipeline, or None where it cannot be built before the servers are ready."""
    try:
        return build()
    except Exception as error:  # noqa: BLE001 - of any client; what persists is raised by the next attempt
        logger.info("the job is built when the servers are ready: %s", error)
        return None


def built(kind: JobKind, options: PipelineOptions, settings: Settings) -> beam.Pipeline:
    """A job's pipeline, for any runner that streams; it is not run. Raises SettingsError, KafkaOptionsError."""
    share = _share(options)
    pipeline = beam.Pipeline(options=options)
    partitions = _partitions(kind, settings, share)
    source = KafkaSource(settings, partitions, is_native=_runner(options) != "dataflowrunner")
    kind.build(Job(pipeline, settings, source=source, instances=share.instances))
    return pipeline


def run_bounded(
    kind: JobKind,
    flags: Sequence[str],
    portion: int = PORTION,
    *,
    files: str | None = None,
    to_stdout: bool = False,
) -> int:
    """Runs a job over the records that its topic has now beyond the group's offsets, or over JSON Lines
    `files` in the topic's place. Refreshes the views; returns the number of messages.

    With `to_stdout` messages are printed instead of published (`StdoutSink`). Offsets are committed after
    each portion of messages, so that a run continues where a failed one ended. Raises as `submit`, and
    BoundedRunError.
    """
    refuse_unknown(flags)
    options, settings = parsed(flags)
    prepare(settings, uses_kafka=files is None or not to_stdout)
    owner, settings = settings.database_address, settings.as_loader()
    sink = StdoutSink() if to_stdout else KafkaSink(settings)
    if files is None:
        count = _run_backlog(kind, flags, settings, sink, portion)
    else:
        # Without Java steps DirectRunner takes Prism, whose binary Beam downloads at its first use, and whose
        # AfterCount triggers may fire once more (https://github.com/apache/beam/issues/33623).
        runner = FnApiRunner() if to_stdout and _runner(options) == "directrunner" else None
        pipeline = beam.Pipeline(runner, PipelineOptions(list(flags)))
        try:
            kind.build(Job(pipeline, settings, source=FileSource(files), sink=sink))
        except OSError as error:
            raise BoundedRunError(str(error)) from error
        count = _messages(_finished(pipeline.run()))
    refresh_views(owner)
    return count


def _run_backlog(kind: JobKind, flags: Sequence[str], settings: Settings, sink: Sink, portion: int) -> int:
    records = 0
    for topic in reversed(kind.topics):  # what is in the overflow was announced before
        whole = backlog(settings.kafka_address, settings.group, topic)
        for part in whole.portions(portion):
            pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
            source = KafkaSource(settings, backlog=part, instead=topic)
            kind.build(Job(pipeline, settings, source=source, sink=sink))
            read = _messages(_finished(pipeline.run()))
            if read != part.records:
                raise BoundedRunError(
                    f"{read} of {part.records} messages could be read; no offset was committed: run it again"
                )
            commit_offsets(settings.kafka_address, settings.group, topic, part.ends)
        records += whole.records
    return records


def _finished(result: PipelineResult) -> PipelineResult:
    """The result of a pipeline after its end. Raises BoundedRunError if the pipeline failed."""
    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        raise BoundedRunError(f"the run ended as {state}; its messages are still to be done")
    return result


def _messages(result: PipelineResult) -> int:
    """The number of records that a pipeline has decoded, valid or not."""
    counters = result.metrics().query(beam.metrics.MetricsFilter().with_name("messages"))["counters"]
    return sum(one.result for one in counters if one.key.metric.namespace == "gogobe.decode")


def prepare(settings: Settings, *, uses_kafka: bool = True) -> None:
    """Migrates the schema, and creates missing roles and topics."""
    migrate(settings.database_address, roles=settings.database_roles)
    if uses_kafka:
        ensure_topics(
            settings.kafka_address,
            TOPICS,
            settings.topic_partitions,
            settings.topic_replication,
            topic_config(settings.keep_topic_days),
        )


def main(kind: JobKind) -> None:
    """Submits a job with the flags of the command line, and waits for its end."""
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


def _partitions(kind: JobKind, settings: Settings, share: Share) -> dict[str, list[int]] | None:
    """The partitions that an instance reads, by topic; None: all, including partitions that are added later."""
    if share.is_whole:
        return None
    try:
        return {
            topic: share.partitions(topic, partition_count(settings.kafka_address, topic))
            for topic in kind.topics
        }
    except ShareError as error:
        raise SettingsError(str(error)) from error
