"""The health of an installation, as `gogobe status` reports it.

`gather` queries all servers within a time limit; `assess` decides what is wrong. A stack that is `down`
cannot do its work; an `ill` one is late, or needs an operator.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from gogobe.commands.outage_texts import waited_for
from gogobe.commands.probes import UnansweredError, ask_all, check_store
from gogobe.commands.space import Disk, disks_of
from gogobe.commands.terminal import counted
from gogobe.commands.times import shown_seconds
from gogobe.database.activity import Activity, read_activity
from gogobe.database.address import Dsn
from gogobe.database.connection import connect
from gogobe.database.timeouts import Timeouts
from gogobe.io.kafka.progress import TopicProgress, topic_progress
from gogobe.local.flink import ENDED, jobs
from gogobe.local.flink_health import JobHealth, job_health
from gogobe.local.flink_services import JOB_MANAGER, JOB_SERVER
from gogobe.local.logs import lines_since_start
from gogobe.local.postgres import NAME as POSTGRES
from gogobe.local.services import KAFKA
from gogobe.local.stack import ServiceStatus, Stack, StackAddresses
from gogobe.local.supervisor import MOST_RESTARTS
from gogobe.local.supervisor import NAME as SUPERVISOR
from gogobe.local.watch import START_SECONDS
from gogobe.records.messages import DISCOVERED, TOPICS
from gogobe.settings import DATABASES, Settings

PROBE_SECONDS: Final = 4.0
STATEMENT_SECONDS: Final = 3.0
CHECKPOINT_LATE: Final = 180.0
ERROR_RECENT: Final = 300.0
CRASHES: Final = 3
STEADY: Final = 60.0
STANDSTILL: Final = 600.0
VIEWS_LATE: Final = 300.0
LOG_LINES: Final = 5
OBJECT_STORE: Final = "The object store"
SERVERS: Final[dict[str, set[str]]] = {
    "PostgreSQL": {POSTGRES},
    "Kafka": {KAFKA},
    "Flink": {JOB_SERVER, JOB_MANAGER},
    OBJECT_STORE: set(),
}
"""The services of the stack that answer for each server."""

State = Literal["healthy", "down", "ill"]
EXIT_CODES: Final[dict[State, int]] = {"healthy": 0, "down": 1, "ill": 2}


class DeadService(msgspec.Struct, frozen=True):
    """The end of the log of a service that does not run."""

    name: str
    log: str
    end: list[str]


class Findings(msgspec.Struct, kw_only=True):
    """The answers at `at` (seconds since the epoch). A missing answer is None, and `unanswered` has its
    reason by the server's name. Services that are `silent` run and do not answer. `lost_jobs` were submitted
    and do not run. `done_a_minute` has, by topic, the messages whose offsets were committed since an earlier
    report, for a minute; only `--watch` has one."""

    at: float
    services: list[ServiceStatus]
    dead: list[DeadService] = []
    silent: list[str] = []
    jobs: list[JobHealth] | None = None
    lost_jobs: list[str] = []
    topics: list[TopicProgress] | None = None
    done_a_minute: dict[str, float] = {}
    activity: Activity | None = None
    disks: list[Disk] = []
    unanswered: dict[str, str] = {}
    views_every: float = 10.0


class Problem(msgspec.Struct, frozen=True):
    """A sentence about a problem, and its severity: `down`, if the work is not done, or `ill`."""

    state: State
    text: str


class Report(msgspec.Struct, frozen=True):
    """The overall state, with its problems, notes that need no immediate action, and the findings."""

    state: State
    problems: list[str]
    notes: list[str]
    found: Findings


def gather(stack: Stack, settings: Settings, folders: Sequence[Path]) -> Findings:
    """Queries all servers. Takes at most about five seconds."""
    services = stack.status()
    found = Findings(at=time.time(), services=services, views_every=settings.views_every)
    found.dead = [
        DeadService(one.name, one.log, lines_since_start(Path(one.log), LOG_LINES))
        for one in services
        if not one.running
    ]
    found.disks = list(disks_of(folders))
    addresses = stack.addresses()
    dead = _dead_addresses(addresses, found.dead)
    questions: dict[str, Callable[[], Any]] = {}
    reader = settings.reader_address
    if reader.url and reader.url not in dead:
        questions["PostgreSQL"] = lambda: _activity(reader)
    if settings.kafka and settings.kafka not in dead:
        questions["Kafka"] = lambda: topic_progress(settings.kafka_address, settings.group, TOPICS)
    if addresses is not None:
        questions["Flink"] = lambda: _jobs(addresses.flink)
    if "://" in settings.store:  # a folder is among the disks
        questions[OBJECT_STORE] = lambda: check_store(settings.store, settings.store_endpoint)
    of_services = {f"service {name}": question for name, question in stack.questions().items()}
    answers = ask_all(questions | of_services, PROBE_SECONDS)
    found.silent = [name.removeprefix("service ") for name in of_services if answers[name] is not True]
    missing = {
        name: str(one)
        for name, one in answers.items()
        if name in questions and isinstance(one, UnansweredError)
    }
    found.unanswered = {name: why for name, why in missing.items() if SERVERS[name].isdisjoint(found.silent)}
    good = {name: one for name, one in answers.items() if name not in missing}
    found.activity, found.topics, found.jobs = good.get("PostgreSQL"), good.get("Kafka"), good.get("Flink")
    if found.jobs is not None:
        running = {job.name for job in found.jobs if job.state not in ENDED}
        found.lost_jobs = [job.name for job in stack.jobs.read() if job.name not in running]
    return found


def _dead_addresses(addresses: StackAddresses | None, dead: Sequence[DeadService]) -> set[str]:
    """The addresses of the stack's servers that do not run, which are not queried."""
    names = {one.name for one in dead}
    if addresses is None:
        return set()
    servers = {KAFKA: [addresses.kafka], POSTGRES: [getattr(addresses, name) for name in DATABASES]}
    return {address for name, found in servers.items() if name in names for address in found}


def _activity(dsn: Dsn) -> Activity:
    with connect(dsn, timeouts=Timeouts(statement=STATEMENT_SECONDS, lock=1.0)) as connection:
        return read_activity(connection)


def _jobs(rest: Sequence[str]) -> list[JobHealth]:
    return [job_health(job) for job in jobs(rest) if job.state not in ENDED or job.state == "FAILED"]


def done_a_minute(before: Findings | None, now: Findings) -> dict[str, float]:
    """By topic the messages that were done between two reports, for a minute."""
    if before is None or now.at <= before.at:
        return {}
    done = {one.topic: one.done for one in before.topics or () if one.done is not None}
    minutes = (now.at - before.at) / 60
    return {
        one.topic: (one.done - done[one.topic]) / minutes
        for one in now.topics or ()
        if one.done is not None and one.topic in done
    }


def assess(found: Findings) -> Report:
    """The problems, the most severe first."""
    if not any(one.running for one in found.services) and found.activity is None and found.topics is None:
        lost = [f"{name}: {why}" for name, why in found.unanswered.items()]
        return Report("down", ["the stack is not running: `gogobe up` starts it", *lost], [], found)
    problems = [
        *_of_services(found),
        *(Problem("down", f"{name} does not answer: {why}") for name, why in found.unanswered.items()),
        *_of_disks(found),
        *_of_jobs(found),
        *_of_work(found),
    ]
    state: State = "healthy"
    if problems:
        state = "down" if any(one.state == "down" for one in problems) else "ill"
    ordered = sorted(problems, key=lambda one: one.state != "down")
    return Report(state, [one.text for one in ordered], list(_notes(found)), found)


def _of_services(found: Findings) -> Iterator[Problem]:
    watched = any(one.name == SUPERVISOR and one.running for one in found.services)
    for one in found.services:
        if one.running:
            if one.name in found.silent:
                yield _silence(one, found.at - one.since, watched=watched)
            if one.restarts:
                yield Problem(
                    "ill", f"{one.name} was started again {_times(one.restarts)} in the last ten minutes"
                )
            continue
        if one.name == SUPERVISOR:
            yield Problem("ill", "the supervisor does not run, so nothing starts again what dies: `gogobe up`")
        elif one.held:
            yield Problem("down", f"{one.name} was stopped: `gogobe up` starts it")
        elif one.given_up:
            yield Problem(
                "down",
                f"{one.name} died {MOST_RESTARTS + 1} times in ten minutes and stays down: look at its log, "
                "then `gogobe up`",
            )
        else:
            coming = "the supervisor starts it again" if watched else "`gogobe up` starts it again"
            yield Problem("down", f"{one.name} has died: {coming}")


def _silence(one: ServiceStatus, seconds: float, *, watched: bool) -> Problem:
    """The problem of a service that runs and does not answer."""
    if one.name == SUPERVISOR:
        return Problem("ill", "the supervisor hangs, so nothing starts again what dies: `gogobe up`")
    if seconds < START_SECONDS:
        return Problem("ill", f"{one.name} is starting: it does not answer yet")
    coming = "the supervisor starts it again if that goes on" if watched else "`gogobe up` starts it again"
    return Problem("down", f"{one.name} runs and does not answer: {coming}")


def _of_disks(found: Findings) -> Iterator[Problem]:
    for disk in found.disks:
        if disk.shortage is not None:
            yield Problem("down" if disk.shortage == "full" else "ill", disk.sentence())


def _of_jobs(found: Findings) -> Iterator[Problem]:
    for name in found.lost_jobs:
        yield Problem("down", f"{name} was submitted and does not run: `gogobe up` submits it again")
    for job in found.jobs or ():
        recent = job.error_at is not None and found.at - job.error_at < ERROR_RECENT
        awaited = waited_for(job.error or "")
        error = f": {job.error}" if job.error else ""
        waits = f"; it waits for {awaited}" if awaited else ""
        steady = job.state == "RUNNING" and found.at - job.since > STEADY
        if job.restarts >= CRASHES and recent and not steady:
            yield Problem(
                "down", f"{job.name} is in a crash loop, {_times(job.restarts)} restarted{error}{waits}"
            )
        elif job.state == "FAILED":
            yield Problem("down", f"{job.name} has failed{error}")
        elif job.state != "RUNNING":
            yield Problem("ill", f"{job.name} is {job.state.lower()}{error}{waits}")
        elif recent:
            ago = shown_seconds(found.at - (job.error_at or 0))
            yield Problem("ill", f"{job.name} restarted {ago} ago{error}")
        since_checkpoint = found.at - max(job.since, job.checkpoint_at or 0)
        if job.state == "RUNNING" and since_checkpoint > CHECKPOINT_LATE:
            yield Problem("ill", f"{job.name} had no checkpoint for {shown_seconds(since_checkpoint)}")


def _of_work(found: Findings) -> Iterator[Problem]:
    lag = sum(topic.lag or 0 for topic in found.topics or ())
    unread = next(
        (one.messages for one in found.topics or () if one.topic == DISCOVERED and one.lag is None), 0
    )
    if found.jobs == [] and (lag or unread) and not found.lost_jobs:
        yield Problem(
            "ill", f"{counted(lag or unread, 'message')} waiting and no job runs: `gogobe run ingest`"
        )
    activity = found.activity
    if activity is None or activity.loaded_at is None:
        return
    idle = (activity.now - activity.loaded_at).total_seconds()
    if found.jobs and lag and idle > STANDSTILL:
        yield Problem(
            "ill", f"{counted(lag, 'message')} waiting, and no file was completed for {shown_seconds(idle)}"
        )
    behind = (activity.loaded_at - activity.views_at).total_seconds() if activity.views_at else idle
    if idle > VIEWS_LATE + found.views_every and behind > 0 and found.jobs:
        yield Problem("ill", f"the views were not refreshed since the load {shown_seconds(idle)} ago")


def _notes(found: Findings) -> Iterator[str]:
    """Information for an operator that needs no immediate action."""
    if found.jobs == [] and not found.lost_jobs:
        yield "no job runs: `gogobe run ingest` submits the pipeline"
    activity = found.activity
    if activity is None:
        return
    letters = sum(one.letters for one in activity.letters)
    if letters:
        yield f"{counted(letters, 'open dead letter')}: `gogobe deadletters list`"
    if activity.ill_portals:
        portals = counted(activity.portals, "portal")
        yield f"{len(activity.ill_portals)} of {portals} without an answer: `gogobe chains`"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
