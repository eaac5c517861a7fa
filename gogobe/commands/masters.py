"""`gogobe masters`: snapshots built, published and rolled back; masters merged, parted and checked."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Final

import click
import psycopg
from rich.table import Table

from gogobe.commands.evaluate import evaluate_command
from gogobe.commands.merges import merge, unmerge
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.review import review
from gogobe.database.address import Dsn
from gogobe.database.review.known_items import known_items
from gogobe.database.review.redirects import redirect_masters
from gogobe.database.views import refresh_views
from gogobe.io.objects import store_errors
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueError, CatalogueRow, read_catalogue
from gogobe.masters.evaluation.audit import flag_far_apart
from gogobe.masters.published.store import SnapshotStore
from gogobe.masters.snapshot.files import Manifest, SnapshotError, open_snapshot
from gogobe.masters.snapshot.known_codes import KnownCodes
from gogobe.masters.vectors.token_encoder import EncoderModelError, TokenEncoder
from gogobe.settings import Settings

STORE: Final = settings_options("masters", "store_endpoint", "masters_cache")


@click.group()
def masters() -> None:
    """What makes prices comparable: the master products, and the snapshots that items are matched by.

    \b
    Begin, from a catalogue of items:    gogobe masters build items.csv.gz --publish
    Day by day, from the database:       gogobe masters build --publish
    Say what only people can say:        gogobe masters review
    Is what was joined one product?      gogobe masters check
    How good is matching by name?        gogobe masters evaluate items.csv.gz
    Something went wrong:                gogobe masters rollback
    """


@contextlib.contextmanager
def told_errors() -> Iterator[None]:
    """An error that a person can repair ends the command with its message, without a traceback."""
    try:
        yield
    except (SnapshotError, CatalogueError, EncoderModelError) as error:
        raise click.ClickException(str(error)) from error
    except psycopg.Error as error:
        raise click.ClickException(f"the database: {error}") from error
    except store_errors() as error:
        raise click.ClickException(
            f"{error} (--masters and --store-endpoint name the store, the environment its credentials)"
        ) from error


def snapshot_store(settings: Settings) -> SnapshotStore:
    """The store of snapshots that the settings name."""
    return SnapshotStore(settings.masters, settings.store_endpoint or None, settings.masters_cache)


@masters.command()
@click.argument("csv", nargs=-1, type=click.Path(path_type=Path), metavar="[CSV…]")
@click.option("--publish", is_flag=True, help="Publish the snapshot, so that running pipelines take it up.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to build it; a new folder below --var.")
@click.option(
    "--encoder",
    type=click.Path(path_type=Path),
    help="Folder of a sentence-embedding model distilled to token vectors; unless given, one is learned.",
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

    From the database it knows what chains call their codes, merges, and the yes and no of `gogobe masters
    review`; and where it is published, the database's masters are redirected to what they are one product with.
    A CSV file (.gz too) has the columns chain_id, item_code, item_name, manufacturer, quantity,
    unit_of_measure, unit_qty, price, is_weighted.

    \b
    gogobe masters build --publish
    gogobe masters build items.csv.gz --folder /tmp/snapshot
    """
    settings = settings_with_stack(flags, var)
    if not csv:
        needed(settings, "database")
    target = folder or var / "snapshots" / f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}"
    console = wide_console()
    with told_errors():
        rows: Iterable[CatalogueRow]
        rows = chain.from_iterable(map(read_catalogue, csv)) if csv else known_items(settings.database_address)
        with console.status("Building …"):
            model = TokenEncoder.from_model(encoder) if encoder else None
            manifest = build_snapshot(rows, target, encoder=model)
        click.echo(_summary("built", manifest))
        if manifest.masters == 0:
            raise click.ClickException(
                f"there are no items in {', '.join(map(str, csv)) or 'the database'}: nothing was published"
            )
        if not publish:
            click.echo(f"It is in {target}. Publish it: gogobe masters publish {target}")
            return
        _publish(settings, target)
        if not csv:
            _redirect(settings.database_address, target)
        if folder is None:
            shutil.rmtree(target)


@masters.command()
@click.argument("folder", type=click.Path(path_type=Path))
@VAR
@STORE
def publish(folder: Path, var: Path, **flags: Any) -> None:
    """Publish a snapshot that was built into FOLDER: running pipelines take it up by themselves.

    Its parts are checked and uploaded first, its manifest then, the pointer to it last, so a reader never sees
    half of it. What is published is never changed.
    """
    with told_errors():
        _publish(settings_with_stack(flags, var), folder)


def _publish(settings: Settings, folder: Path) -> None:
    with wide_console().status("Publishing …"):
        manifest = snapshot_store(settings).publish(folder)
    click.echo(_summary("published", manifest))
    click.echo(f"It is the current one in {settings.masters}. Back to the one before: gogobe masters rollback")


def _redirect(database: Dsn, folder: Path) -> None:
    """Make the database's masters those of a snapshot that was built from it."""
    codes = KnownCodes(open_snapshot(folder, check=False).tables)
    with wide_console().status("Redirecting masters …"):
        done = redirect_masters(database, codes.masters_of_codes)
        refresh_views(database)
    click.echo(
        f"{done.merged:,} masters redirected to what they are one with, {done.undone:,} redirects undone, "
        f"{done.moved:,} codes given to another master"
    )


def _summary(what: str, manifest: Manifest) -> str:
    size = sum(part.size for part in manifest.parts.values()) / 1e6
    return (
        f"{what} {manifest.version}: {manifest.masters:,} masters with {manifest.names:,} names, "
        f"{manifest.aliases:,} codes of chains, {size:,.0f} MB"
    )


def _none_yet(settings: Settings) -> str:
    return f"no snapshot in {settings.masters} yet: `gogobe masters build --publish` makes one"


@masters.command("list")
@VAR
@STORE
def list_snapshots(var: Path, **flags: Any) -> None:
    """List the published snapshots, the newest first, and which is in use."""
    settings = settings_with_stack(flags, var)
    with told_errors():
        stored = snapshot_store(settings).versions()
    if not stored:
        click.echo(_none_yet(settings))
        return
    table = Table("version", "state", title=f"Masters snapshots in {settings.masters}", title_justify="left")
    for column in ("masters", "names", "GTINs", "codes", "dimensions", "MB"):
        table.add_column(column, justify="right")
    table.add_column("encoder")
    for one in stored:
        if one.manifest is None:
            table.add_row(one.version, "not whole: publish it again or remove it", style="dim")
            continue
        counts = (one.manifest.masters, one.manifest.names, one.manifest.gtins, one.manifest.aliases)
        table.add_row(
            one.version,
            "current" if one.is_current else "",
            *(f"{count:,}" for count in counts),
            str(one.manifest.dimensions),
            f"{sum(part.size for part in one.manifest.parts.values()) / 1e6:,.0f}",
            one.manifest.encoder,
            style="bold" if one.is_current else "",
        )
    wide_console().print(table)


@masters.command()
@click.argument("version", required=False)
@VAR
@STORE
def rollback(version: str | None, var: Path, **flags: Any) -> None:
    """Make an older snapshot the current one: VERSION, or the one before the current.

    Running pipelines take it up by themselves. Prices that were matched meanwhile keep their masters until
    their files come again. `gogobe masters rollback NEWER_VERSION` goes forward again.
    """
    settings = settings_with_stack(flags, var)
    with told_errors():
        manifest = snapshot_store(settings).rollback(version)
    click.echo(_summary("in use is", manifest))


@masters.command()
@click.option(
    "--folder", type=click.Path(path_type=Path), help="A snapshot's folder; the current one unless given."
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="Masters shown.")
@VAR
@STORE
def check(folder: Path | None, limit: int, var: Path, **flags: Any) -> None:
    """Check a snapshot: every part by its SHA-256, and masters whose names are too far apart to be one product.

    Chains name their products badly, and a barcode may be used for two, so not everything that is shown is
    wrong; what is can be parted with `gogobe masters review --accepted` and `gogobe masters unmerge`.
    """
    settings = settings_with_stack(flags, var)
    with told_errors():
        snapshot = open_snapshot(folder or _current_folder(settings))
        flagged = flag_far_apart(snapshot)
    click.echo(f"{_summary('whole:', snapshot.manifest)}")
    click.echo(f"{len(flagged):,} masters have names that are far apart")
    if flagged:
        table = Table("master", "one name", "another", "names", "why")
        for one in flagged[:limit]:
            table.add_row(str(one.master_id), one.name, one.other_name, str(one.names), "; ".join(one.reasons))
        wide_console().print(table)


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
