"""A Flink cluster of two TaskManagers, supervised: a job submitted to its REST address survives the death of a
TaskManager and moves by a savepoint, and each service that dies or hangs comes back at its address."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click.testing
import pytest
import requests

from gogobe.cli import main
from gogobe.local.flink import FlinkJob, jobs, task_managers
from gogobe.local.flink_health import job_health
from gogobe.local.jobs import JobRecord
from gogobe.local.processes import Records, is_running
from gogobe.local.services import Service, StackFolders, services_of
from gogobe.local.stack import Stack, StackAddresses
from gogobe.local.state import read_state
from gogobe.local.watch import EVERY_SECONDS
from tests.integration.small_feeds import (
    BODIES,
    FILES,
    MISSING,
    STORES,
    VERSIONS,
    Place,
    answer,
    check_all_is_loaded_once,
    name_of,
    place,
    wait_for,
)
from tests.portals import Request, Response, portal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]

TASK_MANAGERS = 2
LAST = [name_of(store, VERSIONS) for store in range(1, STORES + 1)]


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory, jars: Path) -> Path:
    """The folder of a stack of its own, with the Java parts where `gogobe run` looks for them."""
    folder = tmp_path_factory.mktemp("cluster")
    (folder / "java").symlink_to(jars)
    return folder


@pytest.fixture(scope="module")
def stack(var: Path) -> Iterator[StackAddresses]:
    cluster = Stack(var, task_managers=TASK_MANAGERS)
    with cluster.running(supervised=True) as addresses:
        yield addresses
    assert cluster.status() == []


def gogobe(*arguments: str) -> str:
    """The output of a command with any exit code: a stack with a restart is ill."""
    return click.testing.CliRunner().invoke(main, arguments).output


def running_job(stack: StackAddresses) -> FlinkJob:
    (job,) = [one for one in jobs(stack.flink) if one.state == "RUNNING"]
    return job


def pid_of(var: Path, service: str) -> int:
    return next(one.pid for one in Stack(var).status() if one.name == service)


def test_a_job_survives_a_task_manager_and_moves_by_a_savepoint(stack: StackAddresses, var: Path):
    asked, released = threading.Event(), threading.Event()

    def held(request: Request) -> Response:
        """The last version of each store comes only when another TaskManager runs."""
        if request.path.removeprefix("/") in LAST:
            asked.set()
            released.wait(300)
        return answer(request)

    with portal(held) as served:
        own = place(stack, var, "clustered", served.host)
        elsewhere = ("--runner=FlinkRunner", f"--flink-master={stack.flink[0]}", "--fetch-wait=300")
        started = own.run("ingest", *elsewhere, f"--worker-pool={stack.worker_pool}")
        job = running_job(stack)
        assert job.page in started
        own.announce(served.url, [*(name for name in BODIES if name not in LAST), MISSING])
        wait_for("the earlier files", lambda: len(own.rows(FILES)) == STORES * (VERSIONS - 1))
        own.announce(served.url, LAST)
        assert asked.wait(150)
        kill_a_task_manager(stack, var, job)
        released.set()
        wait_for("all files", lambda: len(own.rows(FILES)) == STORES * VERSIONS)
        wait_for("all offsets committed", lambda: own.lags()[0] == 0)
        check_all_is_loaded_once(own)

        move_by_a_savepoint(own, job)
        own.announce(served.url, [*BODIES, MISSING])
        wait_for("all offsets committed", lambda: own.lags()[0] == 0)
        check_all_is_loaded_once(own)
    assert list((var / "data" / "flink" / "checkpoints").rglob("_metadata"))
    assert "gogobe-ingest is stopped" in gogobe("down", "gogobe-ingest", f"--var={var}")
    assert {one.state for one in jobs(stack.flink)} <= {"CANCELED", "FINISHED"}


def kill_a_task_manager(stack: StackAddresses, var: Path, job: FlinkJob) -> None:
    """Kills one, and waits until another process runs for it and the job has started again."""
    victim = pid_of(var, "TaskManager 2")
    os.kill(victim, signal.SIGKILL)
    wait_for("another process", lambda: pid_of(var, "TaskManager 2") != victim)
    wait_for("a restart of the job", lambda: job_health(job, seconds=20).restarts >= 1)
    wait_for("all TaskManagers", lambda: task_managers(stack.flink[0]) == TASK_MANAGERS)


def move_by_a_savepoint(own: Place, before: FlinkJob) -> None:
    assert "gogobe-ingest is running" in own.run("ingest", "--replace", "--keep-state")
    after = running_job(own.stack)
    assert after.id != before.id
    url = f"http://{after.rest}/jobs/{after.id}/checkpoints"

    def restored() -> Any:
        return requests.get(url, timeout=60).json().get("latest", {}).get("restored")

    wait_for("the state of the job", lambda: restored() is not None)  # Flink's answers are seconds old
    assert restored()["is_savepoint"]
    counted = f"({TASK_MANAGERS} TaskManagers)"  # without the killed one
    wait_for("status", lambda: counted in gogobe("status", f"--var={own.var}"))
    assert after.page in gogobe("status", f"--var={own.var}")


def test_each_service_that_dies_or_hangs_comes_back_at_its_address(
    stack: StackAddresses, var: Path, jars: Path
):
    """All are killed at once, and afterwards stopped (SIGSTOP) at once."""
    state = read_state(var)
    assert state is not None
    services = services_of(StackFolders.of(var, jars), state.ports, TASK_MANAGERS)
    records, submitted = Records(var / "services"), var / "submitted"
    local = Stack(var)
    code = f"import pathlib; pathlib.Path({str(submitted)!r}).touch()"
    local.jobs.add(JobRecord("a-job", (sys.executable, "-c", code)))
    before: dict[str, int] = {}

    def back(name: str, number: int) -> bool:
        record = records.get(name)
        if record is None or record.pid == before[name] or not is_running(record):
            return False
        return len(record.restarts) >= number

    def is_ready(service: Service) -> bool:
        """Asked of the present process: one may be started again before its first answer."""
        record = records.get(service.name)
        return record is not None and is_running(record) and service.ready(record)

    def all_run() -> bool:
        return {one.running for one in local.status()} == {True}

    for number, sent in enumerate((signal.SIGKILL, signal.SIGSTOP), start=1):
        before |= {one.name: one.pid for one in records.read() if one.name != "Supervisor"}
        assert set(before) == {service.name for service in services}
        assert {"TaskManager 1", "TaskManager 2"} <= set(before)
        submitted.unlink(missing_ok=True)
        for pid in before.values():
            with contextlib.suppress(ProcessLookupError):  # one that ended with another
                os.kill(pid, sent)
        for service in services:
            wait_for(f"{service.name} started again", partial(back, service.name, number))
            wait_for(f"{service.name} ready", partial(is_ready, service))
        assert local.addresses() == stack
        wait_for("the lost job submitted", submitted.exists)
        for name, answers in local.questions().items():
            wait_for(f"{name} answers", answers)
        wait_for("all services running", all_run)
        # A service that hangs before the supervisor has asked it once has three minutes to start.
        time.sleep(2 * EVERY_SECONDS)
