"""`gogobe files`: the ledger on terminals of any width."""

from __future__ import annotations

import io
import json

import pytest
from rich.cells import cell_len

from gogobe.commands import files as command
from gogobe.commands.terminal import PlainConsole
from gogobe.database.load.loader import Loader
from tests.commands.conftest import Gogobe
from tests.database.samples import file_batches, item

NAME = "PriceFull7290455000004-000-35-20260910060202-060202.gz"


@pytest.fixture
def loaded(dsn: str) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5"), item("2", "6")], file=NAME, complete=False))


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("width", [80, 120, 170])
def test_names_and_numbers_are_whole_at_any_width(gogobe: Gogobe, width: int, monkeypatch: pytest.MonkeyPatch):
    screen = PlainConsole(width=width, file=io.StringIO())
    monkeypatch.setattr(command, "wide_console", lambda: screen)
    assert gogobe("files").exit_code == 0
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    for part in (NAME, "incomplete", "shufersal"):
        assert part in text
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text


@pytest.mark.usefixtures("loaded")
def test_counts_of_all_that_match_are_said(gogobe: Gogobe):
    result = gogobe("files", "--state", "incomplete", "--since", "1d")
    assert "1 of 1 file shown: 1 incomplete" in result.output
    assert gogobe("files", "--state", "loaded").output == "0 of 0 files shown\n"
    (line,) = gogobe("files", "--json", "--address", NAME).output.splitlines()
    assert json.loads(line)["read"] == 2


def test_a_time_that_is_none_is_refused(gogobe: Gogobe):
    result = gogobe("files", "--since", "yesterday")
    assert result.exit_code == 2
    assert "or how long ago: 30m, 2h, 7d" in result.output
