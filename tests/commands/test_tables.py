"""Tables at any width: no code is cut, no column is empty of room."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len

from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole

COLUMNS = (
    Column("id"),
    Column("file", rank=2),
    Column("chain"),
    Column("rows", right=True, rank=1),
    Column("detail", words=True, rank=3),
)
FILE = "PriceFull7290455000004-000-35-20260910060202-060202.gz"
ROWS = [
    ["3fa9c1d20b77", FILE, "rami_levy", "12,345", "חלב תנובה 3% שומן, and more words than fit into any column"],
    ["77aa00bb11cc", "", "shufersal", "7", ""],
]


def printed(width: int, stacked_from: int = 0) -> str:
    console = PlainConsole(width=width, file=io.StringIO())
    print_table(console, COLUMNS, ROWS, stacked_from=stacked_from)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert isinstance(text, str)
    return text


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("stacked_from", [0, 2])
def test_codes_are_whole_and_lines_fit(width: int, stacked_from: int):
    text = printed(width, stacked_from=stacked_from)
    for code in ("3fa9c1d20b77", "77aa00bb11cc", "rami_levy", "shufersal", *([FILE] if stacked_from else [])):
        assert code in text
    assert "…" not in text
    assert max(map(cell_len, text.splitlines())) <= width


def test_what_matters_least_is_left_out_first():
    wide, narrow = printed(120), printed(80)
    assert (FILE in wide, "rows" in wide, "detail" in wide) == (True, True, True)
    assert (FILE in narrow, "rows" in narrow, "detail" in narrow) == (False, True, False)


def test_rows_become_lines_where_codes_have_no_room():
    text = printed(20)
    assert "3fa9c1d20b77\n" in text
    assert "chain rami_levy" in text


def test_a_column_without_a_value_is_left_out():
    console = PlainConsole(width=120, file=io.StringIO())
    print_table(console, COLUMNS, [["1", "", "", "", ""]])
    assert "chain" not in console.file.getvalue()  # type: ignore[attr-defined]


def test_text_of_feeds_is_harmless():
    console = PlainConsole(width=30, file=io.StringIO())
    print_table(console, (Column("a"), Column("b")), [["\x1b[31m" * 9, "[/b]" * 9]])
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert "\x1b" not in text
    assert r"\x1b" in text
