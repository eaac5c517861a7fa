"""`gogobe retention`: removes what is older than the settings `keep_…` allow."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table

COLUMNS: Final = (Column("what"), Column("setting"), Column("days"), Column("removed"), Column("note"))


@click.command()
@click.option("--dry-run", is_flag=True, help="Count what would be removed; remove nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a kind and line.")
@VAR
@settings_options(
    "database", "database_password", "kafka", "kafka_options", "store", "store_endpoint", "masters",
    "keep_history_days", "keep_promotions_days", "keep_ledger_days", "keep_letters_days", "keep_raw_days",
    "keep_masters_days", "keep_topic_days",
)  # fmt: skip
def retention(*, dry_run: bool, as_json: bool, var: Path, **flags: Any) -> None:
    """Remove what is older than its age: price history, promotions, ledger, dead letters, raw files, snapshots.

    Topics get their age. Run it once a day, as the database's owner: loading goes on meanwhile. The exit code
    is 1 if a kind could not be removed; the others are.
    """
    from gogobe.commands.removals import removals
    from gogobe.database.address import maintenance_of
    from gogobe.database.connection import connect
    from gogobe.database.retention import RetentionBusyError, only_one

    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    address = settings.database_address
    try:
        with connect(address, timeouts=maintenance_of(address)) as connection, only_one(connection):
            done = list(removals(connection, settings, dry_run=dry_run))
    except RetentionBusyError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        for one in done:
            click.echo(msgspec.json.encode(one))
    else:
        rows = [
            [
                one.what,
                one.setting,
                str(one.days or "no bound"),
                "" if one.error else f"{one.removed:,}",
                _note(one),
            ]
            for one in done
        ]
        print_table(wide_console(), COLUMNS, rows)
        if dry_run:
            click.echo("a dry run: nothing was removed")
    if any(one.error for one in done):
        sys.exit(1)


def _note(one: Any) -> str:
    if one.error:
        return f"failed: {one.error}"
    return f"{one.left:,} locked, until the next run" if one.left else ""
