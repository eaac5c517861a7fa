"""`gogobe masters`: builds, publishes, checks and rolls back snapshots; merges and unmerges masters."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.commands.catalogue import export_catalogue
from gogobe.commands.evaluate import evaluate_command
from gogobe.commands.groups import HelpfulGroup
from gogobe.commands.merges import merge, unmerge
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.progress import working
from gogobe.commands.reach import check_store
from gogobe.commands.review import review
from gogobe.commands.space import space_watched
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import counted, harmless
from gogobe.database.address import Dsn
from gogobe.database.review.known_items import known_items
from gogobe.database.review.redirects import redirect_masters
from gogobe.database.views import refresh_views
from gogobe.io.objects import store_errors
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow, read_catalogue
from gogobe.masters.evaluation.audit import flag_inconsistent
from gogobe.masters.published.store import SnapshotStore, StoredSnapshot
from gogobe.masters.snapshot.files import Manifest, SnapshotError, open_snapshot
from gogobe.masters.snapshot.known_codes import KnownCodes
from gogobe.masters.vectors.token_encoder import TokenEncoder
from gogobe.settings import Settings

SNAPSHOT_COLUMNS: Final = (
    Column("version"),
    Column("state"),
    Column("masters", right=True),
    Column("names", right=True, rank=2),
    Column("GTINs", right=True, rank=3),
    Column("codes", right=True, rank=3),
    Column("dimensions", right=True, rank=5),
    Column("MB", right=True, rank=4),
    Column("encoder", rank=5),
)
FLAGGED_COLUMNS: Final = (
    Column("master"),
    Column("one name", words=True),
    Column("another", words=True),
    Column("names", right=True, rank=2),
    Column("why", words=True, rank=1),
)
STORE: Final = settings_options("masters", "store_endpoint", "masters_cache")


@click.group(cls=HelpfulGroup)
def masters() -> None:
    """Manage master products, and the snapshots that items are matched by.

    \b
    Cold start, from a catalogue:     gogobe masters build items.csv.gz --publish
    Every day, from the database:     gogobe masters build --publish
    Decide uncertain pairs:           gogobe masters review
    Find wrongly joined products:     gogobe masters check
    Measure matching by name:         gogobe masters evaluate items.csv.gz
    Return to the previous snapshot:  gogobe masters rollback
    """


@contextlib.contextmanager
def reported_store_errors() -> Iterator[None]:
    """Reports an error of the snapshot store by a message with the remedy."""
    try:
        yield
    except store_errors() as error:
        raise click.ClickException(
            f"{error} (--masters and --store-endpoint name the store, the environment its credentials)"
        ) from error


def snapshot_store(settings: Settings) -> SnapshotStore:
    """The snapshot store of the settings. Raises ClickException if its endpoint cannot be reached."""
    check_store(settings)
    return SnapshotStore(settings.masters, settings.store_endpoint or None, settings.masters_cache)


@masters.command()
@click.argument("csv", nargs=-1, type=click.Path(path_type=Path), metavar="[CSV…]")
@click.option("--publish", is_flag=True, help="Publish the snapshot: running pipelines switch to it.")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="Folder to build it in; default: a new one below --var."
)
@click.option(
    "--encoder",
    type=click.Path(path_type=Path),
    help="Folder of a sentence-embedding model distilled to token vectors; default: fit one to the names.",
)
@VAR
@settings_options("masters", "store_endpoint", "masters_cache", "database", "database_password")
def build(
    *,
    csv: tuple[Path, ...],
    publish: bool,
    folder: Path | None,
    encoder: Path | None,
    var: Path,
    **flags: Any,
) -> None:
    """Build a snapshot: from the database, or from CSV files of items for a cold start.

    A snapshot from the database has the chains' names for their codes, merges, and the decisions of `gogobe
    masters review`; --publish then redirects masters of the database to the master of the same product.
    A CSV file (also .gz) has the columns chain_id, item_code, item_name, manufacturer, quantity,
    unit_of_measure, unit_qty, price, is_weighted.

    \b
    gogobe masters build --publish
    gogobe masters build items.csv.gz --folder /tmp/snapshot
    """
    settings = settings_with_stack(flags, var)
    if not csv:
        needed(settings, "loader" if publish else "reader")
    target = folder or var / "snapshots" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    with reported_store_errors():
        rows: Iterable[CatalogueRow]
        rows = chain.from_iterable(map(read_catalogue, csv)) if csv else known_items(settings.reader_address)
        with working("Building the snapshot …"), space_watched([target, var]):
            model = TokenEncoder.from_model(encoder) if encoder else None
            manifest = build_snapshot(rows, target, encoder=model)
        click.echo(_summary("built", manifest))
        if manifest.masters == 0:
            raise click.ClickException(
                f"no items in {', '.join(map(str, csv)) or 'the database'}: nothing was published"
            )
        if not publish:
            click.echo(f"It is in {target}. Publish it: gogobe masters publish {target}")
            return
        _publish(settings, target)
        if not csv:
            _redirect(settings.loader_address, target)
        if folder is None:
            shutil.rmtree(target)


@masters.command()
@click.argument("folder", type=click.Path(path_type=Path))
@VAR
@STORE
def publish(folder: Path, var: Path, **flags: Any) -> None:
    """Publish the snapshot that was built in FOLDER: running pipelines switch to it.

    Uploads the parts, then the manifest, then the pointer to the current version, so that readers see complete
    snapshots only. A published snapshot never changes.
    """
    with reported_store_errors():
        _publish(settings_with_stack(flags, var), folder)


def _publish(settings: Settings, folder: Path) -> None:
    with working("Publishing the snapshot …"):
        manifest = snapshot_store(settings).publish(folder)
    click.echo(_summary("published", manifest))
    click.echo(f"It is now current in {settings.masters}. Undo: gogobe masters rollback")


def _redirect(database: Dsn, folder: Path) -> None:
    """Redirects the database's masters to those of a snapshot that was built from it."""
    codes = KnownCodes(open_snapshot(folder, check=False).tables)
    with working("Redirecting masters …"):
        done = redirect_masters(database, codes.masters_of_codes)
        refresh_views(database)
    click.echo(
        f"{counted(done.merged, 'master')} redirected to the master of the same product, "
        f"{counted(done.undone, 'redirect')} undone, {counted(done.moved, 'code')} assigned to another master"
    )


def _summary(what: str, manifest: Manifest) -> str:
    size = sum(part.size for part in manifest.parts.values()) / 1e6
    return (
        f"{what} {manifest.version}: {counted(manifest.masters, 'master')} with "
        f"{counted(manifest.names, 'name')}, {counted(manifest.aliases, 'code')} of chains, {size:,.0f} MB"
    )


def _none_yet(settings: Settings) -> str:
    return f"no snapshot in {settings.masters} yet: `gogobe masters build --publish` makes one"


@masters.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a snapshot and line.")
@VAR
@STORE
def list_snapshots(*, as_json: bool, var: Path, **flags: Any) -> None:
    """List the published snapshots, newest first, with the current one marked."""
    settings = settings_with_stack(flags, var)
    with reported_store_errors():
        stored = snapshot_store(settings).versions()
    if as_json:
        for one in stored:
            click.echo(msgspec.json.encode(one))
        return
    if not stored:
        click.echo(_none_yet(settings))
        return
    click.echo(f"Masters snapshots in {harmless(str(settings.masters))}")
    print_table(wide_console(), SNAPSHOT_COLUMNS, [_snapshot_row(one) for one in stored], stacked_from=1)


def _snapshot_row(one: StoredSnapshot) -> list[str]:
    if one.manifest is None:
        return [one.version, "incomplete", *[""] * 7]
    counts = (one.manifest.masters, one.manifest.names, one.manifest.gtins, one.manifest.aliases)
    return [
        one.version,
        "current" if one.is_current else "",
        *(f"{count:,}" for count in counts),
        str(one.manifest.dimensions),
        f"{sum(part.size for part in one.manifest.parts.values()) / 1e6:,.0f}",
        one.manifest.encoder,
    ]


@masters.command()
@click.argument("version", required=False)
@VAR
@STORE
def rollback(version: str | None, var: Path, **flags: Any) -> None:
    """Make an older snapshot the current one: VERSION, or the one before the current.

    Running pipelines switch to it. Prices that were matched by the newer one keep their masters until their
    files are loaded again. `gogobe masters rollback NEWER_VERSION` undoes a rollback.
    """
    settings = settings_with_stack(flags, var)
    with reported_store_errors():
        manifest = snapshot_store(settings).rollback(version)
    click.echo(_summary("in use is", manifest))


@masters.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), help="A snapshot's folder; default: the current one."
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Masters shown.")
@click.option("--json", "as_json", is_flag=True, help="Each shown master as a JSON object and line.")
@VAR
@STORE
def check(folder: Path | None, limit: int, *, as_json: bool, var: Path, **flags: Any) -> None:
    """Check a snapshot: the SHA-256 of every part, and masters whose names differ too much for one product.

    Chains write names carelessly and some barcodes are used twice, so a shown master may be right. Correct a
    wrong one with `gogobe masters review --accepted` or `gogobe masters unmerge`.
    """
    settings = settings_with_stack(flags, var)
    with reported_store_errors():
        snapshot = open_snapshot(folder or _current_folder(settings))
        flagged = flag_inconsistent(snapshot)
    if as_json:
        for one in flagged[:limit]:
            click.echo(msgspec.json.encode(one))
        return
    click.echo(f"{_summary('complete:', snapshot.manifest)}")
    click.echo(f"{counted(len(flagged), 'master')} with names that differ too much")
    if flagged:
        rows = [
            [str(one.master_id), one.name, one.other_name, str(one.names), "; ".join(one.reasons)]
            for one in flagged[:limit]
        ]
        print_table(wide_console(), FLAGGED_COLUMNS, rows)


def _current_folder(settings: Settings) -> Path:
    store = snapshot_store(settings)
    version = store.current()
    if version is None:
        raise SnapshotError(
            f"no snapshot in {settings.masters} yet: `gogobe masters build --publish` makes one"
        )
    return store.fetch(version)


masters.add_command(merge)
masters.add_command(unmerge)
masters.add_command(review)
masters.add_command(evaluate_command)
masters.add_command(export_catalogue)
