"""The ways to run the pipeline, each on its own stack in its own folder."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from conformance.inputs import records
from conformance.outcome import Outcome, outcome_of
from conformance.portal import Portal
from gogobe.database.connection import connect
from gogobe.database.views import refresh_views
from gogobe.io.kafka.topics import ensure_topics, lag, publish
from gogobe.local.flink import ENDED, cancel_jobs, jobs, wait_for_job
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.pipelines.download import DOWNLOAD_JOB
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.job import JobKind
from gogobe.pipelines.load import LOAD_JOB
from gogobe.pipelines.options import flags_of, flink_flags
from gogobe.pipelines.parse import PARSE_JOB
from gogobe.pipelines.submission import run_bounded, submit
from gogobe.records.messages import DISCOVERED, TOPICS
from gogobe.settings import Settings, stack_settings

SECONDS: Final = 420.0


class ConformanceError(Exception):
    """A run that did not complete; the message says where to look."""


@dataclass(frozen=True)
class Way:
    """A way to run the pipeline. `kinds`: the jobs, in the order of the topics they read; `task_managers`: the
    size of the Flink cluster, 0 for the embedded one; `flags`: the runner's own, of a bounded run;
    `keeps_order`: the runner passes elements of a key on in their order, which Beam does not ask of it."""

    name: str
    kinds: Sequence[JobKind]
    run: Callable[[Way, StackAddresses, Settings], None]
    task_managers: int = 0
    flags: Sequence[str] = ()
    keeps_order: bool = True


@dataclass(frozen=True)
class Result:
    """The outcome of a way, and its duration from submission to the last offset, or to its end. `items`: the
    number of rows in the files."""

    way: Way
    outcome: Outcome
    items: int
    seconds: float


def run_way(way: Way, var: Path, jars: Path, masters: Path, portal: Portal) -> Result:
    """Runs a way from an empty state. Raises StackError, ConformanceError."""
    shutil.rmtree(var, ignore_errors=True)
    since = datetime.now(UTC)
    with running_stack(var, jars, task_managers=way.task_managers) as stack:
        settings = msgspec.structs.replace(
            stack_settings(stack, var),
            masters=str(masters.absolute()),
            fetch_hosts=portal.host,
            fetch_attempts=1,
        )
        ensure_topics(stack.kafka, TOPICS)
        publish(stack.kafka, DISCOVERED, records(portal))
        started = time.monotonic()
        way.run(way, stack, settings)
        seconds = time.monotonic() - started
        refresh_views(stack.database)
        with connect(stack.database) as connection:
            (items,) = connection.execute("SELECT coalesce(sum(read), 0) FROM files").fetchone() or (0,)
        return Result(way, outcome_of(stack.database, stack.kafka, var, since), int(items), seconds)


def bounded(way: Way, _stack: StackAddresses, settings: Settings) -> None:
    """Runs the jobs on DirectRunner or Prism, one after another."""
    for kind in way.kinds:
        run_bounded(kind, [*way.flags, *flags_of(settings)])


def on_flink(way: Way, stack: StackAddresses, settings: Settings) -> None:
    """Runs all jobs on Flink at once, until each has committed the offsets of its topic. Raises
    ConformanceError."""
    for kind in way.kinds:
        name = f"gogobe-{kind.name}"
        to_flink = flink_flags(
            stack.job_endpoint,
            stack.worker_pool,
            name,
            stack.parallelism,
            stack.task_managers,
            bundle_elements=kind.bundle_elements,
        )
        submit(kind, [*to_flink, *flags_of(msgspec.structs.replace(settings, views_every=3600.0))])
        wait_for_job(stack.flink, name)
    deadline = time.monotonic() + SECONDS
    for kind in way.kinds:
        while behind := sum(lag(stack.kafka, settings.group, topic) for topic in kind.topics):
            failed = [job for job in jobs(stack.flink) if job.state in ENDED]
            if failed or time.monotonic() > deadline:
                raise ConformanceError(f"{way.name}: {behind} messages of {kind.topic} are not done {failed}")
            time.sleep(0.5)
    cancel_jobs(stack.flink)


def _prism(program: str) -> list[str]:
    return ["--runner=PrismRunner", f"--prism_location={program}"]


PRISM: Final = shutil.which("prism")
"""Beam's local runner that is written in Go, where it is installed."""
STAGES: Final = (DOWNLOAD_JOB, PARSE_JOB, LOAD_JOB)
WAYS: Final = (
    Way("DirectRunner", [INGEST_JOB], bounded, flags=["--runner=DirectRunner"]),
    *([Way("Prism", [INGEST_JOB], bounded, flags=_prism(PRISM), keeps_order=False)] if PRISM else []),
    Way("Flink, embedded", [INGEST_JOB], on_flink),
    Way("Flink, 2 TaskManagers", [INGEST_JOB], on_flink, task_managers=2),
    Way("Flink, three stages", STAGES, on_flink),
)
