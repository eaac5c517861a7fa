"""Builds the site into a folder, with a database of its own for the schema."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from gogobe.database.connection import connect
from gogobe.database.migrations import migrate
from gogobe.local.postgres import running_postgres
from website.build import build

folder = Path(sys.argv[1] if len(sys.argv) > 1 else "var/site").absolute()
with (
    tempfile.TemporaryDirectory(prefix="gogobe-site-") as scratch,
    running_postgres(Path(scratch) / "data", Path(scratch) / "postgres.log") as server,
):
    migrate(server.dsn)
    with connect(server.dsn) as database:
        built = build(folder, database)
click.echo(built.stderr, nl=False, err=True)
if built.returncode == 0:
    click.echo(f"{folder / 'html' / 'index.html'}")
sys.exit(built.returncode)
