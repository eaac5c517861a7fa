"""`gogobe replay`: reads stored files again with the present reader."""

from __future__ import annotations

import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.reach import check_store
from gogobe.commands.space import space_watched, written_folders
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import counted, harmless
from gogobe.commands.times import MOMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gogobe.backfill.reread import Reread
    from gogobe.backfill.sources import Source
    from gogobe.database.ledger_files import LedgerFile
    from gogobe.database.load.preview import Changes, RowChange

GOOD: Final = ("read", "loaded", "unchanged")
CHANGES: Final = (
    Column("table"),
    Column("key"),
    Column("kind"),
    Column("old", words=True),
    Column("new", words=True),
)


@click.command()
@click.option("--chain", required=True, help="The chain whose files are read, as `gogobe files` shows it.")
@click.option("--since", type=MOMENT, help="Files published at this time or later: 2026-08-07, 7d.")
@click.option("--until", type=MOMENT, help="Files published before this time.")
@click.option("--dry-run", is_flag=True, help="Show which rows would change; change nothing.")
@click.option(
    "--rows", type=click.IntRange(min=0), default=20, show_default=True, help="With --dry-run: rows shown."
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object for each file and changed row, one a line."
)
@VAR
@settings_options(
    "database",
    "database_password",
    "store",
    "store_endpoint",
    "chains",
    "masters",
    "masters_cache",
    "commit_batches",
)
def replay(
    *,
    chain: str,
    since: datetime | None,
    until: datetime | None,
    dry_run: bool,
    rows: int,
    as_json: bool,
    var: Path,
    **flags: Any,
) -> None:
    """Read stored files again with the present reader, and load the result in place of the earlier one.

    Files that this reader has read are skipped. --dry-run loads each file in a transaction that is rolled
    back, and shows the changes; loaders of the same stores wait for it. The exit code is 1 if the store does
    not have a file, or if a file is not loaded completely.
    """
    from gogobe.backfill.load import LoadConfig
    from gogobe.backfill.reread import Rereader, stored_files
    from gogobe.commands.load import out_of_reach, progress_of, reader_of
    from gogobe.database.connection import connect
    from gogobe.database.load.preview import Changes

    settings = settings_with_stack(flags, var)
    needed(settings, "loader")
    check_store(settings)
    with connect(settings.loader_address) as connection:
        files = stored_files(connection, chain, since, until)
    if not files:
        raise click.UsageError(
            f"no file of chain {chain} was published in this time: see `gogobe files --chain`"
        )
    rest = "nothing was changed" if dry_run else "what was committed stays; the same command reads the rest"
    config = LoadConfig(settings.loader_address, settings.commit_batches)
    changes = Changes()
    folders = written_folders(settings, var)
    with space_watched(folders), out_of_reach(rest), progress_of(len(files), folders) as progress:

        def show(file: LedgerFile) -> None:
            progress.file(_named(file))

        rereader = Rereader(reader_of(settings, progress), config, show)
        if dry_run:
            results, changes = rereader.preview(files, rows)
        else:
            results = rereader.load(files)
    _report(results, changes, as_json=as_json, dry_run=dry_run)
    if any(result.state not in GOOD for result in results):
        sys.exit(1)


def _named(file: LedgerFile) -> Source:
    from gogobe.backfill.sources import Source

    return Source(file.source_url, file.file)


def _report(results: Sequence[Reread], changes: Changes, *, as_json: bool, dry_run: bool) -> None:
    states = ", ".join(
        f"{count} {state}" for state, count in Counter(one.state for one in results).most_common()
    )
    counts = sorted(changes.counts.items())
    if as_json:
        for line in (*results, *changes.first):
            click.echo(msgspec.json.encode(line))
        for (table, kind), count in counts:
            click.echo(msgspec.json.encode({"table": table, "kind": kind, "rows": count}))
    else:
        if changes.first:
            print_table(wide_console(), CHANGES, [_row(change) for change in changes.first])
        for one in results:
            if one.state not in GOOD or one.reasons:
                click.echo(harmless(f"{one.file}: {one.state} {', '.join(one.reasons)}".rstrip()))
        for (table, kind), count in counts:
            click.echo(f"{table}: {counted(count, 'row')} would be {kind}")
    nothing = "; no row would change" if dry_run and not counts else ""
    click.echo(f"{counted(len(results), 'file')}: {states}{nothing}", err=as_json)


def _row(change: RowChange) -> list[str]:
    return [change.table, "/".join(change.key), change.kind, _fields(change.old), _fields(change.new)]


def _fields(state: dict[str, Any] | None) -> str:
    if state is None:
        return "-"
    return ", ".join(f"{name} {value}" for name, value in state.items() if value is not None) or "-"
