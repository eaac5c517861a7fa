"""Flink, embedded in Beam's job server: its configuration, and its jobs by Flink's own REST interface.

Every job gets an embedded cluster of its own, whose REST server takes the first free port of a few that are
kept for it. That is the way to stop a job: Beam's `result.cancel()` only says CANCELLED, and the job goes on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final, Literal

import msgspec
import requests

from gogobe.local.java import java_command
from gogobe.local.processes import Records, ServiceRecord, StackError, start_service

JOBS_AT_ONCE: Final = 8
REST_SECONDS: Final = 20.0
# Beam's Flink runner reaches into these packages; JDK 17 closes them.
ADD_OPENS: Final = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.util", "java.nio", "java.util.concurrent")
)
ENDED: Final = ("CANCELED", "FAILED", "FINISHED")


class FlinkJob(msgspec.Struct, frozen=True):
    """A job of an embedded cluster. `state` is Flink's: RUNNING, RESTARTING, CANCELED …"""

    id: str = msgspec.field(name="jid")
    name: str
    state: str
    rest: str = ""


class Checkpoint(msgspec.Struct, frozen=True):
    """One checkpoint of a job; `duration` in milliseconds, `size` in bytes."""

    id: int
    status: Literal["IN_PROGRESS", "COMPLETED", "FAILED"]
    duration: int = msgspec.field(name="end_to_end_duration")
    size: int = msgspec.field(name="state_size")


class _Overview(msgspec.Struct):
    jobs: list[FlinkJob]


class _Checkpoints(msgspec.Struct):
    history: list[Checkpoint]


@dataclass(frozen=True)
class FlinkPorts:
    """The ports of Beam's job server, and those of its jobs' REST interfaces."""

    jobs: int
    artifacts: int
    expansion: int
    rest: tuple[int, ...]


def start_job_server(jars: Path, folder: Path, log: Path, ports: FlinkPorts, records: Records) -> ServiceRecord:
    """Starts Beam's job server; checkpoints and artifacts go below `folder`. Raises StackError."""
    conf = folder / "conf"
    conf.mkdir(parents=True, exist_ok=True)
    lines = [f"{name}: {value}\n" for name, value in flink_settings(folder.absolute(), ports).items()]
    (conf / "flink-conf.yaml").write_text("".join(lines), "utf-8")
    command = java_command(
        jars, "2g", "org.apache.beam.runners.flink.FlinkJobServerDriver",
        "--job-host=127.0.0.1", f"--job-port={ports.jobs}", f"--artifact-port={ports.artifacts}",
        f"--expansion-port={ports.expansion}", f"--artifacts-dir={folder / 'artifacts'}",
        "--flink-master=[local]", f"--flink-conf-dir={conf}",
        options=[*ADD_OPENS, f"-Djava.io.tmpdir={folder}"],
    )  # fmt: skip
    return start_service("Flink job server", command, log, records)


def flink_settings(folder: Path, ports: FlinkPorts) -> dict[str, object]:
    """Flink's configuration, which it reads from `flink-conf.yaml`."""
    return {
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "jobmanager.bind-host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.host": "127.0.0.1",
        "rest.bind-port": ",".join(str(port) for port in ports.rest),
        "io.tmp.dirs": folder,
        "state.backend.type": "hashmap",
        "state.checkpoint-storage": "filesystem",
        "state.checkpoints.dir": f"file://{folder}/checkpoints",
        # Few messages in flight: a checkpoint waits for them, and each message is a whole file.
        # (Fewer buffers yet, one of each, and a job stood still for ever.)
        "taskmanager.memory.segment-size": "4kb",
        "taskmanager.memory.min-segment-size": "256b",
        "taskmanager.network.memory.buffer-debloat.enabled": "true",
        "taskmanager.network.memory.buffer-debloat.target": "500 ms",
        "taskmanager.network.memory.buffers-per-channel": 2,
        "taskmanager.network.memory.floating-buffers-per-gate": 2,
        # A job whose worker died restarts from its last checkpoint, without a limit.
        "restart-strategy.type": "fixed-delay",
        "restart-strategy.fixed-delay.attempts": 2147483647,
        "restart-strategy.fixed-delay.delay": "1 s",
    }


# A job is about to run; or another program has taken the port meanwhile, which is bound only when a job runs.
_NO_JOB: Final = (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.NOT_FOUND)


def jobs(rest: Sequence[str]) -> list[FlinkJob]:
    """The jobs of all embedded clusters at the given addresses (HOST:PORT), ended ones too while they show."""
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


def wait_for_job(rest: Sequence[str], name: str, seconds: float = 60.0) -> FlinkJob:
    """Waits until a job of this name is running, and returns it. Raises StackError when it has ended,
    or does not run within `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        found = [job for job in jobs(rest) if job.name == name]
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
    """Stops jobs, all unless `ids` are given, and waits until they have ended; returns those that ran. Offsets
    stay at what is done.

    Raises StackError when one goes on for longer than `seconds`.
    """

    def live() -> list[FlinkJob]:
        found = [job for job in jobs(rest) if job.state not in ENDED]
        return found if ids is None else [job for job in found if job.id in ids]

    running = live() if ids is None or ids else []
    for job in running:
        # On a busy machine the answer may be late; whether the job has ended is seen below.
        with contextlib.suppress(requests.Timeout):
            requests.patch(f"http://{job.rest}/jobs/{job.id}?mode=cancel", timeout=REST_SECONDS)
    deadline = time.monotonic() + seconds
    while going_on := live() if running else []:
        if time.monotonic() > deadline:
            states = ", ".join(f"{job.name} is {job.state}" for job in going_on)
            raise StackError(f"cancelled, and not ended within {seconds:.0f} seconds: {states}")
        time.sleep(0.1)
    return running


def checkpoints(job: FlinkJob) -> list[Checkpoint]:
    """A job's latest checkpoints, the newest first."""
    answer = requests.get(f"http://{job.rest}/jobs/{job.id}/checkpoints", timeout=REST_SECONDS)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=_Checkpoints).history
