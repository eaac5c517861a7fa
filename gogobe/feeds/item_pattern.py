"""The fast path of price feeds: one regular expression that takes a whole row at once.

The rows of a feed are nearly all alike: the same plain elements in the same order, some of them left out or
empty. That order is learned from a row that the XML parser has read, and a pattern made of it that captures
every text. Whatever the pattern does not take whole (other elements, attributes, comments, CDATA, character
references) is left to the parser, so the rows are the very same: the pattern holds what XML asks of such a
row, and the text that it sees holds no character that XML forbids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product, repeat
from typing import Any, Final

import msgspec

from gogobe.feeds.clock import Clock
from gogobe.feeds.elements import Memo, refused_item
from gogobe.feeds.fields import HEADER, ITEM, by_clock
from gogobe.feeds.unknown import UnknownElements
from gogobe.feeds.values import (
    LONGEST_CODE,
    LONGEST_TEXT,
    NULL_WORDS,
    Reading,
    code,
    positive,
    text,
    verbatim,
)
from gogobe.records.rows import Item, RefusedRow

_START_TAG: Final = re.compile(r"<([A-Za-z_][A-Za-z0-9_.-]*)[ \t\n]*/?>")
_BLANKS: Final = re.compile(r"\s*+", re.ASCII)
# What may stand between elements: an indented line, which is found faster, or else any blanks.
_BLANKS_BETWEEN: Final = (r"\n?+ *+", r"\s*+")
_REFERENCE: Final = re.compile(r"&(?:amp|lt|gt|quot|apos);")
# Learning stops after so many patterns: a feed that needs more is not of the kind that this is for.
_MOST_PATTERNS: Final = 16
# XML has no such character: it keeps the texts of a column apart.
_APART: Final = "\x00"
_FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(Item))
_AFTER_ROW: Final = _FIELDS[_FIELDS.index("row") + 1 : _FIELDS.index("gtin")]

# Texts to values; whether there may be references (`&amp;`) in them.
ReadColumn = Callable[[Iterable[str], bool], list[Any]]


@dataclass
class Taken:
    """Rows that stood one after another in a text, and where they end."""

    rows: list[Item]
    refused: list[RefusedRow]
    end: int


class ItemPattern:
    """What the rows named `tag` look like, as far as it is known; their times are read by the file's clock.
    Elements that no table knows are counted in `unknown`."""

    def __init__(self, tag: str, clock: Clock, unknown: UnknownElements) -> None:
        self._tag = tag
        self._unknown = unknown
        self._unknown_places: list[tuple[int, str]] = []
        self._row_begin = re.compile(f"<{re.escape(tag)}>")
        self._order: list[str] = []
        self._blanks = ""
        self._pattern: re.Pattern[str] | None = None
        self._made = 0
        self._columns: dict[str, tuple[int, ReadColumn]] = {}
        self._readings: dict[str, ReadColumn] = {
            name: _memoized(by_clock(reading, clock)) for name, reading in ITEM.values()
        }
        self._readings["price"] = _memoized(positive)
        # Nearly every row has its own of these, so remembering what they read as does not pay.
        self._readings |= {"name": _texts, "description": _texts, "item_code": _codes, "item_id": _codes}

    def learn(self, row: str) -> None:
        """Takes up what a row looks like that the parser has read and the pattern did not take."""
        begin = row.rfind(f"<{self._tag}>")
        if begin >= 0 and self._pattern is not None and _is_row(self._pattern, row, begin):
            return  # it was left to the parser for a reference in its text
        order = _START_TAG.findall(row, begin)[1:] if begin >= 0 else []
        if self._made >= _MOST_PATTERNS or not order or len(order) != len(set(order)):
            return
        for candidate, blanks in product((_merged(self._order, order), order), _BLANKS_BETWEEN):
            if (candidate, blanks) == (self._order, self._blanks) or not _one_element_a_field(candidate):
                continue
            self._made += 1
            pattern = _compiled(self._tag, candidate, blanks)
            if _is_row(pattern, row, begin):
                self._order, self._blanks, self._pattern = candidate, blanks, pattern
                self._columns = self._columns_of(candidate)
                self._unknown_places = [
                    (place, f"{self._tag}/{name}") for place, name in enumerate(candidate) if _is_unknown(name)
                ]
                return

    def take(self, text: str, start: int, first_row: int, first_line: int) -> Taken:
        """The rows that follow one another from `start` on, which must be within the list of rows.

        `text` holds no forbidden characters and no `]]>`. `first_row` is the number of the first row,
        `first_line` the line that `start` is in.
        """
        if self._pattern is None:
            return Taken([], [], start)
        begin = _after_blanks(text, start)
        stop = _first_strange_reference(text, begin)
        texts = self._pattern.findall(text, begin, stop)
        # All that is no row ends up in the last group of a last match.
        rest = texts.pop()[-1] if texts and texts[-1][-1] else ""
        if not texts:
            return Taken([], [], start)
        end = stop - len(rest)
        columns = list(zip(*texts, strict=True))
        self._count_unknown(columns)
        rows, refused = self._items(columns, first_row, text.find("&", begin, end) >= 0)
        if not refused:
            return Taken(rows, [], end)
        begins = [match.start() for match in self._row_begin.finditer(text, begin, end)]
        lines = [first_line + text.count("\n", start, begins[place]) for place in refused]
        refusals = [
            self._refused(rows[place], texts[place], line) for place, line in zip(refused, lines, strict=True)
        ]
        for place in reversed(refused):
            del rows[place]
        return Taken(rows, refusals, end)

    def _items(
        self, columns: list[tuple[str, ...]], first_row: int, references: bool
    ) -> tuple[list[Item], list[int]]:
        """Items of columns of texts, and the places of those that lack a code or a price."""
        count = len(columns[0])
        values = {name: read(columns[place], references) for name, (place, read) in self._columns.items()}
        codes, prices = values["item_code"], values["price"]
        more = (values.get(name, repeat(None)) for name in _AFTER_ROW)
        items = list(map(Item, codes, prices, range(first_row, first_row + count), *more))
        if all(codes) and all(prices):
            return items, []
        return items, [place for place, item in enumerate(items) if not (item.item_code and item.price)]

    def _count_unknown(self, columns: list[tuple[str, ...]]) -> None:
        for place, path in self._unknown_places:
            if count := len(columns[place]) - columns[place].count(""):
                self._unknown.add(path, count)

    def _refused(self, row: Item, values: Sequence[str], line: int) -> RefusedRow:
        published = _unescaped(values[self._columns["price"][0]])
        return refused_item(row.row, line, row.item_code, verbatim(published))

    def _columns_of(self, order: list[str]) -> dict[str, tuple[int, ReadColumn]]:
        """Of each field, the place of its group and how its column is read."""
        places = {ITEM[tag.lower()][0]: place for place, tag in enumerate(order) if tag.lower() in ITEM}
        return {name: (place, self._readings[name]) for name, place in places.items()}


def _after_blanks(text: str, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return blanks.end() if blanks else start


def _compiled(tag: str, order: list[str], blanks: str) -> re.Pattern[str]:
    """A row: its elements in this order, each with a text, empty, or missing, but not all. Possessive (`++`,
    `?+`): a row that does not fit is given up at once. What is no row is taken whole, by the last group.

    The group of an element has its text; that of an unknown one has a character if it is there at all."""
    elements = "".join(_element(name, blanks) for name in order)
    row = rf"<{re.escape(tag)}>{blanks}(?!</){elements}</{re.escape(tag)}>{blanks}"
    return re.compile(rf"{row}|([\s\S]++)", re.ASCII)


def _element(name: str, blanks: str) -> str:
    tag = re.escape(name)
    if _is_unknown(name):
        return rf"(?:<{tag}(?=([>/ \t\n]))(?:>[^<]*+</{tag}|[ \t\n]*+/)>{blanks})?+"
    return rf"(?:<{tag}(?:>([^<]{_most(name)}+)</{tag}|[ \t\n]*+/)>{blanks})?+"


def _is_unknown(tag: str) -> bool:
    return tag.lower() not in ITEM and tag.lower() not in HEADER


def _most(tag: str) -> str:
    """How long a text may be for the pattern to take it, as a quantifier. A text within its bound as it is
    written is within it when it is read; a longer one is left to the parser, which decides."""
    _, reading = ITEM.get(tag.lower(), ("", verbatim))
    longest = LONGEST_CODE if reading is code else LONGEST_TEXT if reading is text else ""
    return f"{{0,{longest}}}"


def _is_row(pattern: re.Pattern[str], text: str, begin: int) -> bool:
    match = pattern.fullmatch(text, begin)
    return match is not None and match.lastindex != pattern.groups


def _merged(known: list[str], order: list[str]) -> list[str]:
    """The known order, with what is new in another one put after what stands before it there."""
    merged = list(known)
    place = 0
    for name in order:
        if name in merged:
            place = merged.index(name) + 1
        else:
            merged.insert(place, name)
            place += 1
    return merged


def _one_element_a_field(order: list[str]) -> bool:
    """Whether each field has one element at most, and a price and a code have theirs."""
    fields = [ITEM[tag.lower()][0] for tag in order if tag.lower() in ITEM]
    return len(fields) == len(set(fields)) and {"item_code", "price"} <= set(fields)


def _first_strange_reference(text: str, start: int) -> int:
    """Where the first reference is that is not one of XML's five; the text's end, if there is none."""
    place = text.find("&", start)
    while place >= 0 and _REFERENCE.match(text, place):
        place = text.find("&", place + 1)
    return place if place >= 0 else len(text)


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&apos;", "'")
    return text.replace("&amp;", "&")


def _memoized(reading: Reading) -> ReadColumn:
    memo = Memo(lambda raw: reading(_unescaped(raw)))

    def read(column: Iterable[str], _references: bool) -> list[Any]:
        return list(map(memo.__getitem__, column))

    return read


def _texts(column: Iterable[str], references: bool) -> list[Any]:
    """A whole column as `text` reads one."""
    joined = _APART.join(column)
    if references:
        joined = _unescaped(joined)
    joined = " ".join(joined.split()).replace(f" {_APART}", _APART).replace(f"{_APART} ", _APART)
    return [None if words in NULL_WORDS else words for words in joined.split(_APART)]


def _codes(column: Iterable[str], references: bool) -> list[Any]:
    """A whole column as `code` reads one."""
    if references:
        column = map(_unescaped, column)
    return [raw.strip() or None for raw in column]
