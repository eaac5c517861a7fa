"""The health of a job on Flink: restarts, its last error as a sentence, its last checkpoint.

Flink's REST interface: https://nightlies.apache.org/flink/flink-docs-stable/docs/ops/rest_api/
"""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec
import requests

from gogobe.local.flink import FlinkJob

Answer = TypeVar("Answer")

PROBE_SECONDS: Final = 2.0
LONGEST_SENTENCE: Final = 300

_PYTHON_ERROR: Final = re.compile(r"[A-Za-z_][\w.]*(?:\.[A-Za-z_]\w*|Error|Exception|Exit|Interrupt): .+")
_NO_ERROR: Final = ("Caused by:", "File ", "DETAIL:", "HINT:", "CONTEXT:")
_WHILE_RUNNING: Final = re.compile(r" \[while running .*$")


class JobHealth(msgspec.Struct, frozen=True):
    """The present state of a job. `state` is Flink's, `since` (seconds since the epoch) the time of its last
    change, `restarts` the number since its submission. `error` is its last error, at `error_at`.
    `checkpoint_at`, `checkpoint_seconds` and `checkpoint_bytes` are trigger time, duration and size of the
    last completed checkpoint; `checkpoints` and `failed_checkpoints` are counts."""

    name: str
    state: str
    page: str
    since: float
    restarts: int
    error: str | None = None
    error_at: float | None = None
    checkpoint_at: float | None = None
    checkpoint_seconds: float | None = None
    checkpoint_bytes: int | None = None
    checkpoints: int = 0
    failed_checkpoints: int = 0


class _Details(msgspec.Struct):
    start: int = msgspec.field(name="start-time")
    timestamps: dict[str, int] = {}


class _Entry(msgspec.Struct):
    stacktrace: str
    timestamp: int


class _History(msgspec.Struct):
    entries: list[_Entry] = []


class _Exceptions(msgspec.Struct):
    history: _History = msgspec.field(name="exceptionHistory", default_factory=_History)


class _Metric(msgspec.Struct):
    value: str


class _Completed(msgspec.Struct):
    triggered: int = msgspec.field(name="trigger_timestamp")
    duration: int = msgspec.field(name="end_to_end_duration")
    size: int = msgspec.field(name="state_size")


class _Latest(msgspec.Struct):
    completed: _Completed | None = None


class _Counts(msgspec.Struct):
    completed: int = 0
    failed: int = 0


class _Checkpoints(msgspec.Struct):
    counts: _Counts = msgspec.field(default_factory=_Counts)
    latest: _Latest = msgspec.field(default_factory=_Latest)


def job_health(job: FlinkJob, seconds: float = PROBE_SECONDS) -> JobHealth:
    """Queries Flink about a job. Raises requests.RequestException, msgspec.DecodeError."""
    address = f"http://{job.rest}/jobs/{job.id}"

    def ask(path: str, kind: type[Answer]) -> Answer:
        answer = requests.get(f"{address}{path}", timeout=seconds)
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=kind)

    details = ask("", _Details)
    entries = ask("/exceptions?maxExceptions=1", _Exceptions).history.entries
    restarts = ask("/metrics?get=numRestarts", list[_Metric])
    checkpoints = ask("/checkpoints", _Checkpoints)
    latest = checkpoints.latest.completed
    return JobHealth(
        name=job.name,
        state=job.state,
        page=job.page,
        since=details.timestamps.get(job.state, details.start) / 1000,
        restarts=int(float(restarts[0].value)) if restarts else 0,
        error=sentence_of(entries[0].stacktrace) if entries else None,
        error_at=entries[0].timestamp / 1000 if entries else None,
        checkpoint_at=latest.triggered / 1000 if latest else None,
        checkpoint_seconds=latest.duration / 1000 if latest else None,
        checkpoint_bytes=latest.size if latest else None,
        checkpoints=checkpoints.counts.completed,
        failed_checkpoints=checkpoints.counts.failed,
    )


def sentence_of(stacktrace: str) -> str:
    """The error of a Flink stack trace in one line: the last error of a Python worker's traceback in it,
    otherwise the innermost cause."""
    lines = [line.strip() for line in stacktrace.splitlines() if line.strip()]
    if not lines:
        return ""
    python = [line for line in lines if _PYTHON_ERROR.fullmatch(line) and not line.startswith(_NO_ERROR)]
    causes = [line.removeprefix("Caused by: ") for line in lines if line.startswith("Caused by: ")]
    if any(line.startswith("Traceback (most recent call last)") for line in lines) and python:
        found = python[-1]
    else:
        found = causes[-1] if causes else lines[0]
    found = _WHILE_RUNNING.sub("", found)
    return found if len(found) <= LONGEST_SENTENCE else f"{found[: LONGEST_SENTENCE - 2]} …"
