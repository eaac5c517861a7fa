"""The stack's folder: what is removed when it stops, and services that are started later."""

from __future__ import annotations

import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from gogobe.local.guards import keep_private
from gogobe.local.processes import Records, ServiceRecord, StackError
from gogobe.local.stack import Stack
from gogobe.secrets import Secret
from tests.local.waiting import wait_for


def test_stopping_removes_the_secrets_of_its_pipelines(tmp_path: Path):
    stack = Stack(tmp_path)
    kept = Secret.of_value("planted").kept_in(stack.secrets / "database_password")
    assert kept.value() == "planted"
    assert stack.stop() == []
    assert not stack.secrets.exists()


SLEEPER = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"


def test_a_further_service_runs_for_the_length_of_a_with(tmp_path: Path):
    stack, started = Stack(tmp_path), tmp_path / "started"
    with stack.service("Sleeper", [sys.executable, "-c", SLEEPER, str(started)], started.exists):
        (status,) = stack.status()
        assert (status.name, status.running) == ("Sleeper", True)
    assert stack.status() == []
    assert not psutil.pid_exists(status.pid) or psutil.Process(status.pid).status() == psutil.STATUS_ZOMBIE


@pytest.mark.slow
def test_a_further_service_of_a_killed_owner_stops_with_the_stack(tmp_path: Path):
    owner = f"""
import sys, pathlib
from gogobe.local.stack import Stack
started = pathlib.Path({str(tmp_path / "started")!r})
with Stack(pathlib.Path({str(tmp_path)!r})).service("Sleeper", [sys.executable, "-c", {SLEEPER!r}, str(started)], started.exists):
    sys.stdin.read()
"""
    stack = Stack(tmp_path)
    with subprocess.Popen([sys.executable, "-c", owner], stdin=subprocess.PIPE) as process:
        # The owner may write the service's record later than the service begins.
        wait_for(lambda: (tmp_path / "started").exists() and len(stack.status()) == 1)
        process.kill()
    (status,) = stack.status()
    assert status.running
    assert stack.stop() == ["Sleeper"]
    assert not psutil.pid_exists(status.pid)


def test_a_further_service_that_is_not_ready_is_reported_with_its_log(tmp_path: Path):
    stack = Stack(tmp_path)
    command = [sys.executable, "-c", "print('no port is free')"]
    with (
        pytest.raises(StackError, match=r"(?s)Sleeper stopped while starting.*no port is free"),
        stack.service("Sleeper", command, lambda: False),
    ):
        pass
    assert stack.status() == []


def test_data_and_logs_are_for_their_owner_only(tmp_path: Path):
    (tmp_path / "log").mkdir(mode=0o755)
    keep_private(tmp_path)
    for name in ("data", "log"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o700


def test_restarts_count_for_ten_minutes(tmp_path: Path):
    now = time.time()
    record = ServiceRecord("Kafka", 2**22 + 1, now, "kafka.log", restarts=(now - 900, now - 5))
    Records(tmp_path / "services").add(record)
    (status,) = Stack(tmp_path).status()
    assert (status.running, status.restarts) == (False, 1)
