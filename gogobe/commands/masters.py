"""`gogobe masters`: snapshots built, published and rolled back; masters merged, parted and checked."""

from __future__ import annotations

import contextlib
import getpass
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
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.review import review
from gogobe.database.address import Dsn
from gogobe.database.review.known_items import known_items
from gogobe.database.review.merges import MergeError, merge_masters, standing_merges, undo_merge
from gogobe.database.views import refresh_views
from gogobe.io.objects import store_errors
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueError, CatalogueRow, read_catalogue
from gogobe.masters.evaluation.audit import flag_far_apart
from gogobe.masters.published.store import SnapshotStore
from gogobe.masters.snapshot.files import Manifest, SnapshotError, open_snapshot
from gogobe.masters.vectors.token_encoder import EncoderModelError, TokenEncoder
from gogobe.settings import Settings

STORE: Final = settings_options("masters", "store_endpoint", "masters_cache")
BY: Final = click.option("--by", default=getpass.getuser, help="Who decides; the user's name unless given.")


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
    except (SnapshotError, CatalogueError, EncoderModelError, MergeError) as error:
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

    From the database it knows what chains call their codes, what was matched before, merges, and the yes and
    no of `gogobe masters review`. A CSV file (.gz too) has the columns chain_id, item_code, item_name,
    manufacturer, quantity, unit_of_measure, unit_qty, price, is_weighted.

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


@masters.command()
@click.argument("from_id", type=int, metavar="FROM")
@click.argument("into_id", type=int, metavar="INTO")
@click.option("--reason", required=True, help="Why they are one; it is kept with the merge.")
@BY
@VAR
@settings_options("database", "database_password")
def merge(from_id: int, into_id: int, reason: str, by: str, var: Path, **flags: Any) -> None:
    """Redirect master FROM to INTO: their prices are compared as one product's.

    Both keep their rows, so that `gogobe masters unmerge` can part them again. `gogobe prices` tells the
    numbers of masters.
    """
    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    with told_errors():
        number = merge_masters(settings.database_address, from_id, into_id, reason=reason, by=by)
        refresh_views(settings.database_address)
    click.echo(f"merge {number}: {from_id} is now {into_id}. Undo it: gogobe masters unmerge {number}")


@masters.command()
@click.argument("number", type=int, required=False, metavar="[MERGE]")
@VAR
@settings_options("database", "database_password")
def unmerge(number: int | None, var: Path, **flags: Any) -> None:
    """Part what merge number MERGE joined; without a number, list the merges that stand."""
    settings = settings_with_stack(flags, var)
    needed(settings, "database")
    with told_errors():
        if number is None:
            _show_merges(settings.database_address)
            return
        undo_merge(settings.database_address, number)
        refresh_views(settings.database_address)
    click.echo(f"merge {number} is undone")


def _show_merges(database: Dsn) -> None:
    merges = standing_merges(database)
    if not merges:
        click.echo("no masters are merged")
        return
    table = Table("merge", "from", "into", "reason", "by", "when", title="Merges", title_justify="left")
    for one in merges:
        table.add_row(
            str(one.merge_id),
            f"{one.from_id}  {one.from_name or ''}",
            f"{one.into_id}  {one.into_name or ''}",
            one.reason,
            one.merged_by,
            f"{one.merged_at:%Y-%m-%d %H:%M}",
        )
    wide_console().print(table)


masters.add_command(review)
masters.add_command(evaluate_command)
