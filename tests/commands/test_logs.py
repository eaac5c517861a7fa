"""`gogobe logs` and `gogobe down SERVICE`, over services that are small programs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from gogobe.cli import main
from gogobe.local.logs import old_log
from gogobe.local.processes import Records, is_running
from gogobe.local.stack import Stack

CODE = "print('it works \\x1b[31m', flush=True); import time; time.sleep(600)"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, list(arguments))
    return result.exit_code, result.output


@pytest.fixture
def var(tmp_path: Path):
    log = tmp_path / "log" / "java-worker.log"

    def ready() -> bool:
        return log.exists() and "it works" in log.read_text()

    with Stack(tmp_path).service("Java worker", [sys.executable, "-c", CODE], ready):
        yield tmp_path


def test_the_end_of_one_log_and_of_all(var: Path):
    (var / "log" / "kafka.log").write_text("".join(f"line {number}\n" for number in range(100)))
    code, output = run("logs", "Java worker", "--var", str(var))
    assert code == 0
    assert output.splitlines()[1:] == ["it works \\x1b[31m"]
    assert run("logs", "kafka", "-n", "2", "--var", str(var)) == (0, "line 98\nline 99\n")
    _, output = run("logs", "--var", str(var))
    assert [line for line in output.splitlines() if line.startswith("==")] == [
        f"== java-worker ({var}/log/java-worker.log)",
        f"== kafka ({var}/log/kafka.log)",
    ]
    assert "line 95\n" in output
    assert "line 94\n" not in output


def test_rotated_lines_are_shown_too(var: Path):
    log = var / "log" / "kafka.log"
    old_log(log, 1).write_text("old\n")
    log.write_text("new\n")
    assert run("logs", "kafka", "--var", str(var)) == (0, "old\nnew\n")


def test_an_unknown_service_is_reported_with_the_known_ones(var: Path):
    code, output = run("logs", "zookeeper", "--var", str(var))
    assert code == 2
    assert "zookeeper has no log" in output
    assert "java-worker" in output
    code, output = run("down", "zookeeper", "--var", str(var))
    assert code == 1
    assert "its services are Java worker" in output


def test_without_a_stack_there_are_no_logs(tmp_path: Path):
    code, output = run("logs", "--var", str(tmp_path))
    assert code == 1
    assert "nothing was started there" in output


def test_one_service_is_stopped_and_held(var: Path):
    code, output = run("down", "java worker", "--var", str(var))
    assert (code, output) == (0, "java worker is stopped: `gogobe up` starts it again\n")
    records = Records(var / "services")
    (record,) = records.read()
    assert not is_running(record)
    assert records.is_held("Java worker")
