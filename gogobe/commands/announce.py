"""`gogobe announce`: announces files of portals or of this machine to the pipeline."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.reach import check_store
from gogobe.commands.space import space_watched, written_folders
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import counted, harmless
from gogobe.commands.times import shown_seconds

if TYPE_CHECKING:
    from gogobe.backfill.announcing import Announcer
    from gogobe.backfill.sources import Source
    from gogobe.commands.follow import FileOutcome
    from gogobe.records.messages import FileDiscovered
    from gogobe.settings import Settings

NOT_LOADED: Final = 1
TIME_OVER: Final = 3
INTERRUPTED: Final = 130
LINE_SECONDS: Final = 2.0
FILES_SHOWN: Final = 100
COLUMNS: Final = (
    Column("file"),
    Column("state"),
    Column("chain", rank=2),
    Column("store", rank=2),
    Column("read", right=True, rank=1),
    Column("loaded", right=True, rank=1),
    Column("unchanged", right=True, rank=4),
    Column("stale", right=True, rank=5),
    Column("refused", right=True, rank=3),
    Column("took", right=True, rank=3),
    Column("reasons", words=True, rank=1),
)


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="URL|FILE|FOLDER…")
@click.option(
    "--chain", default="", help="The chain of all files; else the ChainId of each file's name decides."
)
@click.option("--unlisted", is_flag=True, help="Take a --chain that chains.toml does not list.")
@click.option("--all", "every_name", is_flag=True, help="Of folders, files of every name.")
@click.option("--wait", is_flag=True, help="Follow the files until each is loaded or has failed.")
@click.option(
    "--timeout", type=click.FloatRange(min=0), default=600.0, show_default=True, help="Seconds for --wait."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file and line.")
@VAR
@settings_options(
    "kafka",
    "kafka_options",
    "database",
    "database_password",
    "store",
    "store_endpoint",
    "chains",
    "fetch_hosts",
)
def announce(
    files: tuple[str, ...],
    *,
    chain: str,
    unlisted: bool,
    every_name: bool,
    wait: bool,
    timeout: float,
    as_json: bool,
    var: Path,
    **flags: Any,
) -> None:
    """Announce published files, to be downloaded, parsed and loaded.

    Addresses (http, https) are downloaded by the pipeline. Files and folders of this machine, s3://… and gs://…
    are put into the object store, and read from there. All are checked before any is announced: the address,
    the chain's name, and that it lists the ChainId of the file's name (of a local file, of its content too).

    \b
    Exit codes with --wait:
      0    all are loaded
      1    some are not, or only in part
      3    the time is over; the pipeline goes on
      130  interrupted; the pipeline goes on
    """
    from gogobe.database.connection import connect

    settings = settings_with_stack(flags, var)
    messages = _checked(files, settings, chain, var, unlisted=unlisted, every_name=every_name)
    needed(settings, "kafka", *(("reader",) if wait else ()))
    if wait:  # before anything is published
        connect(settings.reader_address).close()
    _publish(messages, settings)
    if not wait:
        for message in messages if as_json else ():
            click.echo(msgspec.json.encode(message))
        click.echo(_summary(messages), err=as_json)
        return
    click.echo(_summary(messages), err=True)
    sys.exit(_follow(messages, settings, timeout, as_json=as_json))


def _checked(
    files: Sequence[str], settings: Settings, chain: str, var: Path, *, unlisted: bool, every_name: bool
) -> list[FileDiscovered]:
    """The announcements. If one is invalid, nothing is published. Raises UsageError."""
    from gogobe.backfill.announcing import (
        AnnouncementError,
        Announcer,
        check_address,
        is_address,
        note_on_host,
        one_for_each_address,
    )
    from gogobe.chains.load import ChainsFileError, load_chains
    from gogobe.io.networks import AllowedHosts

    try:
        announcer = Announcer(load_chains(settings.chains), datetime.now(UTC), chain, unlisted)
        allowed = AllowedHosts.parse(settings.fetch_hosts)
        for url in filter(is_address, files):
            check_address(url)
        announcer.key()
        messages = [announcer.of_address(one) for one in files if is_address(one)]
        sources = _sources([one for one in files if not is_address(one)], settings, every_name=every_name)
        with space_watched(written_folders(settings, var) if sources else ()):
            stored = _stored(sources, announcer, settings)
    except (ChainsFileError, AnnouncementError, ValueError) as error:
        raise click.UsageError(harmless(str(error))) from error
    for message in messages:
        if note := note_on_host(message.url, allowed):
            click.echo(f"note: {note}", err=True)
    return one_for_each_address([*messages, *stored])


def _sources(paths: Sequence[str], settings: Settings, *, every_name: bool) -> list[Source]:
    from gogobe.backfill.sources import SourceError, find_sources

    try:
        found = find_sources(paths, settings.store_endpoint, every_name=every_name)
    except SourceError as error:
        hint = "" if "://" in str(error) else "; an address to download from begins with https:// or http://"
        raise click.UsageError(harmless(f"{error}{hint}")) from error
    if found.skipped:
        click.echo(
            f"{counted(found.skipped, 'file')} left out: not named as published files are (--all)", err=True
        )
    if paths and not found.sources:
        raise click.UsageError("there is no file to announce")
    return found.sources


def _stored(sources: Sequence[Source], announcer: Announcer, settings: Settings) -> list[FileDiscovered]:
    """Announcements of local files, which are put into the object store."""
    from gogobe.backfill.sources import SourceError, local_copy
    from gogobe.io.objects import ObjectStore, store_errors

    if not sources:
        return []
    check_store(settings)
    store = ObjectStore(settings.store, settings.store_endpoint or None)
    made = []
    with tempfile.TemporaryDirectory(prefix="gogobe-announce-") as scratch:
        for source in sources:
            try:
                with local_copy(source, Path(scratch), settings.store_endpoint) as path:
                    made.append(announcer.of_file(source, path, store))
            except SourceError as error:
                raise click.UsageError(harmless(str(error))) from error
            except store_errors() as error:
                raise click.ClickException(f"the object store {settings.store}: {error}") from error
    return made


def _publish(messages: Sequence[FileDiscovered], settings: Settings) -> None:
    from gogobe.feeds.ordering import store_of
    from gogobe.io.kafka.topics import PublishError, publish
    from gogobe.records.messages import DISCOVERED, encode

    records = [(store_of(message).encode(), encode(message)) for message in messages]
    try:
        publish(settings.kafka_address, DISCOVERED, records)
    except PublishError as error:
        raise click.ClickException(str(error)) from error


def _summary(messages: Sequence[FileDiscovered]) -> str:
    from gogobe.records.messages import DISCOVERED

    stored = sum(message.s3_path is not None for message in messages)
    of_them = f", {stored} of them from the object store" if stored else ""
    return f"announced {len(messages)} on {DISCOVERED}{of_them}"


def _follow(messages: Sequence[FileDiscovered], settings: Settings, timeout: float, *, as_json: bool) -> int:
    """Follows the files and prints their outcome; returns the exit code."""
    from gogobe.commands.follow import follow
    from gogobe.database.announcements import AnnouncedFile
    from gogobe.records.addresses import file_name_of, public_address

    latest: list[FileOutcome] = []
    lines = _Lines()

    def show(found: Sequence[FileOutcome]) -> None:
        latest[:] = found
        lines.show(found)

    at = messages[0].timestamp
    announced = [
        AnnouncedFile(one.chain, public_address(one.url), one.file_name or file_name_of(one.url), one.timestamp)
        for one in messages
    ]
    interrupted = False
    try:
        follow(
            settings.reader_address,
            announced,
            seconds=timeout,
            show=show,
            check=lambda: None,
            since=at,
        )
    except KeyboardInterrupt:
        interrupted = True
    _print(latest, as_json=as_json)
    waiting = sum(not outcome.ended for outcome in latest)
    if interrupted or waiting:
        why = "interrupted" if interrupted else f"not ended after {timeout:g} s"
        click.echo(
            f"{why}: {waiting} of {counted(len(announced), 'file')}; "
            "the pipeline goes on, `gogobe files` shows them",
            err=True,
        )
        return INTERRUPTED if interrupted else TIME_OVER
    return 0 if all(outcome.state == "loaded" for outcome in latest) else NOT_LOADED


class _Lines:
    """Progress on stderr: a line when the numbers change, at most one in two seconds."""

    def __init__(self) -> None:
        self._said = ""
        self._due = time.monotonic() + LINE_SECONDS

    def show(self, found: Sequence[FileOutcome]) -> None:
        from gogobe.commands.follow import by_state

        states = ", ".join(f"{count} {state}" for state, count in sorted(by_state(found).items()))
        if states != self._said and time.monotonic() >= self._due:
            click.echo(f"{counted(len(found), 'file')}: {states}", err=True)
            self._said, self._due = states, time.monotonic() + LINE_SECONDS


def _print(found: Sequence[FileOutcome], *, as_json: bool) -> None:
    from gogobe.commands.follow import by_state

    if as_json:
        for outcome in found:
            click.echo(msgspec.json.encode(outcome))
        return
    shown = [one for one in found if len(found) <= FILES_SHOWN or one.state != "loaded"]
    if shown:
        print_table(wide_console(), COLUMNS, [_row(outcome) for outcome in shown], stacked_from=1)
    states = ", ".join(f"{count} {state}" for state, count in sorted(by_state(found).items()))
    click.echo(f"{counted(len(found), 'file')}: {states}")


def _row(outcome: FileOutcome) -> list[str]:
    counts = (outcome.read, outcome.loaded, outcome.unchanged, outcome.stale, outcome.refused)
    return [
        outcome.file or outcome.source_url,
        outcome.state,
        outcome.chain,
        outcome.store,
        *(f"{count:,}" if outcome.first_loaded_at else "" for count in counts),
        shown_seconds(outcome.seconds),
        ", ".join(outcome.reasons),
    ]
