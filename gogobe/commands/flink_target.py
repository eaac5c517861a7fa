"""The Flink that `gogobe run` submits jobs to: the local stack, or another cluster."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from gogobe.commands.terminal import counted
from gogobe.io.kafka.reading import Share
from gogobe.local.flink import ENDED, FlinkJob, cancel_jobs, jobs, stop_with_savepoint, task_managers
from gogobe.local.flink_services import JOBS_AT_ONCE, SLOTS, FlinkPorts, FlinkServices
from gogobe.local.processes import Records, free_ports, listens, stop_services, wait_until_ready
from gogobe.local.stack import StackAddresses

# The address of the Python workers for each TaskManager: a side-car.
WORKER_POOL: Final = "localhost:50000"
READY_SECONDS: Final = 60.0


@dataclass(frozen=True)
class FlinkTarget:
    """A Flink that accepts jobs: Beam's job server for it, the pool of Python workers as its TaskManagers see
    it, and its REST interface, one address for each embedded Flink. `task_managers` 0: embedded. `room`: the
    maximum of jobs; None if only the cluster knows it."""

    job_endpoint: str
    worker_pool: str
    rest: Sequence[str]
    parallelism: int
    task_managers: int
    room: int | None

    def make_room(
        self, name: str, shares: Sequence[Share], *, replace: bool, keep_state: bool
    ) -> dict[str, str]:
        """Stops the running jobs that read the same partitions as a new one, which would repeat their work.
        Returns their savepoints by name, if `keep_state`. Raises UsageError if there are such jobs and not
        `replace`, or if there is no room."""
        running = [job for job in jobs(self.rest) if job.state not in ENDED]
        in_the_way = [job for job in running if _reads_the_same(job, name, shares)]
        if in_the_way and not replace:
            job = in_the_way[0]
            raise click.UsageError(
                f"{job.name} is {job.state.lower()}: `gogobe run {name} --replace` stops it first"
            )
        if self.room is not None and len(running) - len(in_the_way) + len(shares) > self.room:
            raise click.UsageError(
                f"this stack has room for {counted(self.room, 'job')}, and {len(running)} run"
            )
        savepoints = {job.name: stop_with_savepoint(job) for job in in_the_way} if keep_state else {}
        cancel_jobs(self.rest, [job.id for job in in_the_way])
        return savepoints


def of_stack(stack: StackAddresses) -> FlinkTarget:
    """The local stack's Flink."""
    room = SLOTS if stack.task_managers else JOBS_AT_ONCE
    return FlinkTarget(
        stack.job_endpoint, stack.worker_pool, stack.flink, stack.parallelism, stack.task_managers, room
    )


@contextlib.contextmanager
def of_cluster(master: str, worker_pool: str, var: Path) -> Iterator[FlinkTarget]:
    """A Flink cluster by its REST address (HOST:PORT), with a job server on this machine for the time of the
    submission. Raises UsageError if no Flink answers, StackError."""
    found = task_managers(master)
    if not found:
        raise click.UsageError(f"no Flink cluster with a TaskManager answers at {master}")
    folder, log = var.absolute() / "submit", var.absolute() / "log"
    jobs_port, artifacts, expansion = free_ports(3)
    ports = FlinkPorts(jobs_port, artifacts, expansion, rest=(), manager=0)
    records = Records(folder / f"{ports.jobs}.processes.json")
    services = FlinkServices(var.absolute() / "java" / "flink", folder, log, ports, records)
    try:
        server = services.start_job_server(master, log_name=f"submit-{ports.jobs}.log")
        wait_until_ready(server, lambda: listens(server, ports.jobs), READY_SECONDS)
        yield FlinkTarget(f"127.0.0.1:{ports.jobs}", worker_pool, (master,), found, found, room=None)
    finally:
        stop_services(records.read())
        records.clear()


def job_name(name: str, share: Share) -> str:
    """The name of a job on Flink."""
    return f"gogobe-{name}" if share.is_whole else f"gogobe-{name}-{share.number}of{share.instances}"


def _reads_the_same(job: FlinkJob, name: str, shares: Sequence[Share]) -> bool:
    match = re.fullmatch(rf"gogobe-{name}(?:-(\d+)of(\d+))?", job.name)
    if match is None:
        return False
    theirs = Share(int(match[1]), int(match[2])) if match[1] else Share()
    return any(theirs.overlaps(share) for share in shares)
