"""`gogobe inspect`: reads feed files and prints their content, without a server."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from gogobe.commands.options import VAR, settings_options, settings_with_stack, wide_console
from gogobe.commands.reach import store_failure
from gogobe.commands.terminal import harmless


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file, one a line.")
@click.option(
    "--rows", type=click.IntRange(min=0), help="Number of first rows to show; default 5, with --json 0."
)
@VAR
@settings_options("store_endpoint", "chains")
def inspect(files: tuple[str, ...], as_json: bool, rows: int | None, var: Path, **flags: Any) -> None:
    """Show the content of feed files. Needs no server.

    FILE is a path, - for standard input, s3://BUCKET/KEY, gs://BUCKET/KEY, or an address: http://…, https://….
    The exit code is 2 if a file could not be opened or read; the other files are shown.
    """
    from gogobe.chains.load import ChainsFileError, load_chains
    from gogobe.commands.inspection import UnreadableFileError, inspect_file
    from gogobe.commands.inspection_output import print_inspection

    settings = settings_with_stack(flags, var)
    try:
        chains = load_chains(settings.chains)
    except ChainsFileError as error:
        raise click.UsageError(str(error)) from error
    shown = rows if rows is not None else 0 if as_json else 5
    unreadable = False
    for file in files:
        try:
            if file.startswith(("s3://", "gs://")) and (failure := store_failure(settings)):
                raise UnreadableFileError(f"{file}: cannot be read: {failure}")
            found = inspect_file(file, shown, settings.store_endpoint, chains)
        except UnreadableFileError as error:
            click.echo(harmless(f"gogobe inspect: {error}"), err=True)
            unreadable = True
            continue
        if as_json:
            click.echo(msgspec.json.encode(found))
        else:
            print_inspection(found, wide_console())
    if unreadable:
        sys.exit(2)
