"""`gogobe masters export-catalogue`: writes the items of all chains to a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack
from gogobe.commands.terminal import counted
from gogobe.database.review.known_items import known_items
from gogobe.io.spreadsheets import write_csv
from gogobe.masters.build.catalogue import COLUMNS, CatalogueRow


@click.command("export-catalogue")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The number of items as a JSON object.")
@VAR
@settings_options("database", "database_password")
def export_catalogue(file: Path, *, as_json: bool, var: Path, **flags: Any) -> None:
    """Write the items of all chains in the database to a CSV FILE: a catalogue.

    \b
    gogobe masters export-catalogue items.csv
    gogobe masters evaluate items.csv
    """
    settings = settings_with_stack(flags, var)
    needed(settings, "reader")
    try:
        count = write_csv(file, COLUMNS, map(_cells, known_items(settings.reader_address)))
    except OSError as error:
        raise click.ClickException(f"{file}: cannot be written: {error.strerror}") from error
    if as_json:
        click.echo(msgspec.json.encode({"file": str(file), "items": count}))
    else:
        click.echo(f"{counted(count, 'item')} written to {file}")


def _cells(row: CatalogueRow) -> tuple[str, ...]:
    """The cells of a row; `read_catalogue` reads them back unchanged."""
    item = row.described
    numbers = (f"{item.quantity!r}", "", item.unit, f"{item.price!r}", "1" if item.is_weighted else "0")
    return (row.chain_id, row.item_code, item.name, item.manufacturer, *numbers)
