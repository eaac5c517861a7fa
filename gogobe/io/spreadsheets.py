"""CSV files for people and their spreadsheet programs: no cell is a formula, and what was written is read back.

A spreadsheet program evaluates a cell that begins with `=`, `+`, `-` or `@`: a product named
`=HYPERLINK("http://…")` would become a link in the file of the person who opens it. Such a text gets an
apostrophe before it, which keeps it a text; the reader removes it. A text that begins with an apostrophe gets
another one, so every text is read back exactly. https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Final

Cell = str | int | float | Decimal | None

_MARK: Final = "'"
# The full-width forms are formulas in some East Asian editions.
_FORMULA_BEGINS: Final = frozenset("=+-@＝＋－＠")
# Programs skip these before they look for a formula, or begin one with them.
_SKIPPED: Final = " \t\r\n\v\f\0\ufeff\u00a0\u3000"


class SpreadsheetError(ValueError):
    """A file that cannot be read as CSV; the message names it, and what it should be."""


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Writes rows below a line of column names; returns how many. Raises OSError.

    In UTF-8 with a byte order mark, so that spreadsheet programs show Hebrew. Numbers are written as they are,
    None as an empty cell.
    """
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(map(_as_text, columns))
        for count, row in enumerate(rows, start=1):  # noqa: B007 - the last number is the count
            writer.writerow([_as_text(cell) if isinstance(cell, str) else cell for cell in row])
    return count


def read_csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a file that `write_csv` wrote, each with the number of its last line, from 1; cells that a
    line lacks are empty. It must have these columns, and may have others. Raises SpreadsheetError, OSError."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            found = [_as_written(cell) for cell in next(reader, [])]
            missing = [column for column in columns if column not in found]
            if missing:
                raise SpreadsheetError(f"{path}: no column {', '.join(missing)} in its first line")
            for row in reader:
                if row:
                    cells = [_as_written(cell) for cell in row] + [""] * (len(found) - len(row))
                    yield reader.line_num, dict(zip(found, cells, strict=False))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SpreadsheetError(f"{path}: cannot be read as CSV in UTF-8: {error}") from error


def _as_text(cell: str) -> str:
    """A text that no spreadsheet program evaluates."""
    begins = cell.lstrip(_SKIPPED)[:1]
    marked = begins in _FORMULA_BEGINS or cell[:1] == _MARK or cell[:1] in "\t\r\n"
    return f"{_MARK}{cell}" if cell and marked else cell


def _as_written(cell: str) -> str:
    return cell.removeprefix(_MARK)
