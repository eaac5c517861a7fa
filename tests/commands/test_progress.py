"""Progress on a terminal and in a pipe."""

from __future__ import annotations

import io

import pytest

from gogobe.commands import progress
from gogobe.commands.progress import progress_line, working
from gogobe.commands.terminal import PlainConsole


def test_in_a_pipe_progress_is_lines_and_not_too_many():
    out = io.StringIO()
    now = [0.0]
    with progress_line(PlainConsole(file=out, width=20), "Starting …", lambda: now[0]) as say:
        for second, text in enumerate(["1 file", "1 file", "2 files", "2 files", "3 files and more than fit"]):
            now[0] = float(second)
            say(text)
    assert out.getvalue() == "Starting …\n2 files\n3 files and more than fit\n"


def test_short_work_says_nothing_in_a_pipe_and_long_work_a_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(progress, "LINE_SECONDS", 600.0)
    with working("Building …"):
        pass
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    with working("Building …"):
        said = ""
        while "\n" not in said:
            said += capfd.readouterr().err
    assert said == "Building …\n"


def test_on_a_terminal_it_is_one_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TERM", "xterm")
    out = io.StringIO()
    with progress_line(PlainConsole(file=out, width=60, force_terminal=True), "Starting …") as say:
        say("1 file")
    assert "1 file" in out.getvalue()
    assert "\x1b[2K" in out.getvalue()  # the line is removed at the end
