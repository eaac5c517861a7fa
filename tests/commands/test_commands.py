"""What the commands say to wrong input, and that they end without a traceback."""

from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import click.testing
import pytest

import gogobe.pipelines.ingest
from gogobe.cli import main

NOWHERE = "postgresql://gogobe@127.0.0.1:1/gogobe"


def run(tmp_path: Path, *arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, [*arguments, "--var", str(tmp_path)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prices", "חלב"], "no database address: start a local stack with `gogobe up`"),
        (["prices", "חלב", "--database", NOWHERE], "the database cannot be reached"),
        (["prices", "חלב", "--database", "notadsn"], "database: not an address"),
        (["announce", "http://a/b.gz", "--chain", "shufersal"], "no kafka address"),
        (["announce", "http://a/b.gz", "--chain", "", "--kafka", "127.0.0.1:1"], "not an announcement"),
        (
            ["announce", "https://user:S3cr3t@a/b.gz", "--chain", "c", "--kafka", "127.0.0.1:1"],
            "https://a/b.gz: give the address without user and password",
        ),
        (["ingest", "--kafka", "127.0.0.1:1"], "no database address"),
        (["masters", "build", "\udcff.csv"], "'\\udcff.csv'"),
        (["status"], "the stack is not running"),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(tmp_path: Path, arguments: list[str], said: str):
    result = run(tmp_path, *arguments)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert said in result.output


def test_ingest_to_flink_needs_a_stack(tmp_path: Path):
    given = ["--kafka", "127.0.0.1:1", "--database", NOWHERE, "--expansion-service", "127.0.0.1:1"]
    result = run(tmp_path, "ingest", *given)
    assert result.exit_code == 2
    assert "no local stack runs: `gogobe up` first, or name a --runner" in result.output


def test_ingest_refuses_a_flag_that_nobody_knows_before_it_does_anything(tmp_path: Path):
    result = run(tmp_path, "ingest", "--replace", "--max_bundle_sizes=3")
    assert result.exit_code == 2
    assert "--max_bundle_sizes: no option" in result.output
    assert "did you mean --max_bundle_size?" in result.output


def test_ingest_takes_settings_in_either_spelling_and_passes_beams_own_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    submitted: list[str] = []

    def submit(flags: Sequence[str]) -> Mock:
        submitted.extend(flags)
        return Mock(state="RUNNING")

    monkeypatch.setattr(gogobe.pipelines.ingest, "submit", submit)
    given = [
        "--kafka=127.0.0.1:1",
        "--database",
        NOWHERE,
        "--expansion_service=127.0.0.1:1",
        "--views_every=77",
    ]
    result = run(tmp_path, "ingest", *given, "--fetch-threads", "3", "--runner=DirectRunner", "--job_name", "x")
    assert (result.exit_code, result.output) == (0, "submitted: running\n")
    assert submitted[:3] == ["--runner=DirectRunner", "--job_name", "x"]
    assert {"--views_every=77.0", "--fetch_threads=3", "--expansion_service=127.0.0.1:1"} <= set(submitted)


def test_down_with_nothing_to_stop(tmp_path: Path):
    result = run(tmp_path, "down")
    assert (result.exit_code, result.output) == (0, "nothing was running\n")


def test_prices_are_compared(dsn: str, tmp_path: Path):
    result = run(tmp_path, "prices", "7290000042435", "--database", dsn)
    assert result.exit_code == 1
    assert result.output == "no product matches '7290000042435'\n"
