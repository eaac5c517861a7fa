"""`gogobe announce`: announces published files by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("--chain", required=True, help="The chain's name, as in `shufersal`.")
@VAR
@settings_options("kafka", "kafka_options")
def announce(urls: tuple[str, ...], chain: str, var: Path, **flags: Any) -> None:
    """Announce published files to the pipeline, which downloads, parses and loads them."""
    from gogobe.feeds.ordering import store_of
    from gogobe.io.kafka.topics import PublishError, publish
    from gogobe.records.addresses import has_credentials, public_address
    from gogobe.records.messages import DISCOVERED, FileDiscovered, decoder, encode

    settings = settings_with_stack(flags, var)
    needed(settings, "kafka")
    if secret := next(filter(has_credentials, urls), None):
        raise click.UsageError(f"{public_address(secret)}: give the address without user and password")
    now = datetime.now(UTC)
    messages = [FileDiscovered(chain=chain, url=url, timestamp=now) for url in urls]
    try:
        for one in messages:
            decoder(FileDiscovered).decode(encode(one))  # the pipeline's own check
    except ValueError as error:
        raise click.UsageError(f"not an announcement: {error}") from error
    try:
        count = publish(
            settings.kafka_address, DISCOVERED, [(store_of(one).encode(), encode(one)) for one in messages]
        )
    except PublishError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"announced {count} on {DISCOVERED}")
