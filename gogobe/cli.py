"""The `gogobe` command."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.table import Table

from gogobe.commands.masters import masters
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.local.processes import StackError
from gogobe.local.stack import Stack, StackPorts
from gogobe.settings import Settings


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gogobe")
def main() -> None:
    """From the price files supermarkets publish to a live, comparable price database.

    \b
    Try it:              gogobe demo
    Look into a feed:    gogobe inspect FILE
    Keep it running:     gogobe up, gogobe ingest, gogobe announce URL --chain NAME
    Look at prices:      gogobe prices 7290000042435
    Match products:      gogobe masters --help
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")


@main.command()
@VAR
@click.option("--kafka-port", type=int, help="Kafka's port; a free one unless given.")
@click.option("--postgres-port", type=int, help="PostgreSQL's port; a free one unless given.")
def up(var: Path, kafka_port: int | None, postgres_port: int | None) -> None:
    """Start the local stack and leave it running: Kafka, PostgreSQL, Flink, Beam's services."""
    from gogobe.io.kafka import ensure_topics
    from gogobe.io.migrations import migrate
    from gogobe.messages import TOPICS

    stack = Stack(var)
    addresses = stack.start(StackPorts.choose(kafka=kafka_port, postgres=postgres_port))
    migrate(addresses.database)
    ensure_topics(addresses.kafka, TOPICS)
    for name, address in msgspec.structs.asdict(addresses).items():
        click.echo(f"{name:18} {address}")


@main.command()
@VAR
def down(var: Path) -> None:
    """Stop the local stack, or what is left of it. Data stays."""
    Stack(var).stop()
    click.echo("stopped")


@main.command()
@VAR
def status(var: Path) -> None:
    """Show the local stack's services. Exit code 1 when it does not run."""
    stack = Stack(var)
    services = stack.status()
    table = Table("service", "state", "pid", "log")
    for service in services:
        table.add_row(service.name, "running" if service.running else "stopped", str(service.pid), service.log)
    if services:
        wide_console().print(table)
    if stack.addresses() is None:
        click.echo("the stack is not running: `gogobe up` starts it")
        sys.exit(1)


@main.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
@VAR
@settings_options(*Settings.__struct_fields__)
@click.pass_context
def ingest(context: click.Context, /, var: Path, **flags: Any) -> None:
    """Submit the streaming pipeline. Other options are Beam's own and passed through.

    Without --runner it goes to the local stack's Flink, and runs on there until the stack stops.
    """
    from gogobe.pipelines.ingest import submit
    from gogobe.pipelines.options import flags_of, flink_flags

    settings = settings_with_stack(flags, var)
    needed(settings, "kafka", "database", "expansion_service")
    settings = msgspec.structs.replace(
        settings, store=_absolute(settings.store), masters=_absolute(settings.masters)
    )
    beam_flags = list(context.args)
    if not any(flag.startswith("--runner") for flag in beam_flags):
        stack = Stack(var).addresses()
        if stack is None:
            raise click.UsageError("no local stack runs: `gogobe up` first, or name a --runner")
        beam_flags = [*flink_flags(stack.job_endpoint, stack.worker_pool, "gogobe-ingest"), *beam_flags]
    result = submit([*beam_flags, *flags_of(settings)])
    click.echo(f"submitted: {result.state}")


def _absolute(store: str) -> str:
    return store if "://" in store else str(Path(store).absolute())


@main.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("--chain", required=True, help="The chain's name, as in `shufersal`.")
@VAR
@settings_options("kafka")
def announce(urls: tuple[str, ...], chain: str, var: Path, **flags: Any) -> None:
    """Announce published files, to be downloaded, parsed and loaded."""
    from gogobe.io.kafka import PublishError, publish
    from gogobe.messages import DISCOVERED, FileDiscovered, encode
    from gogobe.transforms.order import store_of

    settings = settings_with_stack(flags, var)
    needed(settings, "kafka")
    now = datetime.now(UTC)
    messages = [FileDiscovered(chain=chain, url=url, timestamp=now) for url in urls]
    try:
        count = publish(settings.kafka, DISCOVERED, [(store_of(one).encode(), encode(one)) for one in messages])
    except PublishError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"announced {count} on {DISCOVERED}")


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file and line.")
@click.option("--rows", type=click.IntRange(min=0), help="How many first rows to show: 5, with --json none.")
@VAR
@settings_options("store_endpoint")
def inspect(files: tuple[str, ...], as_json: bool, rows: int | None, var: Path, **flags: Any) -> None:
    """Tell what feeds are and hold: paths, or URLs as s3://BUCKET/KEY. Needs no server.

    Exits with 2 if a file could not be opened or read; the others are told of all the same.
    """
    from gogobe.inspect import UnreadableFileError, inspect_file, print_inspection

    settings = settings_with_stack(flags, var)
    shown = rows if rows is not None else 0 if as_json else 5
    unreadable = False
    for file in files:
        try:
            found = inspect_file(file, shown, settings.store_endpoint)
        except UnreadableFileError as error:
            click.echo(f"gogobe inspect: {error}", err=True)
            unreadable = True
            continue
        if as_json:
            click.echo(msgspec.json.encode(found))
        else:
            print_inspection(found, wide_console())
    if unreadable:
        sys.exit(2)


@main.command()
@VAR
def demo(var: Path) -> None:
    """Load the bundled real feeds on a stack of its own and show the result."""
    from gogobe.demo.run import DemoError, run_demo

    try:
        run_demo(var, wide_console())
    except (StackError, DemoError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything that was started is stopped") from None


@main.command()
@click.argument("query")
@click.option("--limit", default=10, show_default=True, help="Products at most.")
@VAR
@settings_options("database")
def prices(query: str, limit: int, var: Path, **flags: Any) -> None:
    """Compare a product across chains, by barcode or by words of its name."""
    from gogobe.io.queries import compare_prices

    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    found = compare_prices(settings.database, query, limit)
    if not found:
        click.echo(f"no product matches {query!r}")
        sys.exit(1)
    for master in found:
        table = Table("chain", "cheapest", "median", "dearest", "stores", "seen")
        table.title = f"{master.master_id}  {master.name}"
        for price in master.prices:
            table.add_row(
                price.chain,
                f"{price.cheapest:f}",
                f"{price.median:f}",
                f"{price.dearest:f}",
                str(price.stores),
                f"{price.last_seen_at:%Y-%m-%d %H:%M}",
            )
        wide_console().print(table)


main.add_command(masters)
