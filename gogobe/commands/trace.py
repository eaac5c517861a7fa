"""`gogobe trace`: shows the origin of a price, a batch or a file, back to its announcement and its raw
rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.terminal import counted, styled
from gogobe.commands.times import shown_seconds, shown_time
from gogobe.database.lineage import Trace, TracedBatch, UnknownOriginError
from gogobe.feeds.fragments import Fragment, row_fragments
from gogobe.feeds.names import normal_store_id
from gogobe.io.objects import ObjectStore, OutsideStoreError, content_key, store_errors
from gogobe.records.messages import encode
from gogobe.records.money import money

ROWS_SHOWN: Final = 3
BATCHES_SHOWN: Final = 5


@click.command()
@click.argument("what")
@click.argument("code", required=False)
@click.option(
    "--rows", type=click.IntRange(min=0), default=ROWS_SHOWN, show_default=True, help="Raw rows at most."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each file, one a line.")
@VAR
@settings_options("database", "database_password", "store", "store_endpoint")
def trace(what: str, code: str | None, *, rows: int, as_json: bool, var: Path, **flags: Any) -> None:
    """Show where a price or a file comes from: row, batch, file, object, announcement, and the file's raw rows.

    WHAT is a batch's id, a file's SHA-256 or the beginning of it, its name, its address, or its object's path.
    For a price it is CHAIN/STORE (or CHAIN/SUB-CHAIN/STORE), and CODE is the item's code.

    \b
    gogobe trace shufersal/1 7290000042435
    gogobe trace PriceFull7290027600007-001-202508070300.gz
    """
    from gogobe.database.connection import connect
    from gogobe.database.lineage import trace_price, trace_text

    settings = settings_with_stack(flags, var)
    needed(settings, "reader")
    shop = _shop(what) if code is not None else None
    store = ObjectStore(settings.store, settings.store_endpoint or None)
    with connect(settings.reader_address) as connection:
        try:
            if code is not None and shop is not None:
                chain, sub_chain_id, store_id = shop
                found = trace_price(connection, chain, store_id, code, sub_chain_id)
            else:
                found = trace_text(connection, what)
        except UnknownOriginError as error:
            raise click.ClickException(str(error)) from error
        for one in found:
            _show(one, store, rows, as_json=as_json)


def _shop(what: str) -> tuple[str, str | None, str]:
    """Chain, sub-chain and store of `CHAIN/STORE` or `CHAIN/SUB-CHAIN/STORE`. Raises UsageError."""
    chain, *numbers = what.split("/")
    if not chain or not all(numbers) or len(numbers) not in (1, 2):
        raise click.UsageError(
            f"{what!r} is no store: a price is named by CHAIN/STORE CODE, as in shufersal/1 729…"
        )
    *sub_chain, store = map(normal_store_id, numbers)
    return chain, sub_chain[0] if sub_chain else None, store


def _show(found: Trace, store: ObjectStore, rows: int, *, as_json: bool) -> None:
    fragments, why = raw_rows(found, store, rows)
    if as_json:
        fields = {name: getattr(found, name) for name in found.__struct_fields__}
        click.echo(encode(fields | {"rows": fragments, "rows_error": why}))
        return
    console = wide_console()
    for heading, facts in _sections(found):
        console.print(styled(heading, "bold"), soft_wrap=True)
        for name, value in facts:
            if value not in (None, "", []):
                text = shown_time(value) if isinstance(value, datetime) else str(value)
                console.print(styled(f"  {name:15}", "dim"), text, soft_wrap=True)
    if fragments or why:
        console.print(styled("raw rows", "bold"), soft_wrap=True)
        for fragment in fragments:
            console.print(styled(f"  {fragment.what}", "dim"), soft_wrap=True)
            console.print("\n".join(f"    {line}" for line in fragment.text.splitlines()), soft_wrap=True)
        if why:
            console.print(f"  {why}", soft_wrap=True)
    console.print()


def raw_rows(found: Trace, store: ObjectStore, most: int) -> tuple[list[Fragment], str | None]:
    """The XML of the row, or of the first rows of the batch or file; and the reason if there is none."""
    file = found.file
    if file is None or not most:
        return [], None
    if found.price is not None:
        wanted = [found.price.row] if found.price.row else []
    else:
        first = found.batch.first_row if found.batch and found.batch.first_row else 1
        last = found.batch.last_row if found.batch and found.batch.last_row else first + most - 1
        wanted = list(range(first, min(first + most - 1, last) + 1))
    path = file.object_path or store.path_of(
        content_key(file.chain or "", file.content_sha256 or "", file.file)
    )
    try:
        with store.open(path) as source:
            fragments = row_fragments(source, wanted)
    except FileNotFoundError:
        return [], f"{path} is not in the store"
    except OutsideStoreError as error:
        return [], str(error)
    except store_errors() as error:
        return [], f"{path} cannot be read: {error}"
    return fragments, None if fragments else f"{path} has no row {', '.join(map(str, wanted))}"


def _sections(found: Trace) -> Iterator[tuple[str, list[tuple[str, object]]]]:
    """The parts of a trace from the row to the announcement, each with its facts."""
    if (price := found.price) is not None:
        yield "price", [
            ("chain", f"{price.chain} ({price.chain_id})"),
            ("store", " ".join(filter(None, (f"{price.sub_chain_id}/{price.store_id}", price.store_name)))),
            ("code", price.item_code),
            ("name", price.name),
            ("price", money(price.price)),
            ("unit price", None if price.unit_price is None else money(price.unit_price)),
            ("written by file", price.published_at),
            ("last seen", price.last_seen_at),
            ("first seen", price.first_seen_at),
            ("ended", price.ended_at),
            ("master", price.master_id and f"{price.master_id}, by {price.match}, score {price.score:.2f}"),
            ("row of file", price.row),
            *((("changed", f"{shown_time(one.changed_at)}: {money(one.old_price)} → {money(one.new_price)}"))
              for one in price.changes),
        ]  # fmt: skip
    if found.batch is not None:
        yield "batch", list(_batch(found.batch))
    if (file := found.file) is not None:
        yield "file", [
            ("name", file.file),
            ("sha256", file.content_sha256),
            ("chain", f"{file.chain} ({file.chain_id})"),
            ("store", f"{file.sub_chain_id}/{file.store_id}"),
            ("kind", file.kind),
            ("state", file.state),
            ("published", file.published_at),
            ("downloaded", file.downloaded_at),
            ("first loaded", file.first_loaded_at),
            ("completed", file.completed_at),
            ("took", shown_seconds(file.seconds)),
            ("reader", file.reader_version),
            ("rows", f"{file.read} read, {file.loaded} loaded, {file.unchanged} unchanged, {file.stale} stale, "
                     f"{file.refused} refused, {file.ended} ended"),
            ("batches", f"{file.batches_loaded} of {file.batches_expected}, {file.batches_failed} failed"),
            ("problems", ", ".join(file.problems)),
            ("object", file.object_path),
        ]  # fmt: skip
        if found.batch is None:
            for batch in found.batches[:BATCHES_SHOWN]:
                yield f"batch {batch.sequence}", list(_batch(batch))
    elif found.price is not None:
        yield "file", [("unknown", "the ledger has no file that wrote this row")]
    if found.confirmed_by is not None:
        yield (
            "confirmed by",
            [
                ("name", found.confirmed_by.file),
                ("sha256", found.confirmed_by.content_sha256),
                ("published", found.confirmed_by.published_at),
            ],
        )
    for address in found.addresses:
        yield (
            "announcement",
            [
                ("address", address.source_url),
                ("discovered", address.discovered_at),
                ("downloaded", address.downloaded_at),
                ("by agent", address.agent),
                ("announced", address.announced_at),
                ("version", address.version),
            ],
        )
    for letter in found.letters:
        state = "resolved" if letter.resolved_at else "open"
        yield (
            "dead letter",
            [
                ("id", letter.id[:12]),
                ("why", f"{letter.stage}/{letter.reason}, {counted(letter.attempts, 'attempt')}, {state}"),
                ("last failed", letter.last_failed_at),
            ],
        )


def _batch(batch: TracedBatch) -> Iterator[tuple[str, object]]:
    yield "id", batch.batch_id
    yield "rows", f"{batch.first_row} to {batch.last_row}" if batch.first_row else None
    yield "committed", batch.committed_at
    yield "failed", "yes: its rows are not loaded" if batch.failed else None
    yield "reader", batch.reader_version
    yield "masters", batch.masters_version
