"""All commands that print a table: it fits the terminal, no code is cut, and there is JSON instead."""

from __future__ import annotations

import importlib
import io
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import pytest
from rich.cells import cell_len

import gogobe.commands
from gogobe.cli import main
from gogobe.commands.evaluate import show_evaluation
from gogobe.commands.evaluate_pairs import show_evaluation as show_pairs
from gogobe.commands.inspection import inspect_file
from gogobe.commands.inspection_output import print_inspection
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole
from gogobe.masters.evaluation.candidate_recall import CandidateRecall
from gogobe.masters.evaluation.evaluate import Evaluation, Figures
from gogobe.masters.evaluation.evaluate_pairs import (
    ChainPairs,
    PairError,
    PairEvaluation,
    PairFigures,
    Scope,
)
from gogobe.masters.evaluation.simulate_review import ReviewPoint
from gogobe.records.rows import Item, Promotion, Store

# They print no table: a sentence, a log, or the form of another program.
WITHOUT_JSON: Final = {
    "up", "down", "logs", "retry", "run ingest", "run download", "run parse", "run load",
    "views refresh", "masters build", "masters publish", "masters rollback", "masters merge",
    "metrics", "migrate",
}  # fmt: skip
CODES: Final = ("7290058140886", "7290058108879", "7290696200003")
FEEDS: Final = Path(gogobe.__file__).parent / "demo" / "feeds"
KEY_OF: Final = {Item: "item_code", Promotion: "promotion_id", Store: "store_id"}
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
    commands = [f"gogobe.commands.{info.name}" for info in pkgutil.iter_modules(gogobe.commands.__path__)]
    for module in (*commands, "gogobe.demo.report"):
        for name, value in vars(importlib.import_module(module)).items():
            if isinstance(value, tuple) and value and all(isinstance(one, Column) for one in value):
                found[f"{module.rpartition('.')[2]}.{name}"] = value
    return found


def test_tables_are_found():
    modules = {name.partition(".")[0] for name in tables()}
    assert modules >= {
        "chains",
        "crawl",
        "evaluate",
        "evaluate_pairs",
        "inspection_output",
        "report",
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
        HEBREW if column.words or column.cut else f"{7290000000000 + number * 100 + place}"
        for place, column in enumerate(columns)
    ]


def test_only_one_module_makes_tables():
    root = Path(gogobe.__file__).parent
    makers = {
        str(file.relative_to(root)) for file in root.rglob("*.py") if "rich.table" in file.read_text("utf-8")
    }
    assert makers == {"commands/tables.py"}


def evaluation() -> Evaluation:
    values: dict[str, Any] = {field.name: 0.5 for field in msgspec.structs.fields(Figures)}
    values |= {"chain": "all", "masters": 1_234_567, "queries": 123_456, "negatives": 23_456, "curve": []}
    values |= {"accepted": 98_765, "accepted_unknown": 1_234, "queries_per_second": 12_345.0}
    chains = [Figures(**values | {"chain": code}) for code in CODES]
    return Evaluation(**values, chains=chains)


def pairs() -> PairEvaluation:
    figures = [PairFigures(kind, 1_234, 1_000, 100, 2_345, 12) for kind in ("fruit and vegetables", "all")]
    errors = [
        PairError("wrong", "produce", (CODES[0], CODES[1]), (CODES[1], CODES[0]), HEBREW, HEBREW, [HEBREW])
        for _ in range(3)
    ]
    scope = Scope(figures, errors)
    return PairEvaluation(
        built=scope,
        review=[ReviewPoint(0, 0, 900), ReviewPoint(50, 40, 940)],
        candidates=[CandidateRecall("fruit and vegetables", 1_234, 1_000, 1_100, 1_150, 1_180, 1_200)],
        chains=[ChainPairs(code, scope, scope) for code in CODES],
        unknown=3,
    )


PRINTED: Final[dict[str, tuple[Callable[[PlainConsole], None], tuple[str, ...]]]] = {
    "masters evaluate": (
        lambda console: show_evaluation(console, evaluation()),
        (*CODES, "1,234,567", "98,765", "12,345"),
    ),
    "masters evaluate --pairs": (
        lambda console: show_pairs(console, pairs(), 2),
        (*CODES, "arriving", "1,000   81.0%", "1,200   97.2%", "2 of 3 pairs"),
    ),
}


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", sorted(PRINTED))
def test_what_is_measured_fits_the_terminal(name: str, width: int):
    show, whole = PRINTED[name]
    out = io.StringIO()
    show(PlainConsole(width=width, file=out))
    text = out.getvalue()
    assert max(map(cell_len, text.splitlines())) <= width
    assert "…" not in text
    for value in whole:
        assert value in text


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", sorted(file.name for file in FEEDS.glob("[PS]*7290058*")))
def test_what_is_inspected_fits_the_terminal(name: str, width: int):
    found = inspect_file(str(FEEDS / name), 4)
    out = io.StringIO()
    print_inspection(found, PlainConsole(width=width, file=out))
    text = out.getvalue()
    assert max(cell_len(line) for line in text.splitlines() if line[:1] in "┏┃┡│└") <= width
    assert "…" not in text
    assert isinstance(found.rows, list)
    assert found.rows
    for one in found.rows:
        assert str(getattr(one, KEY_OF[type(one)])) in text


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", sorted(tables()))
@pytest.mark.parametrize("stacked_from", [0, 1])
@pytest.mark.parametrize("compact", [False, True])
def test_no_code_is_cut_and_no_column_is_empty(name: str, width: int, stacked_from: int, *, compact: bool):
    columns = tables()[name]
    rows = [row(columns, number) for number in range(3)]
    out = io.StringIO()
    console = PlainConsole(width=width, file=out)
    print_table(console, columns, rows, stacked_from=stacked_from, compact=compact)
    text = out.getvalue()
    lines = text.splitlines()
    if lines[0].startswith("┏") or any(line.startswith(("──", "╶─")) for line in lines):
        assert all(cell_len(line) <= width for line in lines)
        assert "┃ ┃" not in text
        assert "…" not in text or any(column.cut for column in columns)
    for one in rows:
        for column, value in zip(columns, one, strict=True):
            if not column.words and not column.cut and column.rank == 0:
                assert value in text


def test_colours_are_left_out_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch):
    columns = tables()["prices._CHAIN_COLUMNS"]
    monkeypatch.setenv("NO_COLOR", "1")
    out = io.StringIO()
    print_table(PlainConsole(width=80, file=out, force_terminal=True), columns, [row(columns, 1)])
    assert "\x1b[3" not in out.getvalue()
    assert "\x1b[9" not in out.getvalue()
