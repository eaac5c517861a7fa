"""`gogobe logs`: shows the logs of the local stack's services."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

import click

from gogobe.commands.options import VAR
from gogobe.commands.terminal import harmless
from gogobe.local.logs import LogFollower, last_lines
from gogobe.local.processes import slug
from gogobe.local.services import StackFolders
from gogobe.local.stack import Stack

EACH_LINES: Final = 5
ONE_LINES: Final = 50
FOLLOW_EVERY: Final = 0.3


@click.command()
@click.argument("service", required=False)
@click.option("--follow", "-f", is_flag=True, help="Go on with new lines until it is interrupted.")
@click.option(
    "--lines", "-n", type=click.IntRange(0), help="How many of the last lines; 50, or 5 of each service."
)
@VAR
def logs(service: str | None, follow: bool, lines: int | None, var: Path) -> None:
    """Show the end of the log of SERVICE, as in `gogobe logs kafka`; of all services without one.

    Logs are kept over restarts. One that grows beyond 16 MB is renamed to NAME.log.1, and four old ones are
    kept.
    """
    chosen = _logs(var, service)
    count = lines if lines is not None else ONE_LINES if service else EACH_LINES
    for name, log in chosen.items():
        if service is None:
            click.echo(f"== {name} ({log})")
        for line in last_lines(log, count):
            click.echo(harmless(line))
    if follow:
        _follow(chosen, named=service is None)


def _follow(chosen: dict[str, Path], *, named: bool) -> None:
    follower = LogFollower(chosen)
    try:
        while True:
            for name, line in follower.new_lines():
                click.echo(f"{name}: {harmless(line)}" if named else harmless(line))
            time.sleep(FOLLOW_EVERY)
    except KeyboardInterrupt:
        return


def _logs(var: Path, service: str | None) -> dict[str, Path]:
    """The logs by name: those of started services, otherwise all in the folder of logs."""
    found = {Path(log).stem: Path(log) for log in StackFolders.of(var).logs.glob("*.log")}
    names = {slug(one.name): Path(one.log).stem for one in Stack(var).status()}
    if service is None:
        if not found:
            raise click.ClickException(f"no log is in {StackFolders.of(var).logs}: nothing was started there")
        return dict(sorted(found.items()))
    stem = names.get(slug(service), slug(service))
    if stem not in found:
        known = ", ".join(sorted({*found, *(one.name for one in Stack(var).status())})) or "none"
        raise click.UsageError(f"{service} has no log; those there are: {known}")
    return {stem: found[stem]}
