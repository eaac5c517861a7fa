"""`gogobe migrate`: the schema, the roles and their rights, as the database's owner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack


@click.command()
@VAR
@settings_options(
    "database", "database_password", "database_loader", "database_loader_password", "database_reader",
    "database_reader_password",
)  # fmt: skip
def migrate(var: Path, **flags: Any) -> None:
    """Bring the database's schema to this version, as its owner; make the loader's and the reader's roles.

    `gogobe up`, `gogobe run`, `gogobe load` and `gogobe crawl` do the same before they start; with the loader's
    address alone they only check that the schema is there. Roles get the rights that this version needs on each
    table, and no others.
    """
    from gogobe.database import migrations

    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    roles = settings.database_roles
    applied = migrations.migrate(settings.database_address, roles=roles)
    for name in applied:
        click.echo(f"applied {name}")
    steps = len(migrations.schema_steps())
    click.echo(f"the schema has all {steps} steps")
    for role, work in ((roles.loader, "loads"), (roles.reader, "reads")):
        if role is not None:
            click.echo(f"{role.name} {work}")
