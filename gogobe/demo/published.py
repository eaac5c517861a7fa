"""The files that the demo's portals publish: the bundled feeds, and three faulty files."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gogobe.demo.portals.shelf import Shelf, ShelfFile
from gogobe.feeds.names import parse_file_name

FEEDS: Final = Path(__file__).parent / "feeds"
CHAINS: Final[Mapping[str, str]] = {
    "7290027600007": "shufersal",
    "7290058108879": "king_store",
    "7290058140886": "rami_levy",
    "7290058156016": "super_sapir",
    "7290696200003": "victory",
    "7290803800003": "yohananof",
}
MISSING: Final = "PriceFull7290696200003-098-202506210600.gz"
LOGIN_PAGE: Final = "PriceFull7290696200003-099-202506210600.gz"
CUT_SHORT: Final = "PriceFull7290058108879-340-202508071024.gz"
_CUT_FROM: Final = "PriceFull7290058108879-339-202508071024.gz"


def shelves() -> dict[str, Shelf]:
    """The files of each chain, by the chain's key. A file's time is the one in its name."""
    found: dict[str, list[ShelfFile]] = {key: [] for key in CHAINS.values()}
    for file in (*_bundled(), *_faulty()):
        found[chain_of(file.name)].append(file)
    return {key: Shelf.of(files) for key, files in found.items()}


def chain_of(file_name: str) -> str:
    """The key of the chain whose ChainId is in a file's name."""
    return next(key for chain_id, key in CHAINS.items() if chain_id in file_name)


def _bundled() -> Iterator[ShelfFile]:
    for path in sorted(FEEDS.iterdir()):
        if any(chain_id in path.name for chain_id in CHAINS):
            yield ShelfFile(path.name, path.read_bytes(), _time_of(path.name))


def _faulty() -> Iterator[ShelfFile]:
    yield ShelfFile(MISSING, modified=_time_of(MISSING), is_missing=True)
    login = b'<!DOCTYPE html><html><body><form><input type="password"></form>Please log in</body></html>'
    yield ShelfFile(LOGIN_PAGE, login, _time_of(LOGIN_PAGE))
    yield ShelfFile(CUT_SHORT, _cut_short(), _time_of(CUT_SHORT))


def _cut_short() -> bytes:
    """Another store's PriceFull under this store's number, cut at six tenths of its bytes."""
    text = gzip.decompress((FEEDS / _CUT_FROM).read_bytes())
    other = text.replace(b"<StoreId>339</StoreId>", b"<StoreId>340</StoreId>")
    whole = gzip.compress(other, mtime=0)
    return whole[: len(whole) * 6 // 10]


def _time_of(file_name: str) -> datetime:
    published_at = parse_file_name(file_name).published_at
    return published_at.astimezone(UTC) if published_at else datetime(2025, 8, 7, tzinfo=UTC)
