"""Detects where the rows of a feed are, from the first element that looks like a row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from lxml import etree

from gogobe.feeds.fields import HEADER, ITEM, PROMOTION, PROMOTION_PARTS, STORE, local_name, published_name
from gogobe.feeds.parser import close_parser, feed_parser, new_parser, weight
from gogobe.feeds.problems import FeedError

Family = Literal["price", "promo", "stores"]

# The elements that contain rows. If one of them has no child, the feed is really empty.
LISTS: Final[Mapping[str, Family]] = {
    "items": "price",
    "products": "price",
    "promotions": "promo",
    "sales": "promo",
    "stores": "stores",
    "branches": "stores",
    "subchains": "stores",
}
_COUNTED: Final = frozenset({"items", "products", "promotions", "sales"})
# If no row is recognized, an element with a text at this depth is a part of an unknown row.
_ROW_DEPTH: Final = 4
# A first row larger than this, in bytes, is recognized before its end (a promotion of a whole store).
_LARGE_ROW: Final = 1 << 20
# Fields of a store's row that apply to the whole file.
_OF_THE_CHAIN: Final = frozenset({"chain_id", "chain_name"})


@dataclass
class Layout:
    """The rows of a feed are the elements named `tag`; None for a feed without rows, which is `empty` if its
    list of rows is empty. `header` has the fields before the first row; `announced` is the feed's own count
    of its rows."""

    family: Family
    tag: str | None
    header: dict[str, str] = field(default_factory=dict)
    announced: int | None = None
    empty: bool = False


def family_of(children: Iterable[str]) -> Family | None:
    """The kind of row of an element, by the local names of its children."""
    names = set(children)
    if any(name in names and PROMOTION[name][0] == "promotion_id" for name in PROMOTION):
        return "promo"
    fields = {ITEM[name][0] for name in names if name in ITEM}
    if "item_code" in fields and fields & {"price", "name"}:
        return "price"
    stores = {STORE[name][0] for name in names if name in STORE}
    return "stores" if "store_id" in stores and stores & {"name", "address", "city"} else None


class LayoutFinder:
    """Takes the text of a feed in pieces until its first row is complete."""

    def __init__(self, max_row: int) -> None:
        self._parser = new_parser(("start", "end"))
        self._max_row = max_row
        self._size = 0
        self._path: list[str] = []
        self._first_path: list[str] = []
        self._unknown_path: list[str] = []
        self._lists: dict[str, str | None] = {}
        self._header: list[tuple[etree._Element, str, str]] = []
        self._announced: int | None = None
        self._promotion: etree._Element | None = None

    def feed(self, text: str) -> Layout | None:
        """The layout, once it is known. Raises FeedError (`bad_xml`, `dtd`, `html_page`, …)."""
        fault = feed_parser(self._parser, text)
        layout = self._look()
        self._size += weight(text)
        if layout is None and fault is not None:
            raise FeedError("html_page") if "".join(self._first_path[:1]).lower() == "html" else fault
        if layout is None and self._size > _LARGE_ROW and self._promotion is not None:
            layout = self._layout_of(self._promotion, "promo")
        if layout is None and self._size > self._max_row:
            raise self._unknown()
        return layout

    def at_end(self) -> tuple[Layout | None, FeedError | None]:
        """The layout of a feed that ended before a row, as far as it is known, and its error, if any:
        `truncated`, `no_rows`, `html_page` or `unknown_layout`."""
        fault = close_parser(self._parser)
        header = self._header_above(None)
        layouts = [
            # Children without text are rows, too.
            Layout(
                LISTS[name], child if name in _COUNTED else None, header, self._announced, empty=child is None
            )
            for name, child in self._lists.items()
        ]
        layout = layouts[0] if layouts else None
        if fault is not None and self._first_path:
            return layout and replace(layout, tag=None), fault
        if self._unknown_path and self._announced != 0:
            return None, self._unknown()
        if layout is None:
            return None, FeedError("no_rows") if "chain_id" in header else self._unknown()
        return layout, None

    def _unknown(self) -> FeedError:
        path = self._unknown_path or self._first_path
        root = path[0] if path else "no element"
        if root.lower() == "html":
            return FeedError("html_page")
        where = "/".join(path) or "nothing"
        return FeedError("unknown_layout", f"root {root}, first path {where}: no element looks like a row")

    def _look(self) -> Layout | None:
        for event, element in self._parser.read_events():
            if not isinstance(element.tag, str):
                continue
            name = local_name(element.tag)
            if event == "start":
                self._start(element, name)
            elif layout := self._end(element, name):
                return layout
        return None

    def _end(self, element: etree._Element, name: str) -> Layout | None:
        if layout := self._layout(element):
            return layout
        value = (element.text or "").strip() if len(element) == 0 else None
        if value and name in HEADER:
            self._header.append((element, HEADER[name], value))
        elif value and len(self._path) >= _ROW_DEPTH and not self._unknown_path:
            self._unknown_path = self._path.copy()
        if name in LISTS and self._lists[name] is None and len(element):
            self._lists[name] = str(element[0].tag)
        self._path.pop()
        return None

    def _start(self, element: etree._Element, name: str) -> None:
        if not self._path and (element.getroottree().docinfo.doctype or ""):
            raise FeedError("html_page" if name == "html" else "dtd")
        self._path.append(published_name(str(element.tag)))
        if len(self._path) > len(self._first_path) and self._path[:-1] == self._first_path:
            self._first_path.append(self._path[-1])
        if name in LISTS:
            self._lists.setdefault(name, None)
        if name in _COUNTED and self._announced is None:
            self._announced = _count_of(element)

    def _layout(self, element: etree._Element) -> Layout | None:
        """The layout, if this element is a row. Elements in the lists of a promotion are no rows, and neither
        are parts of a promotion that contain its terms."""
        if len(element) == 0:
            if PROMOTION.get(local_name(str(element.tag)), ("",))[0] == "promotion_id":
                self._promotion = element.getparent()
            return None
        family = family_of(_names_in(element))
        above = self._path[:-1]
        if family is None or not above or _is_terms(element):
            return None
        if family == "price" and any(parent.lower() in ("promotion", "sale") for parent in above):
            return None
        return self._layout_of(element, family)

    def _layout_of(self, row: etree._Element, family: Family) -> Layout | None:
        while _is_terms(row) and (parent := row.getparent()) is not None:
            row = parent
        if row.getparent() is None:
            return None
        header = self._header_above(row)
        if family == "stores":
            within = self._header_of(row)
            header |= {name: within[name] for name in _OF_THE_CHAIN & within.keys() if name not in header}
        elif family == "price" or "itemcode" in _names_in(row):
            header = self._header_of(row) | header
        return Layout(family, str(row.tag), header, self._announced)

    def _header_above(self, row: etree._Element | None) -> dict[str, str]:
        """The first value of each header field outside the row."""
        outside = [entry for entry in self._header if row is None or row not in entry[0].iterancestors()]
        return {name: value for _, name, value in reversed(outside)}

    def _header_of(self, row: etree._Element) -> dict[str, str]:
        inside = [entry for entry in self._header if entry[0].getparent() is row]
        return {name: value for _, name, value in reversed(inside)}


def find_layout(
    finder: LayoutFinder, pieces: Iterable[str], step: int = 1 << 12
) -> tuple[Layout | None, list[str], int]:
    """Feeds `finder` with text, in parts of `step` characters, until it knows the layout; the first row is
    close to the beginning of a piece.

    Returns the layout (None: the text ended first), the pieces read so far, and the number of blank lines
    before them, which are left out, because XML allows them only without a declaration. Raises FeedError.
    """
    head: list[str] = []
    blank_lines = 0
    for piece in pieces:
        text = piece if head else piece.lstrip(" \t\n")
        blank_lines += piece.count("\n", 0, len(piece) - len(text))
        if not text:
            continue
        head.append(text)
        for begin in range(0, len(text), step):
            if layout := finder.feed(text[begin : begin + step]):
                return layout, head, blank_lines
    return None, head, blank_lines


def _is_terms(element: etree._Element) -> bool:
    """Whether an element is a part of a promotion that contains terms."""
    return PROMOTION_PARTS.get(local_name(str(element.tag))) == "terms"


def _names_in(element: etree._Element) -> set[str]:
    """The local names of an element's children, and of the children of the parts that contain its terms."""
    names = set()
    for child in element:
        if isinstance(child.tag, str):
            names.add(local_name(child.tag))
            if len(child) and _is_terms(child):
                names |= _names_in(child)
    return names


def _count_of(element: etree._Element) -> int | None:
    for attribute, value in element.attrib.items():
        count = str(value).strip()
        if local_name(str(attribute)) == "count" and count.isascii() and count.isdecimal() and len(count) < 10:
            return int(count)
    return None
