"""Where the rows of a feed are: told from the first element that looks like one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from lxml import etree

from gogobe.feeds.fields import HEADER, ITEM, PROMOTION, STORE, code, local_name
from gogobe.feeds.problems import FeedError

Family = Literal["price", "promo", "stores"]

# The lists that hold rows; one of them without a child is a feed that is really empty.
LISTS: Final[Mapping[str, Family]] = {
    "items": "price",
    "products": "price",
    "promotions": "promo",
    "sales": "promo",
    "stores": "stores",
    "branches": "stores",
    "subchains": "stores",
}


@dataclass
class Layout:
    """A feed's rows are the elements named `tag`; None for a feed that says it is empty. `header` holds what
    stands before the first row, by field; `announced` is the feed's own count of its rows."""

    family: Family
    tag: str | None
    header: dict[str, str] = field(default_factory=dict)
    announced: int | None = None


def family_of(children: Iterable[str]) -> Family | None:
    """What kind of row an element is, by the local names of its children."""
    names = set(children)
    if any(name in names and PROMOTION[name][0] == "promotion_id" for name in PROMOTION):
        return "promo"
    fields = {ITEM[name][0] for name in names if name in ITEM}
    if "item_code" in fields and fields & {"price", "name"}:
        return "price"
    stores = {STORE[name][0] for name in names if name in STORE}
    return "stores" if "store_id" in stores and stores & {"name", "address", "city"} else None


class LayoutFinder:
    """Takes a feed's UTF-8 text in pieces until its first row has gone by."""

    def __init__(self) -> None:
        self._parser = etree.XMLPullParser(
            events=("start", "end"), encoding="utf-8", resolve_entities=False, no_network=True, load_dtd=False
        )
        self._path: list[str] = []
        self._first_path: list[str] = []
        self._empty_list: Family | None = None
        self._header: dict[str, str] = {}
        self._announced: int | None = None

    def feed(self, piece: bytes) -> Layout | None:
        """The layout, as soon as it is known. Raises lxml's XMLSyntaxError, and FeedError `dtd`."""
        self._parser.feed(piece)
        return self._look()

    def at_end(self) -> Layout:
        """The layout of a feed that came to its end without a row. Raises FeedError `unknown_layout`."""
        if self._empty_list is not None:
            return Layout(self._empty_list, None, self._header, self._announced)
        path = "/".join(self._first_path) or "nothing"
        root = self._first_path[0] if self._first_path else "no element"
        raise FeedError("unknown_layout", f"root {root}, first path {path}: no element looks like a row")

    def _look(self) -> Layout | None:
        for event, element in self._parser.read_events():
            if not isinstance(element.tag, str):
                continue
            name = local_name(element.tag)
            if event == "start":
                self._start(element, name)
                continue
            self._path.pop()
            family = family_of(local_name(child.tag) for child in element if isinstance(child.tag, str))
            in_promotion = any(parent in ("promotion", "sale") for parent in self._path)
            if family and self._path and not (family == "price" and in_promotion):
                return Layout(family, element.tag, self._header, self._announced)
            if name in HEADER and len(element) == 0 and (value := code(element.text or "")):
                self._header.setdefault(HEADER[name], value)
            if name in LISTS and len(element) == 0:
                self._empty_list = LISTS[name]
        return None

    def _start(self, element: etree._Element, name: str) -> None:
        if not self._path and (element.getroottree().docinfo.doctype or ""):
            raise FeedError("dtd")
        self._path.append(name)
        if len(self._path) > len(self._first_path) and self._path[:-1] == self._first_path:
            self._first_path.append(name)
        if name in LISTS:
            for attribute, value in element.attrib.items():
                if local_name(str(attribute)) == "count" and str(value).strip().isdecimal():
                    self._announced = int(value)
