"""What the commands say to wrong input, and that they end without a traceback."""

from pathlib import Path

import click.testing
import pytest

from gogobe.cli import main

NOWHERE = "postgresql://gogobe@127.0.0.1:1/gogobe"


def run(tmp_path: Path, *arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, [*arguments, "--var", str(tmp_path)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prices", "חלב"], "no database address: start a local stack with `gogobe up`"),
        (["prices", "חלב", "--database", NOWHERE], "the database cannot be reached"),
        (["prices", "חלב", "--database", "notadsn"], 'missing "="'),
        (["announce", "http://a/b.gz", "--chain", "shufersal"], "no kafka address"),
        (["announce", "http://a/b.gz", "--chain", "", "--kafka", "127.0.0.1:1"], "not an announcement"),
        (["ingest", "--kafka", "127.0.0.1:1"], "no database address"),
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


def test_down_with_nothing_to_stop(tmp_path: Path):
    result = run(tmp_path, "down")
    assert (result.exit_code, result.output) == (0, "nothing was running\n")


def test_prices_are_compared(dsn: str, tmp_path: Path):
    result = run(tmp_path, "prices", "7290000042435", "--database", dsn)
    assert result.exit_code == 1
    assert result.output == "no product matches '7290000042435'\n"
