"""`gogobe history`: the prices that a product had."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.prices import print_json, print_title
from gogobe.commands.tables import Column, print_table
from gogobe.commands.times import shown_time
from gogobe.records.money import CURRENCY, money

if TYPE_CHECKING:
    from gogobe.database.history import MasterHistory

_COLUMNS: Final = (
    Column("chain"),
    Column("code", rank=1),
    Column("since"),
    Column("price", right=True),
    Column("change", right=True),
    Column("stores", right=True, rank=2),
    Column("ended", rank=3),
)


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="CODE|MASTER|WORDS…")
@click.option("--limit", type=click.IntRange(min=1), default=1, show_default=True, help="Products at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each product.")
@VAR
@settings_options("database", "database_password")
def history(words: tuple[str, ...], *, limit: int, as_json: bool, var: Path, **flags: Any) -> None:
    """Show the prices that a product had in each chain, from the first one that is known.

    A line is a price in ILS, since when it was asked, and in how many stores it began then; `change` compares
    it with the chain's line before it (`same`: other stores begin with that price).

    \b
    gogobe history 7290000042435
    gogobe history חלב תנובה 3%
    """
    from gogobe.database.history import price_history

    query = " ".join(words)
    settings = settings_with_stack(flags, var)
    needed(settings, "reader")
    found = price_history(settings.reader_address, query, limit)
    if as_json:
        print_json(found)
    else:
        console = wide_console()
        for master in found:
            print_title(console, master.master_id, master.name)
            print_table(console, _COLUMNS, list(_rows(master)))
    if not found:
        click.echo(f"no product matches {query!r}", err=as_json)
        sys.exit(1)


def _change(before: Decimal, now: Decimal) -> str:
    """The difference of two prices; `same` where another store begins with the price of the line before."""
    return "same" if now == before else f"{now - before:+.2f} {CURRENCY}"


def _rows(master: MasterHistory) -> Iterator[tuple[str, ...]]:
    before = None
    for point in master.points:
        same = before is not None and (before.chain_id, before.item_code) == (point.chain_id, point.item_code)
        change = _change(before.price, point.price) if same and before is not None else "first"
        yield (
            point.chain,
            point.item_code,
            shown_time(point.since),
            money(point.price),
            change,
            str(point.stores),
            shown_time(point.ended_at),
        )
        before = point
