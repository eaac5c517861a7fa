"""The input of a build: what each chain publishes about each of its items."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from gogobe.masters.text.facts import Described

COLUMNS: Final = (
    "chain_id",
    "item_code",
    "item_name",
    "manufacturer",
    "quantity",
    "unit_of_measure",
    "unit_qty",
    "price",
    "is_weighted",
)
"""The columns that a catalogue file needs; others are ignored."""


class CatalogueError(ValueError):
    """A catalogue file that cannot be read; the message names the file, the line and what is missing."""


class CatalogueRow(msgspec.Struct, gc=False, frozen=True):
    """One chain's item.

    `master_id` is its master in the database, 0 if its GTIN or computed id decides. `decided` is true if a
    person assigned that master, so that the item keeps it; otherwise the item's cluster keeps the id if it
    can. `apart_from` are masters that a person has rejected for it.
    """

    chain_id: str
    item_code: str
    described: Described
    master_id: int = 0
    decided: bool = False
    apart_from: tuple[int, ...] = ()


def read_catalogue(path: Path, limit: int | None = None) -> Iterator[CatalogueRow]:
    """The rows of a CSV file (UTF-8, with a header, gzip if its name ends in .gz), at most `limit` of them.

    Empty or invalid numbers count as unknown; rows without chain or code are skipped. Raises CatalogueError
    if the file cannot be read or lacks one of COLUMNS.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as raw:
            reader = csv.DictReader(io.TextIOWrapper(raw, "utf-8-sig", newline=""))
            missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
            if missing:
                raise CatalogueError(
                    f"{path}: no column {', '.join(missing)} in its first line; a catalogue has the columns "
                    f"{', '.join(COLUMNS)}"
                )
            for number, row in enumerate(reader):
                if limit is not None and number >= limit:
                    return
                if row["chain_id"] and row["item_code"]:
                    yield _row(row)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogueError(f"{path}: cannot be read as a CSV catalogue: {error}") from error


def _row(row: dict[str, str]) -> CatalogueRow:
    described = Described(
        name=row["item_name"] or "",
        manufacturer=row["manufacturer"] or "",
        quantity=_number(row["quantity"]),
        unit=row["unit_qty"] or row["unit_of_measure"] or "",
        price=_number(row["price"]),
        is_weighted=row["is_weighted"] == "1",
    )
    return CatalogueRow(row["chain_id"], row["item_code"], described)


def _number(text: str | None) -> float:
    try:
        number = float(text or 0)
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0
