"""`gogobe files`: lists the files of the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, get_args

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import counted
from gogobe.commands.times import MOMENT, shown_seconds, shown_time
from gogobe.database.ledger_files import FileFilter, LedgerFile, LedgerState
from gogobe.records.rows import Kind

COLUMNS: Final = (
    Column("file"),
    Column("state"),
    Column("chain", rank=1),
    Column("store", rank=1),
    Column("seen", rank=1),
    Column("took", right=True, rank=3),
    Column("read", right=True, rank=1),
    Column("loaded", right=True, rank=2),
    Column("unchanged", right=True, rank=5),
    Column("stale", right=True, rank=6),
    Column("refused", right=True, rank=4),
    Column("ended", right=True, rank=6),
    Column("problems", words=True, rank=1),
)


@click.command()
@click.option("--chain", metavar="CHAIN", help="Of this chain.")
@click.option("--store-id", metavar="STORE", help="Of this store of the chain.")
@click.option("--kind", type=click.Choice(get_args(Kind)), help="Of this kind.")
@click.option("--state", type=click.Choice(get_args(LedgerState)), help="In this state.")
@click.option(
    "--since", type=MOMENT, help="Loaded, announced again or failed at this time or later: 2h, 2026-08-07."
)
@click.option("--until", type=MOMENT, help="The same before this time.")
@click.option("--address", metavar="TEXT", help="With this text in their name or an address.")
@click.option("--problems", is_flag=True, help="Only files with problems or refused rows.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="Files at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file and line.")
@VAR
@settings_options("database", "database_password")
def files(*, store_id: str | None, limit: int, as_json: bool, var: Path, **flags: Any) -> None:
    """List the announced files with their outcome, the latest first.

    \b
    loaded      all that it holds is in the database
    loading     batches are missing so far
    incomplete  a part is missing for good: damaged, or a batch was refused
    postponed   its portal did not give it; `gogobe crawl` announces it again
    failed      it never came: its dead letter says why (`gogobe deadletters`)
    """
    from gogobe.database.connection import connect
    from gogobe.database.ledger_files import count_files, find_files

    chosen = {
        name: flags.pop(name) for name in ("chain", "kind", "state", "since", "until", "address", "problems")
    }
    wanted = FileFilter(store=store_id, limit=limit, **chosen)
    settings = settings_with_stack(flags, var)
    needed(settings, "reader")
    with connect(settings.reader_address) as connection:
        found, counts = find_files(connection, wanted), count_files(connection, wanted)
    if as_json:
        for file in found:
            click.echo(msgspec.json.encode(file))
        return
    if found:
        print_table(wide_console(), COLUMNS, [_row(file) for file in found], stacked_from=1)
    total = sum(counts.values())
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(counts.items()))
    click.echo(f"{len(found)} of {counted(total, 'file')} shown{f': {states}' if counts else ''}")


def _row(file: LedgerFile) -> list[str]:
    counts = (file.read, file.loaded, file.unchanged, file.stale, file.refused, file.ended)
    read, *others = ("" if count is None else f"{count:,}" for count in counts)
    if file.announced is not None and file.announced != file.read:
        read = f"{read} of {file.announced:,}"
    return [
        file.file or file.source_url,
        file.state,
        file.chain or "",
        file.store_id or "",
        shown_time(file.seen_at),
        shown_seconds(file.seconds),
        read,
        *others,
        ", ".join(file.problems),
    ]
