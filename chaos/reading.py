"""An independent reading of what was published: plain lxml over whole documents, none of the reader's code.

The expected rows follow from the files alone: of each store and code the price of the newest file, and nothing
that the newest full file leaves out.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from lxml import etree

from chaos.published import PublishedFile

Store = tuple[str, str]
"""ChainId and the store's number without zeros before it."""

_TIME: Final = re.compile(r"(20\d{6})-?(\d{4})")
_ROWS: Final = {"price": ("item", "product"), "promo": ("promotion", "sale"), "store": ("store", "branch")}
_CODE: Final = {"price": "itemcode", "promo": "promotionid", "store": "storeid"}


@dataclass(frozen=True)
class ReadFile:
    """A published file. `prices` by code, of a price file: the last row of a code counts. `ids`: of
    promotions."""

    file: PublishedFile
    sha256: str
    rows: int = 0
    store: Store = ("", "")
    prices: dict[str, Decimal] = field(default_factory=dict)
    ids: frozenset[str] = frozenset()

    @property
    def kind(self) -> str:
        """By its name: `price`, `pricefull`, `promo`, `promofull`, `store`."""
        name = self.file.name.lower().removeprefix("null")
        kind = next(one for one in _ROWS if name.startswith(one))
        return kind + ("full" if kind != "store" and name.startswith(f"{kind}full") else "")

    @property
    def published(self) -> str:
        """The time in its name, YYYYMMDDHHMM."""
        found = _TIME.search(self.file.name)
        return "" if found is None else found[1] + found[2]


def read_file(folder: Path, file: PublishedFile) -> ReadFile:
    """Reads a published file; of one that is no whole document nothing but its hash."""
    path = folder / file.path
    if not path.is_file():
        return ReadFile(file, "")
    body = path.read_bytes()
    read = ReadFile(file, hashlib.sha256(body).hexdigest())
    if file.end != "loaded":
        return read
    tree = etree.fromstring(
        _text(body), etree.XMLParser(huge_tree=True, resolve_entities=False, no_network=True)
    )
    kind = read.kind.removesuffix("full")
    store = ("", "")
    count = 0
    prices: dict[str, Decimal] = {}
    ids: set[str] = set()
    for element in tree.iter("*"):
        name = _name(element)
        if name == "chainid" and not store[0]:
            store = ((element.text or "").strip(), store[1])
        elif name == "storeid" and not store[1]:
            store = (store[0], (element.text or "").strip().lstrip("0"))
        elif name in _ROWS[kind] and _CODE[kind] in (fields := _fields(element)):
            count += 1
            if kind == "promo":
                ids.add(fields["promotionid"])
            elif kind == "price" and (price := _price(fields.get("itemprice", ""))) is not None:
                prices[fields["itemcode"]] = price
    return ReadFile(file, read.sha256, count, store, prices, frozenset(ids))


def _name(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2].lower()


def _fields(row: etree._Element) -> dict[str, str]:
    """The elements directly below a row; promotions list items, with others of the same names below them."""
    return {_name(child): (child.text or "").strip() for child in row.iterchildren("*")}


def _text(body: bytes) -> bytes:
    if body.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            return archive.read(archive.namelist()[0])
    return gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body


def _price(text: str) -> Decimal | None:
    try:
        price = Decimal(text)
    except InvalidOperation:
        return None
    return price if price > 0 else None


def expected_prices(files: Sequence[ReadFile]) -> dict[Store, dict[str, Decimal]]:
    """The current prices of each store, of the files that have to be loaded."""
    found: dict[Store, dict[str, Decimal]] = {}
    for file in sorted(files, key=lambda one: one.published):
        if file.file.end != "loaded" or not file.kind.startswith("price"):
            continue
        if file.kind == "pricefull" and file.rows:
            found[file.store] = {}
        found.setdefault(file.store, {}).update(file.prices)
    return {store: prices for store, prices in found.items() if prices}


def expected_promotions(files: Sequence[ReadFile]) -> dict[Store, set[str]]:
    """The current promotions of each store."""
    found: dict[Store, set[str]] = {}
    for file in sorted(files, key=lambda one: one.published):
        if file.file.end != "loaded" or not file.kind.startswith("promo"):
            continue
        if file.kind == "promofull" and file.rows:
            found[file.store] = set()
        found.setdefault(file.store, set()).update(file.ids)
    return {store: ids for store, ids in found.items() if ids}
