"""`gogobe prices`: compares a product's prices across chains."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console


@click.command()
@click.argument("words", nargs=-1, required=True)
@click.option("--limit", default=10, show_default=True, help="Maximum number of products.")
@VAR
@settings_options("database", "database_password")
def prices(words: tuple[str, ...], limit: int, var: Path, **flags: Any) -> None:
    """Compare a product across chains, by barcode or by words of its name: shelf prices and the best offer."""
    from gogobe.database.comparisons import compare_prices
    from gogobe.offers.wording import offer_words

    query = " ".join(words)
    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    found = compare_prices(settings.database_address, query, limit)
    if not found:
        click.echo(f"no product matches {query!r}")
        sys.exit(1)
    for master in found:
        table = Table("chain", "cheapest", "median", "dearest", "stores", "offer", "condition", "seen")
        table.title = f"{master.master_id}  {master.name}"
        for price in master.prices:
            table.add_row(
                price.chain,
                f"{price.cheapest:f}",
                f"{price.median:f}",
                f"{price.dearest:f}",
                str(price.stores),
                "" if price.offer is None else f"{price.offer.price:f}",
                "" if price.offer is None else offer_words(price.offer),
                f"{price.last_seen_at:%Y-%m-%d %H:%M}",
            )
        wide_console().print(table)
