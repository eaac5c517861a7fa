"""Tables that fit the terminal without cutting a code. Columns of low importance are left out if they do not
fit; if that is not enough, each row is printed as lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.cells import cell_len
from rich.table import Table

from gogobe.commands.terminal import PlainConsole, harmless, styled

WORDS_WIDTH: Final = 16


@dataclass(frozen=True)
class Column:
    """A column. `words` may be wrapped; other text is kept on one line. `rank` is the order in which columns
    are left out: the highest first, never rank 0."""

    heading: str
    words: bool = False
    right: bool = False
    rank: int = 0


def print_table(
    console: PlainConsole, columns: Sequence[Column], rows: Sequence[Sequence[str]], *, stacked_from: int = 0
) -> None:
    """Prints rows in the width of the console, without columns that have no value. `stacked_from`: rows are
    printed as lines rather than without columns of this rank or lower; 0: leave out any column that may be.
    """
    shown = [number for number, _ in enumerate(columns) if any(row[number] for row in rows)]
    while _width(columns, rows, shown) > console.width:
        ranks = [columns[number].rank for number in shown]
        if max(ranks, default=0) <= stacked_from:
            _print_stacked(console, columns, rows)
            return
        shown.pop(ranks.index(max(ranks)))
    table = Table()
    for number in shown:
        column = columns[number]
        least = min(WORDS_WIDTH, _widest(columns, rows, number)) if column.words else None
        table.add_column(
            column.heading,
            no_wrap=not column.words,
            justify="right" if column.right else "left",
            min_width=least,
            overflow="fold" if column.words else "ignore",
        )
    for row in rows:
        table.add_row(*(row[number] for number in shown))
    console.print(table)


def _print_stacked(console: PlainConsole, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Prints each row as a block: its first value, and below it the others with their headings, as many on a
    line as fit. The terminal breaks longer lines, so that they can be copied whole."""
    for row in rows:
        title, *others = [(column, value) for column, value in zip(columns, row, strict=True) if value]
        console.print(styled(title[1], "bold"), soft_wrap=True)
        line = ""
        for column, value in others:
            part = f"{column.heading} {harmless(value)}"
            if line and cell_len(line) + cell_len(part) + 5 > console.width:
                console.print(line, soft_wrap=True)
                line = ""
            line = f"{line} · {part}" if line else f"  {part}"
        if line:
            console.print(line, soft_wrap=True)


def _width(columns: Sequence[Column], rows: Sequence[Sequence[str]], shown: Sequence[int]) -> int:
    """The minimum number of cells that a table of these columns needs: texts, padding and lines."""
    needed = 0
    for number in shown:
        widest = _widest(columns, rows, number)
        needed += min(WORDS_WIDTH, widest) if columns[number].words else widest
    return needed + 3 * len(shown) + 1


def _widest(columns: Sequence[Column], rows: Sequence[Sequence[str]], number: int) -> int:
    texts = [columns[number].heading, *(harmless(row[number]) for row in rows)]
    return max(cell_len(line) for text in texts for line in (text.splitlines() or [""]))
