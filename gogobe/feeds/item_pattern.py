"""The fast path of price feeds: one regular expression that matches a whole row.

The form of the rows is learned from rows that the XML parser has read (`row_form.py`). A row that the
expression does not match (attributes, comments, CDATA, character references, another form) goes to the
parser. Both return the same rows: the expression requires what XML requires of such a row, and the text
contains no character that XML forbids.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

import msgspec

from gogobe.feeds.clock import Clock
from gogobe.feeds.elements import Memo, memo_of, refused_item
from gogobe.feeds.fields import ITEM, by_clock
from gogobe.feeds.row_form import RowForm
from gogobe.feeds.times import past
from gogobe.feeds.unknown import UnknownElements
from gogobe.feeds.values import NULL_WORDS, NUMERIC, Reading, positive, verbatim
from gogobe.records.rows import Item, RefusedRow

_BLANKS: Final = re.compile(r"\s*+", re.ASCII)
_REFERENCE: Final = re.compile(r"&(?:amp|lt|gt|quot|apos);")
# After `_MAX_STRICT_FORMS` forms every element counts as optional. After `_MAX_FORMS` no form is learned: the
# rest of the feed goes to the parser.
_MAX_STRICT_FORMS: Final = 8
_MAX_FORMS: Final = 16
_SAMPLE: Final = 1 << 15
# A text between two tags does not contain this character.
_SEPARATOR: Final = "<"
# XML forbids this character. It separates texts whose references are resolved.
_SEPARATOR_AFTER: Final = "\x00"
_FIELDS: Final = tuple(field.name for field in msgspec.structs.fields(Item))
_AFTER_ROW: Final = _FIELDS[_FIELDS.index("row") + 1 : _FIELDS.index("gtin")]

Column = Sequence[str]
# Reads a column of texts. The flag: the texts may contain references (`&amp;`).
ReadColumn = Callable[[Column, bool], list[Any]]


@dataclass
class MatchedRows:
    """Consecutive rows of a text, and the position where the last of them ends."""

    rows: list[Item]
    refused: list[RefusedRow]
    end: int


class ItemPattern:
    """Matches the rows named `tag`, once their form is known. `clock` interprets their times. Elements that
    no table has are counted in `unknown`."""

    def __init__(self, tag: str, clock: Clock, unknown: UnknownElements) -> None:
        self._tag = tag
        self._unknown = unknown
        self._row_begin = re.compile(f"<{re.escape(tag)}>")
        self._form: RowForm | None = None
        self._pattern: re.Pattern[str] | None = None
        self._made = 0
        self._columns: dict[str, tuple[int, ReadColumn]] = {}
        # The groups of description and name, if a row has both.
        self._like_name: tuple[int, int] | None = None
        self._readings: dict[str, ReadColumn] = {
            name: _memoized(reading, clock) for name, reading in ITEM.values()
        }
        self._readings["price"] = _memoized(positive, clock)
        # The values of these fields are mostly unique in a feed, so a cache does not help.
        self._readings |= {"name": _texts, "description": _texts, "item_code": _codes, "item_id": _codes}

    def learn(self, text: str, begin: int, end: int) -> None:
        """Learns the form of a row that the parser has read, the last row in `text[begin:end]`. The rows
        after it are a sample that shows which elements are optional."""
        begin = text.rfind(f"<{self._tag}>", begin, end)
        if begin < 0 or self._made >= _MAX_FORMS:
            return
        row = text[begin:end]
        if self._pattern is not None and _is_row(self._pattern, row):
            return  # the parser read it because of a reference in its text
        form = RowForm.of(self._tag, row, text[begin : begin + _SAMPLE])
        if form is None:
            return
        for candidate in (form if self._form is None else self._form.merged(form), form):
            if not candidate.is_usable:
                continue
            usable = candidate if self._made < _MAX_STRICT_FORMS else candidate.relaxed()
            self._made += 1
            pattern = usable.pattern()
            if _is_row(pattern, row):
                self._form, self._pattern = usable, pattern
                self._set_columns(usable)
                return

    def match_rows(self, text: str, start: int, first_row: int, first_line: int) -> MatchedRows:
        """The consecutive rows from `start` on, a position within the list of rows.

        `text` has no forbidden characters and no `]]>`. `first_row` is the number of the first row,
        `first_line` the line of `start`.
        """
        if self._pattern is None:
            return MatchedRows([], [], start)
        begin = _after_blanks(text, start)
        stop, has_references = _first_unknown_reference(text, begin)
        matches = self._pattern.findall(text, begin, stop)
        # The last match is the text after the rows, in the last group.
        rest = matches.pop()[-1] if matches and matches[-1][-1] else ""
        if not matches:
            return MatchedRows([], [], start)
        end = stop - len(rest)
        columns: list[Column] = list(zip(*matches, strict=True))
        self._count_unknown(columns)
        rows, refused = self._items(columns, first_row, has_references)
        if not refused:
            return MatchedRows(rows, [], end)
        begins = [match.start() for match in self._row_begin.finditer(text, begin, end)]
        lines = _lines_of(text, start, first_line, [begins[place] for place in refused])
        refusals = [
            self._refused(rows[place], matches[place], line) for place, line in zip(refused, lines, strict=True)
        ]
        for place in reversed(refused):
            del rows[place]
        return MatchedRows(rows, refusals, end)

    def _items(
        self, columns: list[Column], first_row: int, has_references: bool
    ) -> tuple[list[Item], list[int]]:
        """The items of columns of texts, and the positions of items without a code or a price."""
        values = {name: read(columns[place], has_references) for name, (place, read) in self._columns.items()}
        if self._like_name is not None:
            place, name_place = self._like_name
            values["description"] = _descriptions(
                columns[place], columns[name_place], values["name"], has_references
            )
        codes, prices = values["item_code"], values["price"]
        more = (values.get(name, repeat(None)) for name in _AFTER_ROW)
        items = list(map(Item, codes, prices, range(first_row, first_row + len(codes)), *more))
        if all(codes) and all(prices):
            return items, []
        return items, [place for place, item in enumerate(items) if not (item.item_code and item.price)]

    def _count_unknown(self, columns: list[Column]) -> None:
        assert self._form is not None, "a pattern has a form"
        for name in self._form.unknown:
            place = self._form.groups.get(name)
            column = columns[place] if place is not None else ()
            count = len(column) - column.count("") if place is not None else len(columns[0])
            if count:
                self._unknown.add(f"{self._tag}/{name}", count)

    def _refused(self, row: Item, values: Sequence[str], line: int) -> RefusedRow:
        published = _unescaped(values[self._columns["price"][0]])
        return refused_item(row.row, line, row.item_code, verbatim(published))

    def _set_columns(self, form: RowForm) -> None:
        """Sets the group and the reader of the column of each field."""
        places = {ITEM[name.lower()][0]: place for name, place in form.groups.items() if name.lower() in ITEM}
        self._like_name = None
        if "description" in places and "name" in places:
            self._like_name = places.pop("description"), places["name"]
        self._columns = {name: (place, self._readings[name]) for name, place in places.items()}


def _lines_of(text: str, start: int, first_line: int, places: list[int]) -> list[int]:
    """The line of each of these places, which ascend; `first_line` is that of `start`."""
    lines = []
    for place in places:
        first_line += text.count("\n", start, place)
        lines.append(first_line)
        start = place
    return lines


def _after_blanks(text: str, start: int) -> int:
    blanks = _BLANKS.match(text, start)
    return blanks.end() if blanks else start


def _is_row(pattern: re.Pattern[str], row: str) -> bool:
    match = pattern.fullmatch(row)
    return match is not None and match.lastindex != pattern.groups


def _first_unknown_reference(text: str, start: int) -> tuple[int, bool]:
    """The position of the first reference that is not one of XML's five, or the end of the text; and whether
    the text has any reference."""
    first = place = text.find("&", start)
    while place >= 0 and _REFERENCE.match(text, place):
        place = text.find("&", place + 1)
    return (place if place >= 0 else len(text)), first >= 0


def _unescaped(text: str) -> str:
    if "&" not in text:
        return text
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&apos;", "'")
    return text.replace("&amp;", "&")


def _memoized(reading: Reading, clock: Clock) -> ReadColumn:
    """A reader of a column whose values repeat. A number or time with a reference is invalid, whether or not
    the reference is resolved."""
    if reading in NUMERIC:
        memo = memo_of(reading)
    elif reading is past:
        memo = Memo(by_clock(reading, clock))
    else:
        memo = Memo(lambda raw: reading(_unescaped(raw)))

    def read(column: Column, _has_references: bool) -> list[Any]:
        first = column[0]
        # Many columns have one value in all rows of a piece. Comparing is faster than looking up.
        if first == column[-1] and column.count(first) == len(column):
            return [memo[first]] * len(column)
        return list(map(memo.__getitem__, column))

    return read


def _texts(column: Column, has_references: bool) -> list[Any]:
    """Reads a whole column as `values.text` reads one text."""
    joined = _SEPARATOR.join(column)
    if joined.isprintable():  # then a space is its only blank
        while "  " in joined:
            joined = joined.replace("  ", " ")
    else:
        joined = " ".join(joined.split())
    joined = joined.strip(" ").replace(f" {_SEPARATOR}", _SEPARATOR).replace(f"{_SEPARATOR} ", _SEPARATOR)
    if has_references:
        joined = _unescaped(joined.replace(_SEPARATOR, _SEPARATOR_AFTER))
        texts = joined.split(_SEPARATOR_AFTER)
    else:
        texts = joined.split(_SEPARATOR)
    if NULL_WORDS.isdisjoint(texts):
        return texts
    return [None if words in NULL_WORDS else words for words in texts]


def _descriptions(column: Column, names: Column, read_names: list[Any], has_references: bool) -> list[Any]:
    """Reads a column of descriptions. Most of them repeat the name of their row, which is already read."""
    others = [raw for raw, name in zip(column, names, strict=True) if raw != name]
    if not others:
        return read_names
    read_others = iter(_texts(others, has_references))
    return [
        read_name if raw == name else next(read_others)
        for raw, name, read_name in zip(column, names, read_names, strict=True)
    ]


def _codes(column: Column, has_references: bool) -> list[Any]:
    """Reads a whole column as `values.code` reads one code."""
    if has_references:
        column = list(map(_unescaped, column))
    return [raw.strip() or None for raw in column]
