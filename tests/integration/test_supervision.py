"""A stack that is supervised: each service is killed once and stopped once (SIGSTOP), and comes back where it
was."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gogobe.local.jobs import JobRecord
from gogobe.local.processes import Records, is_running
from gogobe.local.services import StackFolders, services_of
from gogobe.local.stack import Stack
from gogobe.local.state import read_state

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


def wait_until(what: str, true: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.1)


def test_each_service_that_dies_or_hangs_comes_back_at_its_address(tmp_path: Path, jars: Path):
    stack = Stack(tmp_path, jars, task_managers=1)
    submitted = tmp_path / "submitted"
    try:
        with stack.running(supervised=True) as addresses:
            state = read_state(tmp_path)
            assert state is not None
            services = services_of(StackFolders.of(tmp_path, jars), state.ports, 1)
            records = Records(tmp_path / "services")
            code = f"import pathlib; pathlib.Path({str(submitted)!r}).touch()"
            stack.jobs.add(JobRecord("a-job", (sys.executable, "-c", code)))
            before: dict[str, int] = {}

            def back(name: str) -> bool:
                record = records.get(name)
                return record is not None and record.pid != before[name] and is_running(record)

            for number, sent in enumerate((signal.SIGKILL, signal.SIGSTOP), start=1):
                before |= {one.name: one.pid for one in records.read() if one.name != "Supervisor"}
                assert set(before) == {service.name for service in services}
                assert "TaskManager 1" in before
                submitted.unlink(missing_ok=True)
                for pid in before.values():
                    os.kill(pid, sent)
                for service in services:
                    wait_until(f"{service.name} started again", partial(back, service.name))
                    record = records.get(service.name)
                    assert record is not None
                    wait_until(f"{service.name} ready", partial(service.ready, record))
                    assert len(record.restarts) >= number
                assert stack.addresses() == addresses
                wait_until("the lost job submitted", submitted.exists)
                for name, answers in stack.questions().items():
                    wait_until(f"{name} answers", answers)
                assert {one.running for one in stack.status()} == {True}
    finally:
        stack.stop()
    assert stack.status() == []
