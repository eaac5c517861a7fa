"""What `gogobe retention` removes: rows, objects, messages, snapshots, each kind by its age."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Final

import msgspec
import psycopg
from confluent_kafka import KafkaException

from gogobe.database import retention
from gogobe.database.connection import Connection
from gogobe.io.aging import OldObject, old_objects, remove_objects
from gogobe.io.kafka.retention import set_retention
from gogobe.io.objects import ObjectStore, store_errors
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import TOPICS
from gogobe.settings import Settings

ROWS: Final[dict[str, tuple[str, Callable[..., retention.Removal]]]] = {
    "price history": ("keep_history_days", retention.remove_history),
    "ended prices": ("keep_history_days", retention.remove_ended_prices),
    "promotions": ("keep_promotions_days", retention.remove_promotions),
    "ledger": ("keep_ledger_days", retention.remove_files),
    "dead letters": ("keep_letters_days", retention.remove_letters),
}


class Removed(msgspec.Struct, frozen=True):
    """What was removed of one kind, or would be: rows, objects, topics with another age, snapshots. `days`: its
    age, 0 for none. `left`: parts that others had locked. `error`: why it could not be done."""

    what: str
    setting: str
    days: int
    removed: int = 0
    left: int = 0
    error: str | None = None


def removals(connection: Connection, settings: Settings, *, dry_run: bool) -> Iterator[Removed]:
    """Removes each kind, and yields what was removed. A kind that fails does not stop the others."""
    store = ObjectStore(settings.store, settings.store_endpoint or None)
    kinds: list[tuple[str, str, Callable[[datetime], retention.Removal]]] = [
        (what, setting, partial(remove, connection, dry_run=dry_run))
        for what, (setting, remove) in ROWS.items()
    ]
    kinds += [
        ("raw files", "keep_raw_days", partial(_remove_raw, connection, store, dry_run=dry_run)),
        (
            "originals of dead letters",
            "keep_letters_days",
            partial(_remove_originals, connection, store, dry_run=dry_run),
        ),
        ("masters snapshots", "keep_masters_days", partial(_remove_snapshots, settings, dry_run=dry_run)),
    ]
    for what, setting, remove in kinds:
        days = getattr(settings, setting)
        yield (
            _tried(what, setting, days, partial(remove, retention.cutoff(days)))
            if days
            else Removed(what, setting, 0)
        )
    if settings.kafka:
        change = partial(
            set_retention, settings.kafka_address, TOPICS, settings.keep_topic_days, dry_run=dry_run
        )
        yield _tried(
            "topics", "keep_topic_days", settings.keep_topic_days, lambda: retention.Removal(len(change()))
        )


def _tried(what: str, setting: str, days: int, work: Callable[[], retention.Removal]) -> Removed:
    try:
        removal = work()
    except (psycopg.Error, KafkaException, *store_errors()) as error:
        text = str(error.args[0]) if isinstance(error, KafkaException) else str(error)
        return Removed(what, setting, days, error=text.partition("\n")[0] or type(error).__name__)
    return Removed(what, setting, days, removal.rows, removal.left)


def _remove_raw(
    connection: Connection, store: ObjectStore, before: datetime, *, dry_run: bool
) -> retention.Removal:
    """Raw files, except the ones that were announced since or that an open dead letter names; and partial files
    of killed workers."""
    if not dry_run:
        store.drop_stale_parts()

    def needed(objects: list[OldObject]) -> set[str]:
        kept = retention.kept_content(connection, [one.sha256 for one in objects], before)
        return {one.path for one in objects if one.sha256 in kept}

    return _remove_objects(store, "raw", before, needed, dry_run=dry_run)


def _remove_originals(
    connection: Connection, store: ObjectStore, before: datetime, *, dry_run: bool
) -> retention.Removal:
    kept = retention.kept_originals(connection)
    return _remove_objects(store, "originals", before, lambda _: kept, dry_run=dry_run)


def _remove_objects(
    store: ObjectStore,
    folder: str,
    before: datetime,
    needed: Callable[[list[OldObject]], set[str]],
    *,
    dry_run: bool,
) -> retention.Removal:
    count = 0
    for objects in old_objects(store, folder, before):
        kept = needed(objects)
        unneeded = [one for one in objects if one.path not in kept]
        if not dry_run:
            remove_objects(store, unneeded)
        count += len(unneeded)
    return retention.Removal(count)


def _remove_snapshots(settings: Settings, before: datetime, *, dry_run: bool) -> retention.Removal:
    snapshots = SnapshotStore(settings.masters, settings.store_endpoint or None, settings.masters_cache)
    return retention.Removal(len(snapshots.remove_old(before, dry_run=dry_run)))
