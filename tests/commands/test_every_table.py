"""All commands that print a table: it fits the terminal, no code is cut, and there is JSON instead."""

from __future__ import annotations

import importlib
import io
import pkgutil
from collections.abc import Iterator
from typing import Final

import click
import pytest
from rich.cells import cell_len

import gogobe.commands
from gogobe.cli import main
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole

# They print no table: a sentence, a log, or the form of another program.
WITHOUT_JSON: Final = {
    "up", "down", "logs", "demo", "retry", "run ingest", "run download", "run parse", "run load",
    "views refresh", "masters build", "masters publish", "masters rollback", "masters merge",
    "metrics",
}  # fmt: skip
HEBREW: Final = "חלב תנובה טרי 3% שומן בקרטון עם פקק 1 ליטר"


def commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")
        else:
            yield f"{path}{name}", command


def test_every_command_that_prints_a_table_has_json():
    found = dict(commands(main))
    without = {
        name for name, command in found.items() if not any("--json" in one.opts for one in command.params)
    }
    assert without - WITHOUT_JSON == set()
    assert WITHOUT_JSON - without == set()


def tables() -> dict[str, tuple[Column, ...]]:
    """The columns of every table, by module and name."""
    found: dict[str, tuple[Column, ...]] = {}
    for info in pkgutil.iter_modules(gogobe.commands.__path__):
        module = importlib.import_module(f"gogobe.commands.{info.name}")
        for name, value in vars(module).items():
            if isinstance(value, tuple) and value and all(isinstance(one, Column) for one in value):
                found[f"{info.name}.{name}"] = value
    return found


def test_tables_are_found():
    modules = {name.partition(".")[0] for name in tables()}
    assert modules >= {
        "chains",
        "crawl",
        "files",
        "history",
        "load",
        "masters",
        "merges",
        "prices",
        "review",
        "status",
    }


def row(columns: tuple[Column, ...], number: int) -> list[str]:
    """A row with long words, and codes of thirteen digits."""
    return [
        HEBREW if column.words else f"{7290000000000 + number * 100 + place}"
        for place, column in enumerate(columns)
    ]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", sorted(tables()))
@pytest.mark.parametrize("stacked_from", [0, 1])
def test_no_code_is_cut_and_no_column_is_empty(name: str, width: int, stacked_from: int):
    columns = tables()[name]
    rows = [row(columns, number) for number in range(3)]
    out = io.StringIO()
    print_table(PlainConsole(width=width, file=out), columns, rows, stacked_from=stacked_from)
    text = out.getvalue()
    lines = text.splitlines()
    if lines[0].startswith("┏"):
        assert all(cell_len(line) <= width for line in lines)
        assert "┃ ┃" not in text
        assert "…" not in text
    for one in rows:
        for column, value in zip(columns, one, strict=True):
            if not column.words and column.rank == 0:
                assert value in text


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch):
    columns = tables()["prices._CHAIN_COLUMNS"]
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    print_table(PlainConsole(width=80, file=out, force_terminal=True), columns, [row(columns, 1)])
    assert "\x1b[3" not in out.getvalue()
    assert "\x1b[9" not in out.getvalue()
