"""A job that takes the place of a running one on Flink."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import click
import pytest

import gogobe.pipelines.submission
from gogobe.commands import flink_target
from gogobe.commands.flink_target import FlinkTarget
from gogobe.io.kafka.reading import Share
from gogobe.local.flink import FlinkJob
from tests.commands.test_commands import ADDRESSES, run

RUNNING = FlinkJob("a1", "gogobe-parse", "RUNNING", "127.0.0.1:1")
TARGET = FlinkTarget("127.0.0.1:2", "127.0.0.1:3", ("127.0.0.1:1",), 2, 2, room=None)
REPLACE = ["run", "parse", *ADDRESSES, "--runner=FlinkRunner", "--flink-master=127.0.0.1:1", "--replace"]


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was done to Flink, in order: stopped, cancelled, submitted."""
    done: list[Any] = []

    def submit(_kind: Any, flags: Sequence[str]) -> Mock:
        done.append([flag for flag in flags if flag.startswith("--savepoint_path")])
        return Mock(state="RUNNING")

    def stop(job: FlinkJob) -> str:
        done.append(f"stopped {job.id}")
        return "file:/savepoints/1"

    @contextlib.contextmanager
    def of_cluster(*_arguments: Any) -> Iterator[FlinkTarget]:
        yield TARGET

    ended = FlinkJob("a0", "gogobe-parse", "CANCELED", "127.0.0.1:1")
    for module in ("gogobe.commands.flink_target", "gogobe.commands.run"):
        monkeypatch.setattr(f"{module}.jobs", lambda _: [ended, RUNNING])
    monkeypatch.setattr(flink_target, "stop_with_savepoint", stop)
    monkeypatch.setattr(flink_target, "cancel_jobs", lambda _, ids: done.append(f"cancelled {ids}"))
    monkeypatch.setattr("gogobe.commands.run.of_cluster", of_cluster)
    monkeypatch.setattr("gogobe.commands.run.grpc_answers", lambda _: True)
    monkeypatch.setattr("gogobe.commands.run.check_servers", lambda _: None)
    monkeypatch.setattr("gogobe.commands.run.wait_for_job", lambda *_, **__: RUNNING)
    monkeypatch.setattr(gogobe.pipelines.submission, "submit", submit)
    return done


def test_with_its_state_the_new_job_starts_from_the_savepoint_of_the_one_before(
    tmp_path: Path, done: list[Any]
):
    result = run(tmp_path, *REPLACE, "--keep-state")
    assert result.exit_code == 0, result.output
    assert done == ["stopped a1", "cancelled ['a1']", ["--savepoint_path=file:/savepoints/1"]]


def test_without_its_state_it_starts_from_the_committed_offsets(tmp_path: Path, done: list[Any]):
    result = run(tmp_path, *REPLACE)
    assert result.exit_code == 0, result.output
    assert done == ["cancelled ['a1']", []]


@pytest.mark.usefixtures("done")
def test_a_job_that_reads_the_same_is_not_stopped_unasked():
    with pytest.raises(click.UsageError, match="gogobe-parse is running: `gogobe run parse --replace`"):
        TARGET.make_room("parse", [Share()], replace=False, keep_state=False)


@pytest.mark.usefixtures("done")
def test_another_job_is_not_in_the_way():
    assert TARGET.make_room("load", [Share()], replace=False, keep_state=False) == {}
