"""A few weighed vegetables of three chains, and snapshots of them, for tests."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from gogobe.masters.build import build_snapshot
from gogobe.masters.catalogue import CatalogueRow
from gogobe.masters.facts import Described
from gogobe.masters.snapshot import Manifest

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
