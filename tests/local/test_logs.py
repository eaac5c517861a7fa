"""Logs: appended, rotated and bounded, read from their end, followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogobe.local.logs import (
    OLD_LOGS,
    LogFollower,
    last_lines,
    lines_since_start,
    old_log,
    open_log,
    trim,
)


def write(log: Path, text: str, max_bytes: int = 1000) -> None:
    with open_log(log, "Thing", max_bytes) as output:
        output.write(text.encode())


def test_a_log_is_appended_to(tmp_path: Path):
    log = tmp_path / "log" / "thing.log"
    write(log, "first\n")
    write(log, "second\n")
    lines = log.read_text().splitlines()
    assert lines[1] == "first"
    assert lines[3] == "second"
    assert lines[0].startswith("--- Thing is started at 20")
    assert lines_since_start(log) == ["second"]


def test_a_large_log_is_renamed_at_a_start_and_old_ones_are_bounded(tmp_path: Path):
    log = tmp_path / "thing.log"
    for number in range(OLD_LOGS + 4):
        write(log, f"{number}" + "x" * 2000 + "\n")
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["thing.log", *(f"thing.log.{number}" for number in range(1, OLD_LOGS + 1))]
    starts = [old_log(log, number).read_text().splitlines()[1][0] for number in range(1, OLD_LOGS + 1)]
    assert starts == ["6", "5", "4", "3"]


def test_a_large_log_of_a_running_service_is_copied_and_truncated(tmp_path: Path):
    log = tmp_path / "thing.log"
    with open_log(log, "Thing") as output:
        output.write(b"x" * 2000 + b"\n")
        output.flush()
        assert not trim(log, 5000)
        assert trim(log, 1000)
        output.write(b"later\n")
    assert log.read_text() == "later\n"
    assert "x" * 2000 in old_log(log, 1).read_text()


@pytest.mark.parametrize("count", [0, 1, 3, 1000, 5000])
def test_the_last_lines_continue_in_rotated_logs(tmp_path: Path, count: int):
    log = tmp_path / "thing.log"
    lines = [f"line {number} ψ" + "y" * (number % 300) for number in range(3000)]
    old_log(log, 1).write_text("\n".join(lines[:1500]) + "\n")
    log.write_text("\n".join(lines[1500:]) + "\n")
    assert last_lines(log, count) == (lines[-count:] if count else [])


def test_of_no_log_there_are_no_lines(tmp_path: Path):
    assert last_lines(tmp_path / "none.log", 5) == []


def test_new_lines_are_followed_over_a_rotation(tmp_path: Path):
    log, other = tmp_path / "thing.log", tmp_path / "other.log"
    log.write_text("before\n")
    follower = LogFollower({"thing": log, "other": other})
    assert list(follower.new_lines()) == []
    with log.open("a") as output:
        output.write("whole\nhalf")
        output.flush()
        assert list(follower.new_lines()) == [("thing", "whole")]
        output.write(" line\n")
    assert list(follower.new_lines()) == [("thing", "half line")]
    log.write_text("new\n")
    other.write_text("appears\n")
    assert list(follower.new_lines()) == [("thing", "new"), ("other", "appears")]
