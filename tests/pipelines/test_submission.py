"""The order of a submission: what needs the servers comes when they are ready."""

from __future__ import annotations

from typing import Any

import pytest

from gogobe.pipelines import submission
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.submission import submit

FLAGS = ["--runner=FlinkRunner", "--streaming", "--kafka=127.0.0.1:1", "--database=postgresql://127.0.0.1:1/x"]


class Steps:
    """The steps of a submission, in their order. `builds_fail`: so many attempts to build the job fail."""

    def __init__(self, builds_fail: int = 0) -> None:
        self.done: list[str] = []
        self.builds_fail = builds_fail

    def built(self, *_: object) -> Any:
        self.done.append("build")
        if self.builds_fail:
            self.builds_fail -= 1
            raise RuntimeError("no expansion service yet")
        return self

    def run(self) -> str:
        self.done.append("run")
        return "running"

    def step(self, name: str) -> Any:
        return lambda *_: self.done.append(name)


def submitted(steps: Steps, monkeypatch: pytest.MonkeyPatch, *wait: Any) -> list[str]:
    monkeypatch.setattr(submission, "built", steps.built)
    monkeypatch.setattr(submission, "prepare", steps.step("prepare"))
    assert submit(INGEST_JOB, FLAGS, *wait) == "running"
    return steps.done


def test_a_job_is_built_on_servers_that_are_prepared(monkeypatch: pytest.MonkeyPatch):
    assert submitted(Steps(), monkeypatch) == ["prepare", "build", "run"]


def test_a_job_is_built_before_the_servers_are_ready(monkeypatch: pytest.MonkeyPatch):
    steps = Steps()
    done = submitted(steps, monkeypatch, steps.step("ready"))
    assert done == ["build", "ready", "prepare", "run"]


def test_a_job_that_needs_its_servers_is_built_after_them(monkeypatch: pytest.MonkeyPatch):
    steps = Steps(builds_fail=1)
    done = submitted(steps, monkeypatch, steps.step("ready"))
    assert done == ["build", "ready", "prepare", "build", "run"]
