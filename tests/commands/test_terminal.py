"""Text from feeds on the terminal: shown as it is, and nothing in it is obeyed."""

from __future__ import annotations

import io
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text

from gogobe.commands.terminal import PlainConsole, harmless, styled

# What Hebrew, Arabic and emoji are written with: joiners, and marks that turn nothing but their neighbours.
KEPT = set("\n\t\u200c\u200d\u200e\u200f")


def test_every_character_that_is_obeyed_or_unseen_is_written_out() -> None:
    for point in range(sys.maxunicode + 1):
        one = chr(point)
        shown = harmless(one)
        if unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in KEPT:
            assert shown.isascii(), f"U+{point:04X}"
            assert shown.startswith("\\"), f"U+{point:04X}"
        elif unicodedata.category(one) != "Cn":
            assert shown == one, f"U+{point:04X}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("חלב 3% [1 ליטר]", "חלב 3% [1 ליטר]"),
        ("\u200fחלב\u200e", "\u200fחלב\u200e"),
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\x9b2J", "\\x9b2J"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\rb", "a\\rb"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_is_written_out(text: str, shown: str) -> None:
    assert harmless(text) == shown


def printed(*renderables: object, width: int = 1000) -> str:
    console = PlainConsole(file=io.StringIO(), width=width, force_terminal=True, color_system="truecolor")
    console.print(*renderables)
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


hostile = st.lists(
    st.sampled_from(
        ["[/b]", "[red]", "[link=http://127.0.0.1]", "[@click=x]", "[", "]", "\\", "\\[", ":smile:", "\x1b[2J", "\x07", "\u202e", "חלב", " "]
    ) | st.text(max_size=3),
    max_size=6,
).map("".join)  # fmt: skip


@given(hostile)
def test_a_string_is_printed_as_it_is(text: str) -> None:
    shown = harmless(text).expandtabs(8)
    lines = [line.rstrip() for line in shown.split("\n")]
    assert [line.rstrip() for line in printed(text).split("\n")][: len(lines)] == lines


@given(hostile, hostile, hostile)
def test_tables_take_strings_as_they_are(title: str, heading: str, cell: str) -> None:
    table = Table(title=f"<{title}>")
    table.add_column(f"<{heading}>", min_width=500)
    table.add_row(f"<{cell}>")
    output = printed(table)
    for text in (title, heading, cell):
        if not {"\n", "\t"} & set(text):
            assert f"<{harmless(text)}>" in output
    assert "\u202e" not in output
    assert "\x07" not in output
    assert "\x1b[2J" not in output


def test_styles_are_given_and_not_read() -> None:
    assert printed(styled("[red]x[/red]", "bold")) == "\x1b[1m[red]x[/red]\x1b[0m\n"
    assert styled("\x1b", "bold") == Text("\\x1b", style="bold")
    assert printed("[bold]x[/bold]") == "[bold]x[/bold]\n"
    console = PlainConsole(file=io.StringIO(), markup=True, emoji=True, highlight=True)
    assert console.render_str("[b]7[/b] :smile:", markup=True, emoji=True, highlight=True) == Text(
        "[b]7[/b] :smile:"
    )
