"""`gogobe prices`: compare a product's prices across chains."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole, styled
from gogobe.commands.times import shown_minute
from gogobe.records.money import money

if TYPE_CHECKING:
    from gogobe.database.comparisons import MasterComparison
    from gogobe.database.places import LocalPrices

SETTINGS: Final = ("database", "database_password", "price_days")
_CHAIN_COLUMNS: Final = (
    Column("chain"),
    Column("cheapest", right=True),
    Column("median", right=True, rank=3),
    Column("dearest", right=True, rank=4),
    Column("stores", right=True, rank=2),
    Column("offer", right=True, rank=1),
    Column("condition", words=True, rank=1),
    Column("seen"),
    Column("age"),
)
_STORE_COLUMNS: Final = (
    Column("chain"),
    Column("store", words=True),
    Column("address", words=True, rank=1),
    Column("price", right=True),
    Column("seen"),
    Column("age"),
)


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="BARCODE|WORDS…")
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Products at most.")
@click.option("--city", help="Prices in the stores of a city: its name or its number.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each product.")
@VAR
@settings_options(*SETTINGS)
def prices(
    words: tuple[str, ...], *, limit: int, city: str | None, as_json: bool, var: Path, **flags: Any
) -> None:
    """Compare a product across chains, by barcode or by words of its name: shelf prices and the best offer.

    Prices are in ILS. Each has the time of the newest file that lists it; a price older than `price_days` is
    marked `old`, and comes after the others.

    \b
    gogobe prices 7290000042435
    gogobe prices חלב תנובה 3%
    gogobe prices חלב --city חיפה
    """
    from gogobe.database.comparisons import compare_prices
    from gogobe.database.places import UnknownCityError, prices_in_city

    query = " ".join(words)
    settings = settings_with_stack(flags, var)
    needed(settings, "reader")
    database = settings.reader_address
    found: Sequence[MasterComparison] | Sequence[LocalPrices]
    if city is None:
        found = compared = compare_prices(database, query, limit)
        show = partial(_print_comparisons, compared)
    else:
        try:
            found = local = prices_in_city(database, query, city, limit)
        except UnknownCityError as error:
            raise click.UsageError(str(error)) from error
        show = partial(_print_local, local)
    if as_json:
        print_json(found)
    else:
        show()
    if not found:
        where = "" if city is None else f" in the stores of {city}"
        click.echo(f"no product matches {query!r}{where}", err=as_json)
        sys.exit(1)


def print_json(rows: Sequence[msgspec.Struct]) -> None:
    """Prints a JSON object a line; prices are decimal strings, times are in UTC."""
    for row in rows:
        click.echo(msgspec.json.encode(row).decode("utf-8"))


def print_title(console: PlainConsole, master_id: int, name: str | None) -> None:
    """Prints the line above a product's table."""
    console.print(styled(f"{master_id}  {name or ''}".rstrip(), "bold"), soft_wrap=True)


def _print_comparisons(found: Sequence[MasterComparison]) -> None:
    from gogobe.offers.wording import offer_words

    console = wide_console()
    for master in found:
        print_title(console, master.master_id, master.name)
        rows = [
            (
                price.chain,
                money(price.cheapest),
                money(price.median),
                money(price.dearest),
                str(price.stores),
                money(price.offer.price) if price.offer else "",
                offer_words(price.offer) if price.offer else "",
                shown_minute(price.last_seen_at),
                "old" if price.is_old else "",
            )
            for price in master.prices
        ]
        print_table(console, _CHAIN_COLUMNS, rows)


def _print_local(found: Sequence[LocalPrices]) -> None:
    console = wide_console()
    for master in found:
        print_title(console, master.master_id, master.name)
        rows = [
            (
                price.chain,
                price.store or str(price.store_key),
                ", ".join(part for part in (price.address, price.city) if part),
                money(price.price),
                shown_minute(price.last_seen_at),
                "old" if price.is_old else "",
            )
            for price in master.prices
        ]
        print_table(console, _STORE_COLUMNS, rows)
