"""A small snapshot of weighed vegetables from three chains, and a feed of a fourth, for tests."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.snapshot.files import Manifest
from gogobe.masters.text.facts import Described
from gogobe.records.messages import FileDownloaded
from tests.masters.catalogues import gtin

VEGETABLES: Final = (
    "עגבניות שרי אשכולות אדומות",
    "מלפפון בייבי ארוז",
    "בצל יבש לבן מובחר",
    "תפוח אדמה אדום לאפייה",
    "גזר גמדי שטוף ומקולף",
    "פלפל רמירו אדום מתוק",
    "חסה סלנובה הידרופונית",
    "כרוב סגול קלח בינוני",
    "לימון ירוק ליים בשל",
    "קישוא זוקיני בהיר טרי",
)
FIRST_CODE: Final = 101
OTHER_GOODS: Final = {gtin(500_000 + place): f"מגבת רחצה {place}" for place in range(100)}
"""What else the chain of the feed sells, names by code: of fewer than a hundred items beside it, the matcher knows
too little of an item's siblings to give it to a master of the same name."""


def vegetable_master(place: int) -> int:
    """The master of the vegetable at a place of VEGETABLES: the one that chain 1 has given rise to."""
    return computed_master_id("1", str(FIRST_CODE + place))


def catalogue(names: Iterable[str] = VEGETABLES) -> list[CatalogueRow]:
    """The names as weighed goods that chains 1, 2 and 3 sell under codes of their own, known to be the same."""
    return [
        CatalogueRow(
            chain_id,
            str(FIRST_CODE + place),
            Described(name, "", 1.0, "קילוגרם", 5.9, is_weighted=True),
            vegetable_master(place),
        )
        for place, name in enumerate(names)
        for chain_id in ("1", "2", "3")
    ]


def small_snapshot(folder: Path, version: str, names: Iterable[str] = VEGETABLES) -> Manifest:
    """Builds a snapshot of the vegetables."""
    return build_snapshot(catalogue(names), folder, version=version)


def vegetable_file(folder: Path, chain_id: str = "9", minute: int = 180) -> FileDownloaded:
    """Writes a chain's price file of a minute of the day: the vegetables under codes of its own from 501 on, and other
    goods with a GTIN, milk and OTHER_GOODS."""
    rows = "".join(
        f"<Item><ItemCode>{code}</ItemCode><ItemName>{name}</ItemName><ItemPrice>5.90</ItemPrice>"
        "<UnitQty>קילוגרם</UnitQty><Quantity>1</Quantity><bIsWeighted>1</bIsWeighted></Item>"
        for code, name in enumerate(VEGETABLES, start=501)
    )
    others = "".join(
        f"<Item><ItemCode>{code}</ItemCode><ItemName>{name}</ItemName><ItemPrice>49.90</ItemPrice></Item>"
        for code, name in OTHER_GOODS.items()
    )
    milk = "<Item><ItemCode>7290000042435</ItemCode><ItemName>חלב</ItemName><ItemPrice>6.2</ItemPrice></Item>"
    head = f"<ChainId>{chain_id}</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId>"
    content = gzip.compress(f"<root>{head}<Items>{rows}{milk}{others}</Items></root>".encode(), mtime=minute)
    moment = datetime(2025, 8, 7, minute // 60, minute % 60, tzinfo=UTC)
    name = f"PriceFull{chain_id}-001-{moment:%Y%m%d%H%M}.gz"
    (folder / name).write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    return FileDownloaded(chain_id, str(folder / name), sha256, len(content), name, name, moment, moment)
