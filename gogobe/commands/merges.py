"""`gogobe masters merge` and `unmerge`: joins two masters of one product, and separates them again."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table
from gogobe.commands.times import shown_time
from gogobe.database.review.merges import Merge, active_merges, merge_masters, undo_merge
from gogobe.database.views import refresh_views

COLUMNS: Final = (
    Column("merge", right=True),
    Column("from"),
    Column("its name", words=True, rank=2),
    Column("into"),
    Column("name", words=True, rank=2),
    Column("reason", words=True, rank=3),
    Column("by", rank=4),
    Column("when", rank=3),
)
BY: Final = click.option("--by", default=getpass.getuser, help="Who decides; default: the user's name.")


@click.command()
@click.argument("from_id", type=int, metavar="FROM")
@click.argument("into_id", type=int, metavar="INTO")
@click.option("--reason", required=True, help="Why they are one product; stored with the merge.")
@BY
@VAR
@settings_options("database", "database_password")
def merge(from_id: int, into_id: int, reason: str, by: str, var: Path, **flags: Any) -> None:
    """Redirect master FROM to INTO: their prices are compared as one product.

    Both keep their rows, so that `gogobe masters unmerge` can separate them again. `gogobe prices` shows the
    ids of masters.
    """
    settings = settings_with_stack(flags, var)
    needed(settings, "loader")
    number = merge_masters(settings.loader_address, from_id, into_id, reason=reason, by=by)
    refresh_views(settings.loader_address)
    click.echo(f"merge {number}: {from_id} is now {into_id}. Undo it: gogobe masters unmerge {number}")


@click.command()
@click.argument("number", type=int, required=False, metavar="[MERGE]")
@BY
@VAR
@click.option("--json", "as_json", is_flag=True, help="The merges in effect, one JSON object a line.")
@settings_options("database", "database_password")
def unmerge(number: int | None, by: str, var: Path, *, as_json: bool, **flags: Any) -> None:
    """Undo merge number MERGE; without a number, list the merges in effect.

    `gogobe masters build` also merges masters of one product; it does not repeat a merge that you have undone.
    """
    settings = settings_with_stack(flags, var)
    if number is None:
        needed(settings, "reader")
        _show_merges(active_merges(settings.reader_address), as_json=as_json)
        return
    needed(settings, "loader")
    undo_merge(settings.loader_address, number, by=by)
    refresh_views(settings.loader_address)
    click.echo(f"merge {number} is undone")


def _show_merges(merges: Sequence[Merge], *, as_json: bool) -> None:
    if as_json:
        for one in merges:
            click.echo(msgspec.json.encode(one))
        return
    if not merges:
        click.echo("no masters are merged")
        return
    rows = [
        [
            str(one.merge_id),
            str(one.from_id),
            one.from_name or "",
            str(one.into_id),
            one.into_name or "",
            one.reason,
            one.merged_by,
            shown_time(one.merged_at),
        ]
        for one in merges
    ]
    print_table(wide_console(), COLUMNS, rows, stacked_from=2)
