"""The demo's masters snapshot, built from the bundled price files before anything is loaded.

It is a cold start from a catalogue of items. The catalogue excludes one chain, so that the running pipeline
matches that chain's items by name.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from gogobe.demo.published import FEEDS
from gogobe.feeds.names import parse_file_name
from gogobe.feeds.reader import FeedReader
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.published.store import SnapshotStore
from gogobe.masters.snapshot.files import FORMAT
from gogobe.masters.text.facts import describe_item
from gogobe.records.rows import Item

UNSEEN_CHAIN: Final = "7290058108879"
"""King Store."""


def ensure_snapshot(store: SnapshotStore, scratch: Path) -> str:
    """Publishes the demo's snapshot, unless the store's current one has this format; returns the version.

    The snapshot is built in the folder `scratch`, which is then removed. Raises SnapshotError, OSError.
    """
    for stored in store.versions():
        if stored.is_current and stored.manifest is not None and stored.manifest.format == FORMAT:
            return stored.version
    shutil.rmtree(scratch, ignore_errors=True)  # left by a killed run
    build_snapshot(catalogue_rows(), scratch)
    version = store.publish(scratch).version
    shutil.rmtree(scratch)
    return version


def catalogue_rows() -> Iterator[CatalogueRow]:
    """The items of all bundled price files except those of the unseen chain."""
    for path in sorted(FEEDS.glob("*.gz")):
        name = parse_file_name(path.name)
        if name.kind not in ("price", "pricefull") or name.chain_id == UNSEEN_CHAIN:
            continue
        with path.open("rb") as source:
            for block in FeedReader(source, path.name):
                for item in block.rows:
                    if isinstance(item, Item):
                        yield CatalogueRow(name.chain_id, item.item_code, describe_item(item))
