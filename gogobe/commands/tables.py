"""Tables that fit the terminal without cutting a code. Columns of low importance are left out if they do not
fit; if that is not enough, each row is printed as lines."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.table import Table

from gogobe.commands.terminal import PlainConsole, harmless, styled

WORDS_WIDTH: Final = 16
CUT_WIDTH: Final = 8


@dataclass(frozen=True)
class Column:
    """A column. `words` may be wrapped, and the end of a `cut` text may be left out; other text is kept whole
    on one line. `rank` is the order in which columns are left out: the highest first, never rank 0."""

    heading: str
    words: bool = False
    right: bool = False
    rank: int = 0
    cut: bool = False

    @property
    def least(self) -> int | None:
        """The width that is enough for any text of the column; None: the text decides."""
        return WORDS_WIDTH if self.words else CUT_WIDTH if self.cut else None


def print_table(
    console: PlainConsole,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    *,
    title: str = "",
    stacked_from: int = 0,
    compact: bool = False,
    sections: Collection[int] = (),
) -> None:
    """Prints rows in the width of the console, without columns that have no value. `stacked_from`: rows are
    printed as lines rather than without columns of this rank or lower; 0: leave out any column that may be.
    `compact`: without frame and padding. `sections`: the numbers of rows with a line below them.
    """
    gap, edges = (1, -1) if compact else (3, 1)
    shown = [number for number, _ in enumerate(columns) if any(row[number] for row in rows)]
    while (needed := _width(columns, rows, shown, gap) + edges) > console.width:
        ranks = [columns[number].rank for number in shown]
        if max(ranks, default=0) <= stacked_from:
            if title:
                console.print(styled(title, "italic"), soft_wrap=True)
            _print_stacked(console, columns, rows)
            return
        shown.pop(ranks.index(max(ranks)))
    table = (
        Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False, title_justify="left")
        if compact
        else Table(title_justify="left")
    )
    table.title = styled(title, "italic") if title else None
    exact = _cut_widths(columns, rows, shown, console.width - needed)
    for number in shown:
        column, widest = columns[number], _widest(columns, rows, number)
        table.add_column(
            column.heading,
            no_wrap=not column.words,
            justify="right" if column.right else "left",
            min_width=min(WORDS_WIDTH, widest) if column.words else None,
            width=exact.get(number),
            overflow="fold" if column.words else "ellipsis" if column.cut else "ignore",
        )
    for place, row in enumerate(rows):
        table.add_row(*(row[number] for number in shown), end_section=place in sections)
    console.print(table)


def _cut_widths(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], shown: Sequence[int], spare: int
) -> dict[int, int]:
    """The widths of the columns with cut texts: `spare` cells are shared by the ones that need them."""
    widest = {number: _widest(columns, rows, number) for number in shown if columns[number].cut}
    widths = {}
    for place, number in enumerate(sorted(widest, key=lambda one: widest[one])):
        least = min(CUT_WIDTH, widest[number])
        widths[number] = min(widest[number], least + spare // (len(widest) - place))
        spare -= widths[number] - least
    return widths


def _print_stacked(console: PlainConsole, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Prints each row as a block: its first value, and below it the others with their headings, as many on a
    line as fit. The terminal breaks longer lines, so that they can be copied whole."""
    for row in rows:
        title, *others = [(column, value) for column, value in zip(columns, row, strict=True) if value]
        console.print(styled(title[1], "bold"), soft_wrap=True)
        line = ""
        for column, value in others:
            heading = column.heading.replace("\n", " ")
            part = f"{heading} {harmless(value)}"
            if line and cell_len(line) + cell_len(part) + 5 > console.width:
                console.print(line, soft_wrap=True)
                line = ""
            line = f"{line} · {part}" if line else f"  {part}"
        if line:
            console.print(line, soft_wrap=True)


def _width(columns: Sequence[Column], rows: Sequence[Sequence[str]], shown: Sequence[int], gap: int) -> int:
    """The minimum number of cells that a table of these columns needs, with `gap` cells at each column."""
    needed = 0
    for number in shown:
        widest, least = _widest(columns, rows, number), columns[number].least
        needed += widest if least is None else min(least, widest)
    return needed + gap * len(shown)


def _widest(columns: Sequence[Column], rows: Sequence[Sequence[str]], number: int) -> int:
    texts = [columns[number].heading, *(harmless(row[number]) for row in rows)]
    return max(cell_len(line) for text in texts for line in (text.splitlines() or [""]))
