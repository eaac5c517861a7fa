"""Labelled pairs of items, mostly goods without a barcode: whether a person judged them to be one product."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import msgspec

from gogobe.masters.build.catalogue import CatalogueError

COLUMNS: Final = ("chain_a", "code_a", "name_a", "chain_b", "code_b", "name_b", "same", "kind")
"""The columns that a file of pairs needs; others, such as prices and notes, are ignored."""
ALL_KINDS: Final = "all"
"""In place of a kind: the figures of all pairs."""

Code = tuple[str, str]
"""A chain's id and one of its codes."""


class LabelledPair(msgspec.Struct, frozen=True):
    """Two chains' items: their codes and names, whether they are the `same` product, and their `kind` of
    goods."""

    a: Code
    b: Code
    name_a: str
    name_b: str
    same: bool
    kind: str

    def has(self, chain: str) -> bool:
        """Whether one of the two belongs to the chain."""
        return chain in (self.a[0], self.b[0])


def read_pairs(path: Path) -> list[LabelledPair]:
    """The pairs of a CSV file in UTF-8 with a header. Raises CatalogueError if it cannot be read as one."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise CatalogueError(
                    f"{path}: no column {', '.join(missing)} in its first line; pairs have the columns "
                    f"{', '.join(COLUMNS)}"
                )
            return [_pair(path, reader.line_num, row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(f"{path}: cannot be read as a CSV file of pairs: {error}") from error


def _pair(path: Path, line: int, row: dict[str, str]) -> LabelledPair:
    if row["same"] not in ("0", "1"):
        raise CatalogueError(f"{path}, line {line}: {row['same']!r} in column same; write 1 or 0")
    return LabelledPair(
        (row["chain_a"], row["code_a"]),
        (row["chain_b"], row["code_b"]),
        row["name_a"],
        row["name_b"],
        row["same"] == "1",
        row["kind"],
    )
