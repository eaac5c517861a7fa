"""`gogobe retry`: announces files of the retry queue again, without an agent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from gogobe.commands.crawl import portals_of_settings
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack
from gogobe.commands.terminal import counted
from gogobe.database.address import Dsn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gogobe.discovery.portal import Portal
    from gogobe.discovery.retries import Retries
    from gogobe.io.networks import AllowedHosts

EVERY_SECONDS: Final = 5.0


@click.command()
@click.option("--chain", "only", multiple=True, metavar="CHAIN", help="Only this chain; repeat for more.")
@click.option("--all", "everything", is_flag=True, help="First announce also files that are not due.")
@click.option("--once", is_flag=True, help="Announce the due files and exit.")
@VAR
@settings_options(
    "kafka", "kafka_options", "database", "database_password", "chains", "fetch_hosts", "fetch_give_up"
)
def retry(only: tuple[str, ...], everything: bool, once: bool, var: Path, **flags: Any) -> None:
    """Announce files again that their portal did not deliver.

    For use without `gogobe crawl`, which does the same. Runs until Ctrl-C unless --once is given.
    """
    from gogobe.discovery.announcer import Topic
    from gogobe.discovery.metrics import Metrics
    from gogobe.discovery.retries import Retries

    settings = settings_with_stack(flags, var)
    needed(settings, "kafka", "loader")
    portals, allowed = portals_of_settings(settings, only)
    chains = frozenset(portal.chain for portal in portals) if only else None
    retries = Retries(
        settings.loader_address,
        Topic(settings.kafka_address),
        Metrics(),
        give_up=settings.fetch_give_up,
        chains=chains,
    )
    click.echo(waiting_line(settings.loader_address))
    try:
        asyncio.run(_retry(retries, portals, allowed, everything=everything, once=once))
    except KeyboardInterrupt:
        click.echo(waiting_line(settings.loader_address))


async def _retry(
    retries: Retries, portals: Sequence[Portal], allowed: AllowedHosts, *, everything: bool, once: bool
) -> None:
    from gogobe.discovery.retries import retry_once

    try:
        while True:
            announced = await retry_once(retries, portals, allowed, everything=everything)
            if announced or once:
                click.echo(f"announced again: {counted(announced, 'file')}")
            if once:
                return
            everything = False
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        await retries.close()


def waiting_line(dsn: Dsn) -> str:
    """A line with the number of waiting files, by chain, host and reason. Raises psycopg.Error."""
    from gogobe.database.connection import connect
    from gogobe.database.waiting import count_waiting

    with connect(dsn) as connection:
        counts = count_waiting(connection)
    if not counts:
        return "no file waits for its portal"
    hosts = "; ".join(f"{one.files:,} of {one.chain} for {one.host} ({one.reason})" for one in counts)
    return f"{counted(sum(one.files for one in counts), 'file')} waiting for portals: {hosts}"
