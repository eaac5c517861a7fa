"""A stack that is supervised: each service is killed once, and comes back where it was."""

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


def test_each_service_that_is_killed_comes_back_at_its_address(tmp_path: Path, jars: Path):
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
            killed = {record.name: record.pid for record in records.read() if record.name != "Supervisor"}
            assert set(killed) == {service.name for service in services}
            assert "TaskManager 1" in killed
            for pid in killed.values():
                os.kill(pid, signal.SIGKILL)

            def back(name: str) -> bool:
                record = records.get(name)
                return record is not None and record.pid != killed[name] and is_running(record)

            for service in services:
                wait_until(f"{service.name} started again", partial(back, service.name))
                record = records.get(service.name)
                assert record is not None
                wait_until(f"{service.name} ready", partial(service.ready, record))
                assert len(record.restarts) >= 1
            assert stack.addresses() == addresses
            wait_until("the lost job submitted", submitted.exists)
            assert {one.running for one in stack.status()} == {True}
    finally:
        stack.stop()
    assert stack.status() == []
