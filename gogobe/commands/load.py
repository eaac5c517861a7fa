"""`gogobe load`: loads published files into the database, without Kafka."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.reach import check_store
from gogobe.commands.space import disks_of, size_text, space_watched, written_folders
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole, counted, harmless, styled

if TYPE_CHECKING:
    from gogobe.backfill.read import BatchReader
    from gogobe.backfill.run import Choices, FileResult
    from gogobe.backfill.sources import Source
    from gogobe.settings import Settings

SETTINGS: Final = (
    "database", "database_password", "store", "store_endpoint", "chains", "masters", "masters_cache",
    "commit_batches",
)  # fmt: skip
COLUMNS: Final = (
    Column("file"),
    Column("chain", rank=2),
    Column("store", rank=1),
    Column("kind", rank=3),
    Column("state"),
    Column("read", right=True, rank=1),
    Column("loaded", right=True),
    Column("unchanged", right=True, rank=2),
    Column("stale", right=True, rank=3),
    Column("refused", right=True, rank=2),
)
FILES_SHOWN: Final = 40
LINE_SECONDS: Final = 5.0


@click.command()
@click.argument("addresses", nargs=-1, required=True, metavar="FILE|FOLDER|URL…")
@click.option("--chain", default="", help="The chain of all files; default: by each file's ChainId.")
@click.option("--in-place", is_flag=True, help="Read the files in place; do not copy them to the object store.")
@click.option("--all", "every_name", is_flag=True, help="In folders, take files of every name.")
@click.option("--stdout", "to_stdout", is_flag=True, help="Print the batches as JSON lines and load nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for each file, one a line.")
@VAR
@settings_options(*SETTINGS)
def load(
    addresses: tuple[str, ...],
    chain: str,
    *,
    in_place: bool,
    every_name: bool,
    to_stdout: bool,
    as_json: bool,
    var: Path,
    **flags: Any,
) -> None:
    """Load published files into the database, without Kafka: paths, folders, s3://BUCKET/PREFIX, gs://….

    The files are stored, read, matched and loaded by the functions of the pipeline; a file that either has
    loaded before changes nothing. Of a folder, files with the name of a published file are taken, oldest first.
    The exit code is 1 if a file could not be loaded completely; the other files are loaded.
    """
    from gogobe.backfill.run import GOOD, Choices

    settings = settings_with_stack(flags, var)
    check_store(settings)
    found = _found(addresses, settings.store_endpoint, every_name=every_name)
    choices = Choices(chain, in_place or to_stdout, settings.store_endpoint)
    started = time.monotonic()
    folders = written_folders(settings, var)
    work = _printed if to_stdout else _loaded
    with space_watched(folders):
        results = work(found, settings, choices, folders)
    _report(results, time.monotonic() - started, as_json=as_json, err=to_stdout)
    if any(result.state not in GOOD for result in results):
        sys.exit(1)


def _found(addresses: tuple[str, ...], endpoint: str, *, every_name: bool) -> list[Source]:
    from gogobe.backfill.sources import SourceError, find_sources

    try:
        found = find_sources(addresses, endpoint, every_name=every_name)
    except SourceError as error:
        raise click.UsageError(harmless(str(error))) from error
    if found.skipped:
        click.echo(
            f"{counted(found.skipped, 'file')} skipped: not the name of a published file (--all takes them)",
            err=True,
        )
    if not found.sources:
        raise click.UsageError("no file to load")
    return found.sources


def _loaded(
    sources: list[Source], settings: Settings, choices: Choices, folders: Sequence[Path]
) -> list[FileResult]:
    from gogobe.backfill.load import LoadConfig
    from gogobe.backfill.run import load_files
    from gogobe.database.migrations import migrate

    needed(settings, "loader")
    migrate(settings.database_address, roles=settings.database_roles)
    config = LoadConfig(settings.loader_address, settings.commit_batches)
    rest = "committed files stay; the same command loads the rest"
    with out_of_reach(rest), progress_of(len(sources), folders) as progress:
        return load_files(sources, reader_of(settings, progress), config, choices, progress.file)


def _printed(
    sources: list[Source], settings: Settings, choices: Choices, folders: Sequence[Path]
) -> list[FileResult]:
    from gogobe.backfill.run import print_files

    with out_of_reach("the printed batches are complete"), progress_of(len(sources), folders) as progress:
        return print_files(sources, reader_of(settings, progress), _print_line, choices, progress.file)


def _print_line(line: bytes) -> None:
    click.echo(line, nl=False)


def reader_of(settings: Settings, progress: Files) -> BatchReader:
    from gogobe.backfill.read import BatchReader, ReadConfig
    from gogobe.chains.load import ChainsFileError, load_chains
    from gogobe.io.objects import ObjectStore
    from gogobe.masters.published.store import SnapshotStore

    endpoint = settings.store_endpoint or None
    try:
        chains = load_chains(settings.chains)
    except ChainsFileError as error:
        raise click.UsageError(str(error)) from error
    snapshots = SnapshotStore(settings.masters, endpoint, settings.masters_cache)
    config = ReadConfig(ObjectStore(settings.store, endpoint), snapshots, chains)
    return BatchReader(config, progress.count)


@contextmanager
def out_of_reach(rest: str) -> Iterator[None]:
    """Reports an interruption or an unreachable store in one message; `rest` says how to go on."""
    from gogobe.io.objects import store_errors

    try:
        yield
    except KeyboardInterrupt:
        raise click.ClickException(f"interrupted: {rest}") from None
    except BrokenPipeError:
        raise  # the reader of the output has closed it: click exits quietly
    except store_errors() as error:
        raise click.ClickException(f"stopped: {harmless(str(error))}; {rest}") from error


@contextmanager
def progress_of(files: int, folders: Sequence[Path]) -> Iterator[Files]:
    """Shows a bar on a terminal, otherwise a line every few seconds, with the space that is free on the disks
    of the folders."""
    if not sys.stderr.isatty():
        yield _Lines(files, folders)
        return
    columns = (
        BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[done]}", markup=False),
        TimeRemainingColumn(), TextColumn("{task.description}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=PlainConsole(stderr=True), transient=True) as bar:
        yield _Bar(files, folders, bar)


class Files:
    """The progress: the files before the current one, and the rows so far."""

    def __init__(self, files: int, folders: Sequence[Path]) -> None:
        self.folders = folders
        self.total = files
        self.before = -1
        self.rows = 0
        self.name = ""

    def file(self, source: Source) -> None:
        """Begins the next file."""
        self.before += 1
        self.name = harmless(source.name)
        self.show()

    def count(self, rows: int) -> None:
        """Adds the rows of one more batch."""
        self.rows += rows
        self.show()

    def done(self) -> str:
        """The rows so far, and the space that is left on the fullest disk."""
        free = min((disk.free for disk in disks_of(self.folders)), default=None)
        return counted(self.rows, "row") + ("" if free is None else f", {size_text(free)} free")

    def show(self) -> None:
        """Shows the progress, if it is due."""


class _Bar(Files):
    def __init__(self, files: int, folders: Sequence[Path], bar: Progress) -> None:
        super().__init__(files, folders)
        self._bar = bar
        self._task = bar.add_task("", total=files, done="")

    def show(self) -> None:
        self._bar.update(self._task, completed=self.before, done=self.done(), description=self.name)


class _Lines(Files):
    def __init__(self, files: int, folders: Sequence[Path]) -> None:
        super().__init__(files, folders)
        self._due = time.monotonic() + LINE_SECONDS

    def show(self) -> None:
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + LINE_SECONDS
            before = f"{self.before} of {counted(self.total, 'file')}"
            click.echo(f"{before}, {self.done()}: {self.name}", err=True)


def _report(results: Sequence[FileResult], seconds: float, *, as_json: bool, err: bool) -> None:
    """Prints the outcome of each file; to stderr if stdout has the batches."""
    from gogobe.backfill.run import GOOD

    states = Counter(result.state for result in results)
    counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
    rows = sum(result.read for result in results)
    if as_json:
        for result in results:
            click.echo(msgspec.json.encode(result), err=err)
    else:
        console = PlainConsole(stderr=True) if err else wide_console()
        shown = [one for one in results if len(results) <= FILES_SHOWN or one.state not in GOOD]
        if shown:
            print_table(console, COLUMNS, [_row(one) for one in shown], stacked_from=1)
        for result in results:
            for problem in result.problems:
                place = f" ({problem.place})" if problem.place else ""
                text = f"{result.address}: {problem.detail}{place}"
                console.print(styled(problem.reason, "red"), text, soft_wrap=True)
    click.echo(
        f"{counted(len(results), 'file')}: {counts}; {counted(rows, 'row')} in {seconds:.1f} s",
        err=as_json or err,
    )


def _row(one: FileResult) -> list[str]:
    counts = (one.read, one.loaded, one.unchanged, one.stale, one.refused)
    return [one.file, one.chain, one.store, one.kind, one.state, *(f"{count:,}" for count in counts)]
