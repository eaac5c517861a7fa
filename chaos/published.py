"""What the portals of a run publish: the bundled feeds and generated ones, drawn from a seed."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from gogobe.demo.published import CHAINS, CUT_SHORT, LOGIN_PAGE, MISSING, shelves

MANIFEST: Final = "published.json"
FEWEST_ITEMS: Final = 50
MOST_ITEMS: Final = 30_000
_LARGE: Final = (MOST_ITEMS, 12_000, 5_000)
_STORE_SIZES: Final = 1.1
_FILES_OF_A_STORE: Final = 6
_MORNING: Final = datetime(2025, 8, 8, 3, 0, tzinfo=UTC)
_FIRST_STORE: Final = 500
_NAMES: Final = ("חלב", "לחם", "גבינה", "יוגורט", "קפה", "אורז", "שמן זית", "פסטה", "טונה", "ביצים")

End = Literal["loaded", "incomplete", "not_found", "html_page"]
"""How a file has to end: a state of the ledger, or the reason of its dead letter."""


class PublishedFile(msgspec.Struct, frozen=True):
    """A file of a portal; its bytes are in `CHAIN/NAME` of the run's folder. `modified` is aware."""

    chain: str
    name: str
    modified: datetime
    end: End = "loaded"

    @property
    def path(self) -> str:
        """Where it is, below the folder and below its portal."""
        return f"{self.chain}/{self.name}"


def publish(folder: Path, count: int, seed: int) -> list[PublishedFile]:
    """Writes `count` files and their list into a folder, in the order in which they are to appear."""
    chance = random.Random(seed)
    bundled = list(_bundled(folder))
    generated = _generated(folder, max(0, count - len(bundled)), chance)
    chance.shuffle(bundled)
    # Files of a store appear in their order, stores side by side.
    queues = [[file] for file in bundled] + generated
    order = [number for number, queue in enumerate(queues) for _ in queue]
    chance.shuffle(order)
    iterators = [iter(queue) for queue in queues]
    files = [next(iterators[number]) for number in order][:count]
    (folder / MANIFEST).write_bytes(msgspec.json.encode(files))
    return files


def read_published(folder: Path) -> list[PublishedFile]:
    """The files of a run's folder, in the order in which they appear."""
    return msgspec.json.decode((folder / MANIFEST).read_bytes(), type=list[PublishedFile])


def _bundled(folder: Path) -> Iterator[PublishedFile]:
    ends: dict[str, End] = {MISSING: "not_found", LOGIN_PAGE: "html_page", CUT_SHORT: "incomplete"}
    for chain, shelf in shelves().items():
        for file in shelf:
            made = PublishedFile(chain, file.name, file.modified, ends.get(file.name, "loaded"))
            if not file.is_missing:
                _write(folder / made.path, file.body)
            yield made


def _generated(folder: Path, count: int, chance: random.Random) -> list[list[PublishedFile]]:
    """Files of stores: for each store a full file, changes, a full file that drops some items, changes."""
    chains = sorted(CHAINS.items())
    stores: list[list[PublishedFile]] = []
    while (left := count - sum(map(len, stores))) > 0:
        number = len(stores)
        chain_id, chain = chains[number % len(chains)]
        # Small runs have no room for the largest files.
        large = _LARGE[number] if count >= 500 and number < len(_LARGE) else 0
        size = large or min(MOST_ITEMS, int(FEWEST_ITEMS * chance.paretovariate(_STORE_SIZES)))
        files = _store_files(chain_id, _FIRST_STORE + number, size, chance)
        made = []
        for name, modified, body in list(files)[:left]:
            made.append(PublishedFile(chain, name, modified))
            _write(folder / made[-1].path, body)
        stores.append(made)
    return stores


def _store_files(
    chain_id: str, store: int, size: int, chance: random.Random
) -> Iterator[tuple[str, datetime, bytes]]:
    # The stores of a chain list the same products.
    prices = {str(7_290_000_100_000 + n): chance.randint(100, 9_999) for n in range(size)}
    for number in range(_FILES_OF_A_STORE):
        at = _MORNING + timedelta(hours=number, minutes=store % 60)
        is_full = number % 3 == 0
        if is_full and number:
            for code in chance.sample(sorted(prices), len(prices) // 20):
                del prices[code]
        listed = (
            prices if is_full else chance.sample(sorted(prices), max(FEWEST_ITEMS * 4 // 5, len(prices) // 10))
        )
        for code in listed:
            if chance.random() < 0.5:
                prices[code] = chance.randint(100, 9_999)
        kind = "PriceFull" if is_full else "Price"
        name = f"{kind}{chain_id}-{store:03}-{_local(at)}.gz"
        yield name, at, _document(chain_id, store, [(code, prices[code]) for code in listed])


def _local(at: datetime) -> str:
    """Israel's summer time, as names have it."""
    return f"{at + timedelta(hours=3):%Y%m%d%H%M}"


def _document(chain_id: str, store: int, prices: Sequence[tuple[str, int]]) -> bytes:
    items = "".join(
        f"<Item><ItemCode>{code}</ItemCode><ItemType>1</ItemType>"
        f"<ItemName>{_NAMES[int(code) % len(_NAMES)]} {code}</ItemName>"
        f"<ManufacturerName>יצרן</ManufacturerName><UnitOfMeasure>יחידה</UnitOfMeasure>"
        f"<Quantity>1.00</Quantity><ItemPrice>{price / 100:.2f}</ItemPrice></Item>"
        for code, price in prices
    )
    text = (
        f'<?xml version="1.0" encoding="UTF-8"?><root><ChainId>{chain_id}</ChainId><SubChainId>1</SubChainId>'
        f'<StoreId>{store:03}</StoreId><Items Count="{len(prices)}">{items}</Items></root>'
    )
    return gzip.compress(text.encode(), 5, mtime=0)


def _write(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
