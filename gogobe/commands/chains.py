"""`gogobe chains`: the known chains with their portals and the portals' health."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.chains.chain import Chain
from gogobe.chains.load import ChainsFileError, load_chains
from gogobe.commands.groups import HelpfulGroup
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import counted
from gogobe.commands.times import shown_time
from gogobe.database.address import Dsn
from gogobe.database.portals import PortalErrors, PortalHealth

COLUMNS: Final = (
    Column("chain"),
    Column("name", words=True, rank=1),
    Column("ids", words=True, rank=3),
    Column("engine", rank=2),
    Column("circuit"),
    Column("listed", rank=1),
    Column("files", right=True, rank=2),
    Column("announced", right=True, rank=4),
    Column("late", right=True, rank=4),
    Column("error", words=True),
)
HEALTH: Final = ("circuit", "succeeded_at", "files", "announced", "late_median", "last_error")


@click.group(cls=HelpfulGroup, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each portal, one a line.")
@VAR
@settings_options("database", "database_password", "chains")
@click.pass_context
def chains(context: click.Context, /, as_json: bool, var: Path, **flags: Any) -> None:
    """List the known chains and, if a database is configured, the health of their portals.

    `late` is the median of the seconds from a file's own timestamp to its announcement.
    """
    if context.invoked_subcommand is not None:
        return
    settings = settings_with_stack(flags, var)
    try:
        known = load_chains(settings.chains)
    except ChainsFileError as error:
        raise click.UsageError(str(error)) from error
    health, errors = _health(settings.reader_address) if settings.database else ({}, {})
    rows = [row for chain in known for row in _rows(chain, health, errors)]
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
        return
    print_table(wide_console(), COLUMNS, [_cells(row) for row in rows])


@chains.command()
@click.argument("old")
@click.argument("new")
@click.option("--unlisted", is_flag=True, help="Take a new name that chains.toml does not list.")
@click.option("--json", "as_json", is_flag=True, help="Print the numbers of rows as a JSON object.")
@VAR
@settings_options("database", "database_password", "chains")
def rename(old: str, new: str, *, unlisted: bool, as_json: bool, var: Path, **flags: Any) -> None:
    """Rename a misspelt chain: its files, dead letters and announcements get the name NEW, in one transaction.

    Prices are stored by ChainId and stay. Refused if rows of OLD have a ChainId that NEW does not list. Restart
    the jobs afterwards: they remember which chain an unlisted ChainId belongs to.
    """
    from gogobe.backfill.announcing import AnnouncementError, Announcer
    from gogobe.database.chain_names import RenameError, rename_chain
    from gogobe.database.connection import connect
    from gogobe.database.views import refresh_views

    settings = settings_with_stack(flags, var)
    needed(settings, "loader")
    try:
        known = load_chains(settings.chains)
        key = Announcer(known, datetime.now(UTC), new, unlisted).key()
        with connect(settings.loader_address) as connection:
            renamed = rename_chain(connection, known, old, key)
    except (ChainsFileError, AnnouncementError, RenameError) as error:
        raise click.UsageError(str(error)) from error
    refresh_views(settings.loader_address)
    if as_json:
        click.echo(msgspec.json.encode(renamed))
    else:
        files, letters = counted(renamed.files, "file"), counted(renamed.dead_letters, "dead letter")
        click.echo(f"{old} is {key}: {files}, {letters} renamed")


def _health(dsn: Dsn) -> tuple[Mapping[str, PortalHealth], Mapping[str, list[PortalErrors]]]:
    from gogobe.database.connection import connect
    from gogobe.database.portals import read_errors, read_health

    with connect(dsn) as connection:
        errors: dict[str, list[PortalErrors]] = {}
        for error in read_errors(connection):
            errors.setdefault(error.portal, []).append(error)
        return {portal.portal: portal for portal in read_health(connection)}, errors


def _rows(
    chain: Chain, health: Mapping[str, PortalHealth], errors: Mapping[str, list[PortalErrors]]
) -> Iterator[dict[str, Any]]:
    """A row for each portal of a chain; one row without an engine for a chain without a portal."""
    for number, portal in enumerate(chain.portals or (None,), start=1):
        key = chain.key if number == 1 else f"{chain.key}/{number}"
        found = health.get(key)
        yield {
            "portal": key,
            "chain": chain.key,
            "name": chain.name(),
            "chain_ids": chain.chain_ids,
            "engine": portal.engine if portal else None,
            "url": portal.url if portal else None,
            **{name: getattr(found, name) if found else None for name in HEALTH},
            "errors": {error.kind: error.count for error in errors.get(key, ())},
        }


def _cells(row: Mapping[str, Any]) -> list[str]:
    shown = [row["portal"], row["name"], ", ".join(row["chain_ids"]), row["engine"]]
    return [_shown(value) for value in (*shown, *(row[name] for name in HEALTH))]


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return shown_time(value)
    return f"{value:,.0f}" if isinstance(value, int | float) else str(value)
