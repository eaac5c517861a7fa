"""`gogobe crawl`: runs an agent that watches the chains' portals."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from gogobe.chains.load import ChainsFileError, load_chains
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import counted

if TYPE_CHECKING:
    from gogobe.discovery.agent import AgentSettings
    from gogobe.discovery.health import Listing
    from gogobe.discovery.metrics import Metrics
    from gogobe.discovery.portal import Portal
    from gogobe.io.networks import AllowedHosts
    from gogobe.settings import Settings

COLUMNS: Final = (
    Column("portal"),
    Column("outcome"),
    Column("files", right=True),
    Column("announced", right=True),
    Column("ignored", right=True, rank=1),
    Column("seconds", right=True, rank=1),
    Column("errors", words=True),
)


@click.command()
@click.option("--chain", "only", multiple=True, metavar="CHAIN", help="Only this chain; repeat for more.")
@click.option("--once", is_flag=True, help="List every portal once, at any hour, and exit.")
@click.option("--metrics-port", type=click.IntRange(0, 65535), help="Serve Prometheus metrics on 127.0.0.1.")
@click.option(
    "--json", "as_json", is_flag=True, help="With --once: print one JSON object for each portal, one a line."
)
@VAR
@settings_options(
    "kafka",
    "kafka_options",
    "database",
    "database_password",
    "chains",
    "fetch_hosts",
    "fetch_give_up",
    "crawl_lease",
    "crawl_listings",
    "crawl_keep_days",
)
def crawl(
    only: tuple[str, ...], once: bool, metrics_port: int | None, as_json: bool, var: Path, **flags: Any
) -> None:
    """Watch the chains' portals and announce each new file once.

    Also announces files of the retry queue again when they are due. Several agents share the portals; if one
    dies, the others take over its portals. With --once the exit code is 1 if a portal could not be listed.
    """
    from gogobe.database.migrations import migrate
    from gogobe.discovery.agent import AgentSettings, agent_name
    from gogobe.discovery.announcer import Topic
    from gogobe.discovery.metrics import Metrics
    from gogobe.io.kafka.retention import topic_config
    from gogobe.io.kafka.topics import ensure_topics
    from gogobe.records.messages import DISCOVERED

    settings = settings_with_stack(flags, var)
    needed(settings, "kafka", "loader")
    portals, allowed = portals_of_settings(settings, only)
    migrate(settings.database_address, roles=settings.database_roles)
    config = topic_config(settings.keep_topic_days)
    ensure_topics(
        settings.kafka_address, [DISCOVERED], settings.topic_partitions, settings.topic_replication, config
    )
    metrics = Metrics()
    if metrics_port is not None:
        port = metrics.serve(metrics_port)
        click.echo(f"metrics: http://127.0.0.1:{port}/metrics", err=True)
    agent = AgentSettings(
        settings.loader_address,
        Topic(settings.kafka_address),
        agent_name(),
        allowed,
        lease=settings.crawl_lease,
        listings=settings.crawl_listings,
        keep_days=settings.crawl_keep_days,
        give_up=settings.fetch_give_up,
        only=frozenset(portal.chain for portal in portals) if only else None,
    )
    try:
        if once:
            _show_once(asyncio.run(_list_once(portals, agent, metrics)), as_json)
        else:
            click.echo(f"{agent.name} watches {counted(len(portals), 'portal')}; Ctrl-C ends it", err=True)
            asyncio.run(_watch(portals, agent, metrics))
    except asyncio.CancelledError:
        raise click.ClickException("interrupted; the next run announces the rest") from None
    except BaseExceptionGroup as group:
        # The error that ended the agent's tasks; the command group has a message for it.
        raise _first(group) from group


def portals_of_settings(settings: Settings, only: Collection[str]) -> tuple[list[Portal], AllowedHosts]:
    """The portals of all chains or of those in `only`, and the addresses that may be connected to although they
    are not public. Raises UsageError."""
    from gogobe.discovery.portal import PortalError, portals_of
    from gogobe.io.networks import AllowedHosts

    try:
        portals = portals_of(load_chains(settings.chains), only)
        return portals, AllowedHosts.parse(settings.fetch_hosts)
    except (ChainsFileError, PortalError, ValueError) as error:
        raise click.UsageError(str(error)) from error


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def _list_once(
    portals: Sequence[Portal], settings: AgentSettings, metrics: Metrics
) -> dict[str, Listing]:
    """One listing of every portal. Raises CancelledError at SIGINT or SIGTERM, after the agent has closed."""
    from gogobe.discovery.agent import list_once

    task = asyncio.current_task()
    assert task is not None, "asyncio.run makes a task"
    _on_signals(task.cancel)
    return await list_once(portals, settings, metrics)


async def _watch(portals: Sequence[Portal], settings: AgentSettings, metrics: Metrics) -> None:
    """Watches the portals until SIGINT or SIGTERM."""
    from gogobe.discovery.agent import Agent

    stop = asyncio.Event()
    _on_signals(stop.set)
    async with Agent(portals, settings, metrics) as agent:
        await agent.run(stop)


def _on_signals(stop: Callable[[], object]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)


def _show_once(listings: Mapping[str, Listing], as_json: bool) -> None:
    failed = [key for key, listing in listings.items() if listing.error is not None]
    if as_json:
        for key, listing in listings.items():
            click.echo(msgspec.json.encode(_summary(key, listing)))
    else:
        rows = [
            [
                key,
                listing.outcome,
                *map("{:,}".format, (listing.files, listing.announced, listing.ignored)),
                f"{listing.seconds:.1f}",
                "; ".join(listing.details.values()),
            ]
            for key, listing in listings.items()
        ]
        print_table(wide_console(), COLUMNS, rows)
        announced = sum(listing.announced for listing in listings.values())
        click.echo(
            f"{counted(len(listings), 'portal')} ({len(failed)} failed), {counted(announced, 'file')} announced"
        )
    if failed:
        sys.exit(1)


def _summary(key: str, listing: Listing) -> dict[str, Any]:
    return {
        "portal": key,
        "outcome": listing.outcome,
        "files": listing.files,
        "announced": listing.announced,
        "ignored": listing.ignored,
        "seconds": round(listing.seconds, 3),
        "errors": listing.details,
    }
