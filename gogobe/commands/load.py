"""`gogobe load`: published files straight into the database, without Kafka."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.terminal import PlainConsole, harmless, styled

if TYPE_CHECKING:
    from gogobe.backfill.load import BackfillConfig
    from gogobe.backfill.run import FileResult
    from gogobe.backfill.sources import Found, Source
    from gogobe.settings import Settings

SETTINGS: Final = (
    "database", "database_password", "store", "store_endpoint", "chains", "masters", "masters_cache",
    "commit_batches",
)  # fmt: skip
FILES_SHOWN: Final = 40
LINE_SECONDS: Final = 5.0

Show = Callable[["Source", int], None]


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="FILE|FOLDER|URL…")
@click.option("--chain", default="", help="The chain of all files; else each file's ChainId decides.")
@click.option("--in-place", is_flag=True, help="Leave the files where they are, instead of copying them.")
@click.option("--all", "every_name", is_flag=True, help="Of folders, files of every name.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file and line.")
@VAR
@settings_options(*SETTINGS)
def load(
    addresses: tuple[str, ...],
    chain: str,
    *,
    in_place: bool,
    every_name: bool,
    as_json: bool,
    var: Path,
    **flags: Any,
) -> None:
    """Load published files into the database, without Kafka: paths, folders, s3://BUCKET/PREFIX, gs://….

    The files are put into the object store, read, matched and loaded as the pipeline does it: what either has
    loaded before changes nothing. Of a folder, files are taken whose names are those of published files, the
    oldest first. Exits with 1 if a file is not loaded whole; the others are.
    """
    from gogobe.backfill.run import GOOD, Choices, run_backfill
    from gogobe.backfill.sources import SourceError, find_sources
    from gogobe.database.migrations import migrate

    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    try:
        found = find_sources(addresses, settings.store_endpoint, every_name=every_name)
    except SourceError as error:
        raise click.UsageError(harmless(str(error))) from error
    if found.skipped:
        click.echo(f"{found.skipped} files are left out: not named as published files are (--all)", err=True)
    if not found.sources:
        raise click.UsageError("there is no file to load")
    migrate(settings.database_address)
    choices = Choices(chain, in_place, settings.store_endpoint)
    started = time.monotonic()
    with _out_of_reach(), _progress(found) as show:
        results = run_backfill(found.sources, _config(settings), choices, show)
    _report(results, time.monotonic() - started, as_json=as_json)
    if any(result.state not in GOOD for result in results):
        sys.exit(1)


def _config(settings: Settings) -> BackfillConfig:
    from gogobe.backfill.load import BackfillConfig
    from gogobe.chains.load import ChainsFileError, load_chains
    from gogobe.io.objects import ObjectStore
    from gogobe.masters.published.store import SnapshotStore

    endpoint = settings.store_endpoint or None
    try:
        chains = load_chains(settings.chains)
    except ChainsFileError as error:
        raise click.UsageError(str(error)) from error
    return BackfillConfig(
        database=settings.database_address,
        store=ObjectStore(settings.store, endpoint),
        snapshots=SnapshotStore(settings.masters, endpoint, settings.masters_cache),
        chains=chains,
        commit_batches=settings.commit_batches,
    )


@contextmanager
def _out_of_reach() -> Iterator[None]:
    """An end that comes from outside, in a sentence."""
    from gogobe.io.objects import store_errors

    rest = "what was committed stays; the same command loads the rest"
    try:
        yield
    except KeyboardInterrupt:
        raise click.ClickException(f"interrupted: {rest}") from None
    except store_errors() as error:
        raise click.ClickException(f"stopped: {harmless(str(error))}; {rest}") from error


@contextmanager
def _progress(found: Found) -> Iterator[Show]:
    """A bar on a terminal; elsewhere a line from time to time."""
    if not sys.stderr.isatty():
        yield _Lines(len(found.sources)).show
        return
    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("files, {task.fields[rows]:,} rows", markup=False),
        TimeRemainingColumn(), TextColumn("{task.description}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=PlainConsole(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(found.sources), rows=0)
        count = iter(range(len(found.sources)))

        def show(source: Source, rows: int) -> None:
            progress.update(task, completed=next(count), rows=rows, description=harmless(source.name))

        yield show


class _Lines:
    """Progress in a pipe or a file."""

    def __init__(self, files: int) -> None:
        self._files = files
        self._before = 0
        self._due = time.monotonic() + LINE_SECONDS

    def show(self, source: Source, rows: int) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_SECONDS
            click.echo(
                f"{self._before} of {self._files} files, {rows:,} rows: {harmless(source.name)}", err=True
            )
        self._before += 1


def _report(results: Sequence[FileResult], seconds: float, *, as_json: bool) -> None:
    from gogobe.backfill.run import GOOD

    states = Counter(result.state for result in results)
    rows = sum(result.read for result in results)
    if as_json:
        for result in results:
            click.echo(msgspec.json.encode(result))
    else:
        console = wide_console()
        shown = results
        if len(results) > FILES_SHOWN:
            shown = [result for result in results if result.state not in GOOD]
        if shown:
            console.print(_table(shown))
        for result in results:
            for problem in result.problems:
                place = f" ({problem.place})" if problem.place else ""
                console.print(
                    styled(problem.reason, "red"), f"{result.address}: {problem.detail}{place}", soft_wrap=True
                )
    counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
    click.echo(f"{len(results)} files: {counts}; {rows:,} rows in {seconds:.1f} s", err=as_json)


def _table(results: Sequence[FileResult]) -> Table:
    table = Table("file", "chain", "store", "kind", "state")
    for name in ("read", "loaded", "unchanged", "stale", "refused"):
        table.add_column(name, justify="right")
    for one in results:
        counts = (one.read, one.loaded, one.unchanged, one.stale, one.refused)
        table.add_row(one.file, one.chain, one.store, one.kind, one.state, *(f"{count:,}" for count in counts))
    return table
