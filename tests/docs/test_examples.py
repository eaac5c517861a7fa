"""The examples of docs/examples.md run, and the commands of all pages exist with their flags."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gogobe.cli import main
from tests.docs.commands import PAGES, ROOT, check, in_blocks, in_sentences

TEXT = (ROOT / "docs" / "examples.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", TEXT, re.M | re.S))
ONLY_CHECKED = "Stream"


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_exist_with_their_flags(page: str):
    text = (ROOT / page).read_text("utf-8")
    for command in in_blocks(text):
        check(command, is_whole=True)
    for command in in_sentences(text):
        check(command, is_whole=False)


def test_the_paths_that_pages_inspect_are_files():
    commands = [one for page in PAGES for one in in_blocks((ROOT / page).read_text("utf-8"))]
    inspected = [word for one in commands if one.startswith("inspect ") for word in one.split()]
    patterns = [word for word in inspected if word.startswith("gogobe/")]
    found = {pattern: list(ROOT.glob(pattern)) for pattern in patterns}
    assert len(found) >= 3
    assert [pattern for pattern, paths in found.items() if not paths or not all(map(Path.is_file, paths))] == []


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        ("ingest", "No such command"),
        ("masters bild", "No such command"),
        ("crawl --onse", "No such option"),
        ("load", "Missing argument"),
        ("prices 1 --limit few", "not a valid integer"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(command: str, problem: str):
    with pytest.raises(click.UsageError) as error:
        check(command, is_whole=True)
    assert problem in error.value.format_message()


@pytest.fixture
def environment(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database, an object store and a folder of snapshots of their own, and the checkout as the current folder."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("GOGOBE_DATABASE", dsn)
    for name in ("STORE", "MASTERS", "VAR"):
        monkeypatch.setenv(f"GOGOBE_{name}", str(tmp_path / name.lower()))


@pytest.mark.slow
@pytest.mark.usefixtures("environment")
def test_the_examples_run_in_their_order():
    ran = []
    for title, text in SECTIONS.items():
        if title == ONLY_CHECKED:
            continue
        for command in in_blocks(text):
            result = CliRunner().invoke(main, shlex.split(command))
            assert result.exit_code == 0, (command, result.output, result.exception)
            ran.append(command)
    assert len(ran) >= 12
    assert {command.split()[0] for command in ran} == {"inspect", "load", "prices", "views", "masters"}


@pytest.mark.slow
def test_the_python_runs():
    blocks = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    assert blocks
    for code in blocks:
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("626 True ")
