"""A few weighed vegetables: a snapshot of one chain's, and a feed of another's, for tests."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gogobe.masters.build import build_snapshot
from gogobe.masters.catalogue import CatalogueRow
from gogobe.masters.facts import Described
from gogobe.masters.snapshot import Manifest
from gogobe.messages import FileDownloaded

VEGETABLES: Final = (
    "עגבניות",
    "מלפפון",
    "בצל יבש",
    "תפוח אדמה לבן",
    "גזר ארוז",
    "פלפל אדום",
    "חסה ערבית",
    "כרוב אדום",
    "לימון",
    "קישוא",
)


def catalogue(names: Iterable[str] = VEGETABLES, chain_id: str = "1") -> list[CatalogueRow]:
    """The names as one chain's weighed goods, under codes of its own from 101 on."""
    return [
        CatalogueRow(chain_id, str(code), Described(name, "", 1.0, "קילוגרם", 5.9, is_weighted=True))
        for code, name in enumerate(names, start=101)
    ]


def small_snapshot(folder: Path, version: str, names: Iterable[str] = VEGETABLES) -> Manifest:
    """Builds a snapshot of one chain's vegetables."""
    return build_snapshot(catalogue(names), folder, version=version)


def vegetable_file(folder: Path, chain_id: str = "9", hour: int = 3) -> FileDownloaded:
    """Writes a chain's price file of that hour: the vegetables under codes of its own from 501 on, and one
    item with a GTIN."""
    rows = "".join(
        f"<Item><ItemCode>{code}</ItemCode><ItemName>{name}</ItemName><ItemPrice>5.90</ItemPrice>"
        "<UnitQty>קילוגרם</UnitQty><Quantity>1</Quantity><bIsWeighted>1</bIsWeighted></Item>"
        for code, name in enumerate(VEGETABLES, start=501)
    )
    milk = "<Item><ItemCode>7290000042435</ItemCode><ItemName>חלב</ItemName><ItemPrice>6.2</ItemPrice></Item>"
    head = f"<ChainId>{chain_id}</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId>"
    content = gzip.compress(f"<root>{head}<Items>{rows}{milk}</Items></root>".encode(), mtime=hour)
    name = f"PriceFull{chain_id}-001-20250807{hour:02}00.gz"
    (folder / name).write_bytes(content)
    sha256, moment = hashlib.sha256(content).hexdigest(), datetime(2025, 8, 7, hour, tzinfo=UTC)
    return FileDownloaded(chain_id, str(folder / name), sha256, len(content), name, name, moment, moment)
