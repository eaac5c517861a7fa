"""`gogobe load`: exit codes, what it prints, and for whom."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gogobe.cli import main
from gogobe.commands import load as command
from gogobe.commands import space
from gogobe.demo.published import FEEDS

SMALL = "Price7290058140886-001-202506110900.gz"
PROMOTIONS = "Promo7290058140886-001-202506111000.gz"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in (SMALL, PROMOTIONS):
        shutil.copy(FEEDS / name, folder / name)
    return folder


def run(tmp_path: Path, dsn: str, *arguments: str) -> Result:
    environment = {
        "GOGOBE_DATABASE": dsn,
        "GOGOBE_STORE": str(tmp_path / "store"),
        "GOGOBE_MASTERS": str(tmp_path / "masters"),
        "GOGOBE_CONFIG": None,
        "COLUMNS": "120",
    }
    return CliRunner().invoke(main, ["load", *arguments, "--var", str(tmp_path / "var")], env=environment)


def test_all_is_loaded_and_the_schema_made(tmp_path: Path, archive: Path, empty_dsn: str):
    result = run(tmp_path, empty_dsn, str(archive))
    assert result.exit_code == 0, result.output
    assert SMALL in result.stdout
    assert "2 files: 2 loaded; 323 rows" in result.stdout
    again = run(tmp_path, empty_dsn, str(archive), "--json")
    assert again.exit_code == 0
    lines = [json.loads(line) for line in again.stdout.splitlines()]
    assert [(line["file"], line["state"], line["read"]) for line in lines] == [
        (SMALL, "unchanged", 303),
        (PROMOTIONS, "unchanged", 20),
    ]
    assert "2 files: 2 unchanged" in again.stderr


def test_a_file_that_is_not_loaded_whole_is_exit_code_1_and_its_problem_printed(
    tmp_path: Path, archive: Path, dsn: str
):
    (archive / "notes.txt").write_text("no feed")
    (archive / "Price7290058140886-002-202506110900.gz").write_bytes(b"<html>[/b] login</html>")
    result = run(tmp_path, dsn, str(archive))
    assert result.exit_code == 1
    assert "1 file skipped" in result.stderr
    assert "html_page" in result.stdout
    assert "3 files: 2 loaded, 1 refused" in result.stdout


def test_of_many_files_only_those_with_problems_are_listed(
    tmp_path: Path, archive: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(command, "FILES_SHOWN", 2)
    (archive / "Price7290058140886-002-202506110900.gz").write_bytes(b"<html></html>")
    result = run(tmp_path, dsn, str(archive))
    assert SMALL not in result.stdout
    assert "Price7290058140886-002-202506110900.gz" in result.stdout


def test_batches_go_to_stdout_and_the_report_to_stderr(tmp_path: Path, archive: Path):
    result = run(tmp_path, "", str(archive), "--stdout")
    assert result.exit_code == 0, result.output
    batches = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(batch["file"], len(batch.get("items", batch.get("promotions")))) for batch in batches] == [
        (SMALL, 303),
        (PROMOTIONS, 20),
    ]
    assert "2 files: 2 read; 323 rows" in result.stderr
    assert not (tmp_path / "store").exists()


def test_progress_in_a_pipe_is_lines(tmp_path: Path, archive: Path, dsn: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(command, "LINE_SECONDS", 0.0)
    result = run(tmp_path, dsn, str(archive), "--json")
    lines = [line for line in result.stderr.splitlines() if line.startswith("1 of 2 files")]
    assert lines
    assert re.search(r"rows?, [\d.,]+ (GB|MB) free: ", lines[0])
    assert PROMOTIONS in result.stderr


def test_a_disk_that_is_almost_full_is_told(
    tmp_path: Path, archive: Path, dsn: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(space, "SPACE_LOW", 1 << 62)
    total = shutil.disk_usage(tmp_path).total
    monkeypatch.setattr(shutil, "disk_usage", lambda _: space.Disk("", total // 11, total))
    result = run(tmp_path, dsn, str(archive))
    assert result.exit_code == 0
    warnings = [line for line in result.stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == len({*warnings})
    assert (
        f"warning: the disk of {tmp_path / 'var'} is almost full: {total // 11 >> 20} MB are left" in warnings
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument"),
        (("/none",), "/none: there is no such file or folder"),
        (("http://portal/x.gz",), "`gogobe announce`"),
        (("{tmp_path}",), "no file to load"),
        (("{tmp_path}", "--database", "postgresql://u:planted@h/d"), "database_password is a value"),
    ],
)
def test_what_cannot_be_loaded_is_said_at_once(tmp_path: Path, arguments: tuple[str, ...], said: str):
    nowhere = "postgresql://127.0.0.1:1/none"
    result = run(tmp_path, nowhere, *(one.format(tmp_path=tmp_path) for one in arguments))
    assert result.exit_code == 2
    assert said in result.output
    assert "planted" not in result.output


def test_a_database_out_of_reach_is_a_sentence(tmp_path: Path, archive: Path):
    result = run(tmp_path, "postgresql://127.0.0.1:1/none", str(archive))
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert "the database cannot be reached" in result.output


def test_a_store_that_takes_nothing_is_a_sentence(tmp_path: Path, archive: Path, dsn: str):
    (tmp_path / "store").write_text("a file in the place of a folder")
    result = run(tmp_path, dsn, str(archive))
    assert result.exit_code == 1
    assert "stopped: " in result.output
    assert "the same command loads the rest" in result.output
