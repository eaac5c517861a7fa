"""What `gogobe history` and `gogobe prices --city` print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

from gogobe.cli import main
from gogobe.commands import history as history_command
from gogobe.commands import prices as prices_command
from gogobe.commands.terminal import PlainConsole
from gogobe.database.load.loader import Loader
from gogobe.database.views import refresh_views
from tests.database.samples import file_batches, item, store

MILK = "7290000042435"


@pytest.fixture
def market(dsn: str) -> str:
    with Loader(dsn) as loader:
        described = store("5", name="שלי רחובות המדע", address="המדע 7, פארק המדע", city="קרית אתא")
        loader.load(file_batches([described], kind="stores"))
        for hour, price in ((0, "5"), (24, "6.5")):
            loader.load(file_batches([item(MILK, price, name="חלב טרי 3%")], hour=hour))
    refresh_views(dsn)
    return dsn


def run(dsn: str, tmp_path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--database", dsn, "--var", str(tmp_path)])


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("history", "חלב", "3%"), ["5.00 ILS", "6.50 ILS", "+1.50", "first", "shufersal", MILK]),
        (("prices", "חלב", "--city", "קריית אתא"), ["6.50 ILS", "old", "shufersal", MILK]),
    ],
)
def test_tables_fit_the_terminal(
    market: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    width: int,
    words: tuple[str, ...],
    shown: list[str],
) -> None:
    for module in (history_command, prices_command):
        monkeypatch.setattr(module, "wide_console", lambda: PlainConsole(width=width))
    result = run(market, tmp_path, *words)
    assert result.exit_code == 0, result.output
    table = [line for line in result.output.splitlines() if line[:1] in "┏┃│└"]
    assert table
    assert max(map(cell_len, table)) <= width
    assert [text for text in shown if text not in result.output] == []


def test_another_store_that_begins_with_the_same_price_is_no_change(market: str, tmp_path: Path) -> None:
    with Loader(market) as loader:
        loader.load(file_batches([item(MILK, "6.5", name="חלב טרי 3%")], store_id="6", hour=48))
    refresh_views(market)
    result = run(market, tmp_path, "history", MILK)
    assert "same" in result.output
    assert "+0.00" not in result.output


def test_json_has_the_points(market: str, tmp_path: Path) -> None:
    found = json.loads(run(market, tmp_path, "history", MILK, "--json").output)
    assert [(one["since"], one["price"], one["is_first"]) for one in found["points"]] == [
        ("2025-08-07T06:00:00Z", "5", True),
        ("2025-08-08T06:00:00Z", "6.5", False),
    ]
    local = json.loads(run(market, tmp_path, "prices", MILK, "--city", "6800", "--json").output)
    assert (local["city"]["name"], local["prices"][0]["store"]) == ("קריית אתא", "שלי רחובות המדע")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("history", "ירושלים"), 1, "no product matches"),
        (("prices", "חלב", "--city", "חיפה"), 1, "in the stores of חיפה"),
        (("prices", "חלב", "--city", "חיפהה"), 2, "similar names: חיפה"),
    ],
)
def test_what_is_not_found_is_said(
    market: str, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    result = run(market, tmp_path, *words)
    assert (result.exit_code, said in result.output) == (code, True), result.output
