"""Converts the element of a row to an `Item`, a `Store` or a refusal. `promotions.py` converts promotions."""

from __future__ import annotations

from collections.abc import Container
from decimal import Decimal
from typing import Any, Final, Protocol

from lxml import etree

from gogobe.feeds.clock import Clock
from gogobe.feeds.fields import HEADER, ITEM, STORE, Table, by_clock, local_name, published_name
from gogobe.feeds.times import day_and_hour
from gogobe.feeds.unknown import UnknownElements
from gogobe.feeds.values import NUMERIC, Reading, TooLongError, number, positive
from gogobe.records.rows import Item, RefusedRow, Store

_ABOVE_A_STORE: Final = frozenset(
    {"sub_chain_id", "sub_chain_name", "chain_id", "chain_name", "update_date", "update_time"}
)
_MEMO_SIZE: Final = 4096
_NUMBERS_SIZE: Final = 1 << 15


class Memo(dict[str | None, Any]):
    """A cache of parsed values by text, because texts repeat. It is cleared when it has `size` values."""

    def __init__(self, reading: Reading, size: int = _MEMO_SIZE) -> None:
        super().__init__()
        self._reading = reading
        self._size = size

    def __missing__(self, raw: str | None) -> Any:
        value = None if raw is None else self._reading(raw)
        if len(self) >= self._size:
            self.clear()
        self[raw] = value
        return value


# Prices and quantities also repeat between files.
_NUMBERS: Final = {reading: Memo(reading, _NUMBERS_SIZE) for reading in NUMERIC}


def memo_of(reading: Reading) -> Memo:
    """A cache for a reading. All files of a process share those of numbers and flags."""
    return _NUMBERS[reading] if reading in _NUMBERS else Memo(reading)


class Fields:
    """Reads the children of elements by one alias table; the file's clock interprets times. Caches the
    meaning of each tag and the values of repeated texts.

    An element that the table lacks is counted as unknown, and so are the children of an element that the
    table has. Exception: elements whose local name is in `elsewhere` are read by another table. A field in
    `many` keeps all its values, as a list.
    """

    def __init__(
        self,
        table: Table,
        clock: Clock,
        unknown: UnknownElements,
        elsewhere: Container[str] = (),
        many: Container[str] = (),
    ) -> None:
        self._table = table
        self._clock = clock
        self._unknown = unknown
        self._elsewhere = elsewhere
        self._many = many
        self._tags: dict[object, tuple[str | None, Memo | None, bool]] = {}

    def read(
        self, element: etree._Element, path: str | None, parts: list[etree._Element] | None = None
    ) -> dict[str, Any]:
        """The fields of an element's children by name, without fields that have no value. If two children
        mean one field, the first with a value counts. `path` is the element's own path; None: unknown
        elements are not counted. Children whose name is in `elsewhere` are added to `parts`. Raises
        TooLongError with the element's name."""
        values: dict[str, Any] = {}
        for child in element:
            try:
                name, memo, is_elsewhere = self._tags[child.tag]
            except KeyError:
                name, memo, is_elsewhere = self._learn(child.tag)
            if is_elsewhere and parts is not None:
                parts.append(child)
            if name is None or memo is None:
                if not is_elsewhere and path is not None:
                    self._unknown.count(path, child)
                continue
            if len(child) and not is_elsewhere and path is not None:
                self._unknown.below(f"{path}/{published_name(str(child.tag))}", child)
            raw = child.text
            if raw is None:
                continue
            try:
                value = memo[raw]
            except TooLongError as error:
                error.add_note(published_name(str(child.tag)))
                raise
            if value is None:
                continue
            if name not in values:
                values[name] = [value] if name in self._many else value
            elif name in self._many:
                values[name].append(value)
        return values

    def _learn(self, tag: object) -> tuple[str | None, Memo | None, bool]:
        """The field of a tag and the reader of its text, if the table has it, and whether the element or its
        content is read elsewhere."""
        local = local_name(str(tag))
        entry = self._table.get(local)
        if len(self._tags) >= _MEMO_SIZE:
            self._tags.clear()
        name, memo = (entry[0], memo_of(by_clock(entry[1], self._clock))) if entry else (None, None)
        self._tags[tag] = known = name, memo, local in self._elsewhere
        return known


class RowElements(Protocol):
    """Converts the elements of one kind of feed to rows. `row` is the row's number in the file, from 1,
    including refused rows; `line` is the line where the element begins. Returns the row, its refusal, or, if
    the row itself comes later, a list of the refusals within it."""

    def row(self, element: etree._Element, row: int, line: int) -> Any: ...


class ItemElements:
    """Converts the elements of price feeds to items."""

    def __init__(self, clock: Clock, unknown: UnknownElements) -> None:
        self._fields = Fields(ITEM, clock, unknown, elsewhere=HEADER)
        self._keys = Fields(only(ITEM, "item_code"), clock, unknown)
        self._prices = memo_of(positive)

    def row(self, element: etree._Element, row: int, line: int) -> Item | RefusedRow:
        try:
            values = self._fields.read(element, published_name(str(element.tag)))
        except TooLongError as error:
            return too_long(error, row, line, self._keys, element)
        item_code = values.get("item_code")
        published = values.pop("price", None)
        price: Decimal | None = self._prices[published]
        if item_code is None or price is None:
            return refused_item(row, line, item_code, published)
        return Item(price=price, row=row, **values)


def refused_item(row: int, line: int, item_code: str | None, published: str | None) -> RefusedRow:
    """The refusal of an item without a code or without a price above zero. `detail` has the price as
    published."""
    if item_code is None:
        reason = "no_code"
    elif published is None:
        reason = "no_price"
    else:
        reason = "bad_price" if number(published) is None else "zero_price"
    return RefusedRow(row, line, reason, item_code, published)


def only(table: Table, name: str) -> Table:
    """The part of a table that reads one field."""
    return {tag: entry for tag, entry in table.items() if entry[0] == name}


def too_long(error: TooLongError, row: int, line: int, keys: Fields, element: etree._Element) -> RefusedRow:
    """The refusal of a row with a value that is too long. It keeps the row's code, unless that is the value:
    a row that a full file lists is not ended, even if it is refused."""
    try:
        key = next(iter(keys.read(element, None).values()), None)
    except TooLongError:
        key = None
    return RefusedRow(row, line, error.reason, key, ": ".join([*getattr(error, "__notes__", []), str(error)]))


class StoreElements:
    """Converts the elements of store feeds to stores. Elements above (sub-chain, chain) apply to each store
    below them."""

    def __init__(self, clock: Clock, unknown: UnknownElements) -> None:
        self._clock = clock
        self._fields = Fields(STORE, clock, unknown)
        self._keys = Fields(only(STORE, "store_id"), clock, unknown)
        self._parent: etree._Element | None = None
        self._above: dict[str, Any] = {}

    def row(self, element: etree._Element, row: int, line: int) -> Store | RefusedRow:
        try:
            return self._row(element, row, line)
        except TooLongError as error:
            return too_long(error, row, line, self._keys, element)

    def _row(self, element: etree._Element, row: int, line: int) -> Store | RefusedRow:
        values = self._fields.read(element, published_name(str(element.tag)))
        parent = element.getparent()
        if parent is not self._parent:
            self._above = self._read_above(parent)
            self._parent = parent
        values = {**self._above, **values}
        if "store_id" not in values:
            return RefusedRow(row, line, "no_store_id")
        day, hour = values.pop("update_date", None), values.pop("update_time", None)
        updated_at = day_and_hour(day, hour, self._clock) if day else None
        return Store(row=row, updated_at=updated_at and self._clock.past(updated_at), **values)

    def _read_above(self, parent: etree._Element | None) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while parent is not None:
            above = self._fields.read(parent, None)
            for name in _ABOVE_A_STORE & above.keys():
                found.setdefault(name, above[name])
            parent = parent.getparent()
        return found
