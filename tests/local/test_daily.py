"""What a stack runs once a day."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gogobe.cli import main
from gogobe.local.addresses import StackPorts
from gogobe.local.daily import EVERY_SECONDS, Daily, retention_command
from tests.local.waiting import wait_for

AT = 1_000_000.0


@pytest.mark.slow
def test_it_runs_a_day_after_the_first_look_and_then_each_day(tmp_path: Path):
    ran = tmp_path / "ran"
    write = f"import pathlib; pathlib.Path({str(ran)!r}).open('a').write('x')"
    command = [sys.executable, "-c", write]

    def look(at: float, *, ready: bool = True) -> None:
        Daily(command, tmp_path / "stamp", tmp_path / "log").look(at, lambda: ready)

    look(AT)
    look(AT + EVERY_SECONDS - 1)
    look(AT + EVERY_SECONDS, ready=False)
    assert not ran.exists()
    look(AT + EVERY_SECONDS)
    wait_for(lambda: ran.exists() and ran.read_text() == "x")
    look(AT + EVERY_SECONDS + 1)
    look(AT + 2 * EVERY_SECONDS)
    wait_for(lambda: ran.read_text() == "xx")


@pytest.mark.slow
def test_a_failure_is_logged_and_the_next_day_comes(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    daily = Daily([sys.executable, "-c", "exit('no store')"], tmp_path / "stamp", tmp_path / "log")
    daily.look(AT, lambda: True)
    daily.look(AT + EVERY_SECONDS, lambda: True)

    def reported() -> bool:
        daily.look(AT + EVERY_SECONDS + 1, lambda: True)
        return "ended with code 1" in caplog.text

    wait_for(reported)
    assert "no store" in (tmp_path / "log").read_text()


def test_the_command_names_what_is_the_stack_s_own(tmp_path: Path):
    addresses = StackPorts.choose().addresses(tmp_path / "data" / "postgres")
    _, _, module, command, *flags = retention_command(tmp_path, addresses)
    assert (module, command) == ("gogobe", "retention")
    options = {option.name for option in main.commands[command].params}
    names = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    assert set(names) <= options
    assert names["database"] == addresses.database
    assert names["store"] == str(tmp_path / "store")
