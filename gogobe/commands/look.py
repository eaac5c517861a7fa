"""`gogobe inspect` and `gogobe prices`: what a feed holds, and what the database knows."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file and line.")
@click.option("--rows", type=click.IntRange(min=0), help="How many first rows to show: 5, with --json none.")
@VAR
@settings_options("store_endpoint")
def inspect(files: tuple[str, ...], as_json: bool, rows: int | None, var: Path, **flags: Any) -> None:
    """Tell what feeds are and hold: paths, or URLs: s3://BUCKET/KEY, gs://BUCKET/KEY. Needs no server.

    Exits with 2 if a file could not be opened or read; the others are told of all the same.
    """
    from gogobe.commands.inspection import UnreadableFileError, inspect_file, print_inspection

    settings = settings_with_stack(flags, var)
    shown = rows if rows is not None else 0 if as_json else 5
    unreadable = False
    for file in files:
        try:
            found = inspect_file(file, shown, settings.store_endpoint)
        except UnreadableFileError as error:
            click.echo(f"gogobe inspect: {error}", err=True)
            unreadable = True
            continue
        if as_json:
            click.echo(msgspec.json.encode(found))
        else:
            print_inspection(found, wide_console())
    if unreadable:
        sys.exit(2)


@click.command()
@click.argument("query")
@click.option("--limit", default=10, show_default=True, help="Products at most.")
@VAR
@settings_options("database")
def prices(query: str, limit: int, var: Path, **flags: Any) -> None:
    """Compare a product across chains, by barcode or by words of its name."""
    from gogobe.database.queries import compare_prices

    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    found = compare_prices(settings.database, query, limit)
    if not found:
        click.echo(f"no product matches {query!r}")
        sys.exit(1)
    for master in found:
        table = Table("chain", "cheapest", "median", "dearest", "stores", "seen")
        table.title = f"{master.master_id}  {master.name}"
        for price in master.prices:
            table.add_row(
                price.chain,
                f"{price.cheapest:f}",
                f"{price.median:f}",
                f"{price.dearest:f}",
                str(price.stores),
                f"{price.last_seen_at:%Y-%m-%d %H:%M}",
            )
        wide_console().print(table)
