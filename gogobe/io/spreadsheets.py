"""CSV files for spreadsheet programs: no cell is a formula, and written texts are read back unchanged.

A spreadsheet program evaluates a cell that begins with `=`, `+`, `-` or `@`: a product named
`=HYPERLINK("http://…")` would become a link. Such a text is written with an apostrophe before it, which the
reader removes. A text that begins with an apostrophe gets another one.
https://owasp.org/www-community/attacks/CSV_Injection
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
# Programs skip these characters before a formula, or accept them at its beginning.
_SKIPPED: Final = " \t\r\n\v\f\0\ufeff\u00a0\u3000"


class SpreadsheetError(ValueError):
    """A file that cannot be read as CSV; the message has the file and the expected form."""


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> int:
    """Writes rows below a line of column names. Returns the number of rows. Raises OSError.

    In UTF-8 with a byte order mark, so that spreadsheet programs show Hebrew. Numbers are written unchanged,
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
    """The rows of a file from `write_csv`, each with the number of its last line, from 1; missing cells are
    empty. The file must have these columns and may have others. Raises SpreadsheetError, OSError."""
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
