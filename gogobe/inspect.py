"""`gogobe inspect`: what a feed is and holds, told from the file alone, without any server."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import BinaryIO, Final, cast

import click
import fsspec
import msgspec
from botocore.exceptions import BotoCoreError  # type: ignore[import-untyped]
from rich.console import Console
from rich.table import Table

from gogobe.feeds.containers import Container
from gogobe.feeds.fields import number
from gogobe.feeds.names import FileName, UnknownFileNameError, parse_file_name
from gogobe.feeds.reader import FeedReader
from gogobe.feeds.rows import Block, Item, Kind, Promotion, RefusedRow, Store

Row = Item | Promotion | Store
MISSING_FILE: Final = 2


class Inspection(msgspec.Struct):
    """One file, as `gogobe inspect --json` prints it, one a line.

    `items` counts rows with a price, also those refused for a price of zero or below or for want of a code;
    `first_code`, `last_code`, `distinct_codes` and `price_sum` (exact, as text) are over the same rows.
    `promotion_items` are without the `gift_items`. `problems` are codes, `details` their sentences.
    Ids are as published; the file's name fills in what its content does not say.
    """

    file: str
    container: Container
    encoding: str
    kind: Kind | None
    chain_id: str | None
    store_id: str | None
    announced: int | None
    items: int
    promotions: int
    promotion_items: int
    gift_items: int
    stores: int
    first_code: str | None
    last_code: str | None
    distinct_codes: int
    price_sum: str | None
    refused: int
    complete: bool
    problems: list[str]
    seconds: float
    details: list[str]
    rows: list[Row] | msgspec.UnsetType = msgspec.UNSET


class UnreadableFileError(Exception):
    """A file that cannot be opened or read; the message names it and says why."""


def inspect_file(address: str, rows: int = 0) -> Inspection:
    """Reads a feed to its end, from a path or any URL that fsspec knows (`s3://…`), keeping its first `rows`
    rows. What is wrong with its content is in the result; raises UnreadableFileError where it cannot be read
    at all."""
    started = time.perf_counter()
    with _opened(address) as source:
        reader = FeedReader(source, address)
        prices = _Prices()
        first: list[Row] = []
        for block in reader:
            prices.add(block)
            first += block.rows[: max(rows - len(first), 0)]
    summary = reader.summary
    name = _name(address)
    is_price = summary.kind in ("price", "pricefull")
    return Inspection(
        file=address,
        container=summary.container,
        encoding=summary.encoding,
        kind=summary.kind,
        chain_id=reader.header.chain_id or (name.chain_id if name else None),
        store_id=reader.header.store_id or (name.store_id if name else None),
        announced=summary.announced,
        items=prices.count,
        promotions=summary.promotions,
        promotion_items=summary.promotion_items,
        gift_items=summary.gift_items,
        stores=summary.stores,
        first_code=prices.first_code,
        last_code=prices.last_code,
        distinct_codes=len(prices.codes),
        price_sum=f"{prices.sum.normalize():f}" if is_price else None,
        refused=summary.refused,
        complete=summary.complete,
        problems=[problem.code for problem in summary.problems],
        seconds=round(time.perf_counter() - started, 3),
        details=[
            f"{problem.detail} ({problem.place})" if problem.place else problem.detail
            for problem in summary.problems
        ],
        rows=first if rows else msgspec.UNSET,
    )


class _Prices:
    """Adds up the rows that have a price, refused ones too, in the order of the file."""

    def __init__(self) -> None:
        self.count = 0
        self.sum = Decimal(0)
        self.codes: set[str] = set()
        self.first_code: str | None = None
        self.last_code: str | None = None

    def add(self, block: Block) -> None:
        rows: list[Row | RefusedRow] = [*block.rows, *block.refused]
        if block.refused:
            rows.sort(key=lambda row: row.row)
        for row in rows:
            if isinstance(row, Item):
                self._add(row.item_code, row.price)
            elif isinstance(row, RefusedRow) and (price := number(row.detail or "")) is not None:
                self._add(row.item_code, price)

    def _add(self, code: str | None, price: Decimal) -> None:
        self.count += 1
        self.sum += price
        if code is not None:
            self.codes.add(code)
            self.first_code = self.first_code or code
            self.last_code = code


@contextmanager
def _opened(address: str) -> Iterator[BinaryIO]:
    try:
        opened = fsspec.open(address, "rb")
    except (ImportError, ValueError) as error:
        raise UnreadableFileError(f"{address}: {error}") from error
    try:
        with opened as source:
            yield cast("BinaryIO", source)
    except FileNotFoundError as error:
        raise UnreadableFileError(f"{address}: there is no such file") from error
    except (OSError, BotoCoreError) as error:
        raise UnreadableFileError(f"{address}: {error}") from error


def _name(address: str) -> FileName | None:
    try:
        return parse_file_name(address)
    except UnknownFileNameError:
        return None


def print_inspection(inspection: Inspection, console: Console) -> None:
    """The file's facts and its first rows, for people."""
    facts = Table(title=inspection.file, title_justify="left", show_header=False)
    for field in msgspec.structs.fields(inspection):
        value = getattr(inspection, field.name)
        if field.name not in ("file", "rows", "problems", "details") and value is not None:
            facts.add_row(field.name.replace("_", " "), str(value))
    for code, detail in zip(inspection.problems, inspection.details, strict=True):
        facts.add_row(f"[red]{code}", detail)
    console.print(facts)
    if isinstance(inspection.rows, list) and inspection.rows:
        console.print(_table_of(inspection.rows))


_SHOWN: Final[dict[type[Row], tuple[str, ...]]] = {
    Item: ("row", "item_code", "name", "price", "manufacturer", "quantity", "unit_qty", "price_updated_at"),
    Promotion: ("row", "promotion_id", "description", "starts_at", "ends_at", "discounted_price", "club_ids"),
    Store: ("row", "sub_chain_id", "store_id", "name", "address", "city"),
}


def _table_of(rows: list[Row]) -> Table:
    table = Table(*(name.replace("_", " ") for name in _SHOWN[type(rows[0])]))
    for row in rows:
        values = (getattr(row, name) for name in _SHOWN[type(row)])
        table.add_row(*("" if value is None else str(value) for value in values))
    return table


@click.command("inspect")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file and line.")
@click.option("--rows", type=click.IntRange(min=0), help="How many of the first rows to show; 5 in the table.")
def inspect_command(files: tuple[str, ...], as_json: bool, rows: int | None) -> None:
    """What FILE is and holds: container, encoding, kind, counts, problems. For paths and s3:// URLs.

    Exits with 2 if one of the files could not be read; the others are told of all the same.
    """
    console = Console()
    unreadable = False
    for file in files:
        try:
            inspection = inspect_file(file, rows if rows is not None else 0 if as_json else 5)
        except UnreadableFileError as error:
            click.echo(f"gogobe inspect: {error}", err=True)
            unreadable = True
            continue
        if as_json:
            click.echo(msgspec.json.encode(inspection))
        else:
            print_inspection(inspection, console)
    if unreadable:
        sys.exit(MISSING_FILE)
