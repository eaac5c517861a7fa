"""Lists, observes and stops Flink's jobs by Flink's REST interface.

Beam's `result.cancel()` does not stop a job: it only returns CANCELLED.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Sequence
from http import HTTPStatus
from typing import Final, Literal

import msgspec
import requests

from gogobe.local.processes import StackError

REST_SECONDS: Final = 20.0
# The job server stages jars and translates the job first, which takes a minute on a machine under load.
SUBMISSION_SECONDS: Final = 180.0
ENDED: Final = ("CANCELED", "FAILED", "FINISHED")


class FlinkJob(msgspec.Struct, frozen=True):
    """A job. `state` is Flink's: RUNNING, RESTARTING, CANCELED …; `rest` is the address of its REST
    interface."""

    id: str = msgspec.field(name="jid")
    name: str
    state: str
    rest: str = ""

    @property
    def page(self) -> str:
        """The address of the job's page in Flink's web interface."""
        return f"http://{self.rest}/#/job/running/{self.id}/overview"

    @property
    def checkpoints_page(self) -> str:
        """The page of the job's checkpoints."""
        return f"http://{self.rest}/#/job/running/{self.id}/checkpoints"


class Checkpoint(msgspec.Struct, frozen=True):
    """One checkpoint of a job; `triggered` in milliseconds since the epoch, `duration` in milliseconds, `size`
    in bytes."""

    id: int
    status: Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
    triggered: int = msgspec.field(name="trigger_timestamp")
    duration: int = msgspec.field(name="end_to_end_duration")
    size: int = msgspec.field(name="state_size")


class CheckpointCounts(msgspec.Struct, frozen=True):
    """The numbers of completed and failed checkpoints of a job."""

    completed: int
    failed: int


class CheckpointsOverview(msgspec.Struct, frozen=True):
    """A job's checkpoints: their counts, and the latest ones, newest first."""

    counts: CheckpointCounts
    history: list[Checkpoint]

    @property
    def latest_completed(self) -> Checkpoint | None:
        """The newest completed checkpoint among the latest ones; None without one."""
        return next((one for one in self.history if one.status == "COMPLETED"), None)


class _Overview(msgspec.Struct):
    jobs: list[FlinkJob]


# A job is about to run, or another program has taken the port, which is bound only while a job runs.
_NO_JOB: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.NOT_FOUND)


def jobs(rest: Sequence[str]) -> list[FlinkJob]:
    """The jobs of all clusters at these addresses (HOST:PORT), including ended ones that are still listed."""
    return list(_jobs(rest))


def _jobs(rest: Sequence[str]) -> Iterator[FlinkJob]:
    for address in rest:
        try:
            answer = requests.get(f"http://{address}/jobs/overview", timeout=REST_SECONDS)
        except requests.ConnectionError:
            continue  # no job runs there
        if answer.status_code in _NO_JOB:
            continue
        answer.raise_for_status()
        for job in msgspec.json.decode(answer.content, type=_Overview).jobs:
            yield msgspec.structs.replace(job, rest=address)


def wait_for_job(
    rest: Sequence[str], name: str, seconds: float = SUBMISSION_SECONDS, other_than: Collection[str] = ()
) -> FlinkJob:
    """Waits until a job of this name, with an id not in `other_than`, is running, and returns it. Raises
    StackError if it has ended, or does not run within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = [job for job in jobs(rest) if job.name == name and job.id not in other_than]
        running = [job for job in found if job.state == "RUNNING"]
        if running:
            return running[0]
        states = ", ".join(job.state for job in found) or "not to be seen"
        if time.monotonic() > deadline or (found and all(job.state in ENDED for job in found)):
            raise StackError(f"job {name} does not run: {states}; Flink's log has the cause")
        time.sleep(0.1)


def cancel_jobs(
    rest: Sequence[str], ids: Collection[str] | None = None, seconds: float = 30.0
) -> list[FlinkJob]:
    """Cancels jobs, all unless `ids` are given, and waits until they have ended. Returns the jobs that ran.
    Only offsets of completed work are committed.

    Raises StackError if one has not ended within `seconds`.
    """

    def live() -> list[FlinkJob]:
        found = [job for job in jobs(rest) if job.state not in ENDED]
        return found if ids is None else [job for job in found if job.id in ids]

    running = live() if ids is None or ids else []
    for job in running:
        # The answer may be late on a busy machine; the loop below checks whether the job has ended.
        with contextlib.suppress(requests.Timeout):
            requests.patch(f"http://{job.rest}/jobs/{job.id}?mode=cancel", timeout=REST_SECONDS)
    deadline = time.monotonic() + seconds
    while going_on := live() if running else []:
        if time.monotonic() > deadline:
            states = ", ".join(f"{job.name} is {job.state}" for job in going_on)
            raise StackError(f"cancelled, and not ended within {seconds:.0f} seconds: {states}")
        time.sleep(0.1)
    return running


def checkpoints(job: FlinkJob) -> CheckpointsOverview:
    """A job's checkpoints."""
    answer = requests.get(f"http://{job.rest}/jobs/{job.id}/checkpoints", timeout=REST_SECONDS)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=CheckpointsOverview)


class _Triggered(msgspec.Struct):
    id: str = msgspec.field(name="request-id")


class _Cause(msgspec.Struct):
    name: str = msgspec.field(name="class")


class _Operation(msgspec.Struct):
    location: str | None = None
    cause: _Cause | None = msgspec.field(name="failure-cause", default=None)


class _Savepoint(msgspec.Struct):
    operation: _Operation | None = None


def stop_with_savepoint(job: FlinkJob, seconds: float = 120.0) -> str:
    """Stops a job of a cluster with a savepoint, in the cluster's `state.savepoints.dir`; returns its path.
    Raises StackError if Flink fails to take it within `seconds`."""
    address = f"http://{job.rest}/jobs/{job.id}"
    answer = requests.post(f"{address}/stop", json={"drain": False}, timeout=REST_SECONDS)
    answer.raise_for_status()
    asked = msgspec.json.decode(answer.content, type=_Triggered).id
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = requests.get(f"{address}/savepoints/{asked}", timeout=REST_SECONDS)
        answer.raise_for_status()
        operation = msgspec.json.decode(answer.content, type=_Savepoint).operation
        if operation is not None and operation.location is not None:
            return operation.location
        if operation is not None:
            cause = operation.cause.name if operation.cause else "no cause is given"
            raise StackError(f"{job.name}: Flink takes no savepoint ({cause}); {job.checkpoints_page}")
        time.sleep(0.2)
    raise StackError(f"{job.name}: no savepoint within {seconds:.0f} seconds; {job.checkpoints_page}")


class _Cluster(msgspec.Struct):
    taskmanagers: int


def task_managers(rest: str) -> int:
    """The present number of TaskManagers of a cluster; 0 before it answers."""
    try:
        answer = requests.get(f"http://{rest}/overview", timeout=REST_SECONDS)
        return msgspec.json.decode(answer.content, type=_Cluster).taskmanagers if answer.ok else 0
    except requests.ConnectionError:
        return 0
