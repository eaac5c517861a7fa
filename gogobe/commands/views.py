"""`gogobe views`: refreshes the materialized views by hand."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from gogobe.commands.groups import HelpfulGroup
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack
from gogobe.commands.progress import working


@click.group(cls=HelpfulGroup)
def views() -> None:
    """Manage the materialized views that comparisons and reports read.

    The pipeline and `gogobe load` refresh them.
    """


@views.command()
@VAR
@settings_options("database", "database_password")
def refresh(var: Path, **flags: Any) -> None:
    """Refresh all views now, after a change of the tables by hand, for example.

    The exit code is 1 if another worker is refreshing them.
    """
    from gogobe.database.views import VIEWS, refresh_views

    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    started = time.monotonic()
    with working("Refreshing the views …"):
        refreshed = refresh_views(settings.database_address)
    if not refreshed:
        raise click.ClickException("another worker is refreshing the views: they will be up to date soon")
    click.echo(f"{len(VIEWS)} views refreshed in {time.monotonic() - started:.1f} s")
