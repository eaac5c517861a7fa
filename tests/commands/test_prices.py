"""What `gogobe prices` prints, by rendering it at several widths."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from gogobe.cli import main
from gogobe.commands import prices as command
from gogobe.commands.terminal import PlainConsole
from gogobe.database.load.loader import Loader
from gogobe.database.views import refresh_views
from tests.database.samples import file_batches, item, promotion

MILK = "7290000042435"


@pytest.fixture
def market(dsn: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Three chains that sell milk; times are local in Jerusalem."""
    monkeypatch.setenv("TZ", "Asia/Jerusalem")
    time.tzset()
    with Loader(dsn) as loader:
        for number, chain in enumerate(("king_store", "super_sapir", "rami_levy")):
            where: dict[str, Any] = {"chain": chain, "chain_id": str(number)}
            milk = item(MILK, f"{5 + number}.9", name="חלב תנובה 3% שומן בקרטון 1 ליטר מועשר בויטמינים")
            loader.load(file_batches([milk], **where))
            offer = promotion("1", MILK, discounted_price=7, club_ids=["1"])
            loader.load(file_batches([offer], kind="promofull", **where))
    refresh_views(dsn)
    yield dsn
    monkeypatch.undo()
    time.tzset()


def run(dsn: str, tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["prices", *words, "--database", dsn, "--var", str(tmp_path)])


@pytest.mark.parametrize("width", [80, 120])
def test_a_table_fits_the_terminal(
    market: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(command, "wide_console", lambda: PlainConsole(width=width))
    result = run(market, tmp_path, "חלב", "תנובה", "3%")
    assert result.exit_code == 0, result.output
    table = [line for line in result.output.splitlines() if line[:1] in "┏┃│└"]
    assert max(map(cell_len, table)) <= width
    for text in ("king_store", "super_sapir", "5.90 ILS", "2025-08-07 09:00", "IDT", "old"):
        assert text in result.output
    assert MILK in result.output


def test_json_has_a_product_a_line(market: str, tmp_path: Path) -> None:
    result = run(market, tmp_path, MILK, "--json")
    (line,) = result.output.splitlines()
    found = json.loads(line)
    assert (found["master_id"], [one["cheapest"] for one in found["prices"]]) == (
        int(MILK),
        ["5.9", "6.9", "7.9"],
    )
    assert found["prices"][0]["last_seen_at"] == "2025-08-07T06:00:00Z"
    assert found["prices"][0]["is_old"] is True


def test_the_setting_says_what_is_old(market: str, tmp_path: Path) -> None:
    assert "old" not in run(market, tmp_path, MILK, "--price-days", "36500").output
    assert "price_days" in run(market, tmp_path, MILK, "--price-days", "0").output


@pytest.mark.parametrize("words", [["ירושלים"], ["ירושלים", "--json"]])
def test_nothing_found_is_said_and_the_exit_code_is_1(
    market: str, tmp_path: Path, words: Sequence[str]
) -> None:
    result = run(market, tmp_path, *words)
    assert result.exit_code == 1
    assert "no product matches 'ירושלים'" in result.output
