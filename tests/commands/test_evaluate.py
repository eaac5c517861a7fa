"""`gogobe masters evaluate` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from gogobe.commands.evaluate import evaluate_command

pytestmark = pytest.mark.slow

SAMPLE = Path(__file__).parents[1] / "masters" / "data" / "items_4_chains_2026-08-10.csv.gz"
KEYS = {
    "queries",
    "negatives",
    "candidate_recall_at_1",
    "candidate_recall_at_10",
    "candidate_recall_at_50",
    "rerank_recall_at_1",
    "accepted",
    "accept_precision",
    "accept_recall",
    "queries_per_second",
    "exact_recall_at_50",
}


def test_json_of_one_chain_and_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "curve.png"
    arguments = [str(SAMPLE), "--json", "--limit", "60", "--hold-out", "7290700100008", "--plot", str(picture)]
    result = CliRunner().invoke(evaluate_command, arguments)
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert set(figures) >= KEYS
    assert set(figures["chains"][0]) >= KEYS
    assert figures["queries"] == 60
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_table_for_people() -> None:
    result = CliRunner().invoke(evaluate_command, [str(SAMPLE), "--limit", "40", "--hold-out", "7290696200003"])
    assert result.exit_code == 0, result.output
    assert "7290696200003" in result.output


def test_what_is_wrong_is_said_in_a_line(tmp_path: Path) -> None:
    missing = CliRunner().invoke(evaluate_command, [str(tmp_path / "none.csv")])
    assert missing.exit_code == 1
    assert "none.csv" in missing.output
    unknown = CliRunner().invoke(evaluate_command, [str(SAMPLE), "--hold-out", "9"])
    assert unknown.exit_code == 1
    assert "no chain 9" in unknown.output
