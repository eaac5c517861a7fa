"""A row's element to a row: `Item`, `Promotion`, `Store`, or why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, Protocol

from lxml import etree

from gogobe.feeds.clock import Clock
from gogobe.feeds.fields import (
    ITEM,
    PROMOTION,
    PROMOTION_GROUP,
    PROMOTION_ITEM,
    STORE,
    Reading,
    TooLongError,
    by_clock,
    club,
    day_and_hour,
    local_name,
    number,
    positive,
    published_name,
)
from gogobe.records.rows import Item, Promotion, PromotionGroup, PromotionItem, RefusedRow, Store

# Attributes of a promotion may stand one level down.
_NESTED: Final = frozenset({"additionalrestrictions", "clubs"})
_ITEM_LISTS: Final = frozenset({"promotionitems", "giftsitems"})
_ABOVE_A_STORE: Final = frozenset(
    {"sub_chain_id", "sub_chain_name", "chain_id", "chain_name", "update_date", "update_time"}
)
GIFTS: Final = "gifts"
_MEMO_SIZE: Final = 4096
# Items of flat promotions that are held back: 30 MB of them, and more than any store's feed has.
_MOST_HELD: Final = 100_000


class Memo(dict[str | None, Any]):
    """What texts read as: a text that comes again is read once. Forgets all when it is full."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading

    def __missing__(self, raw: str | None) -> Any:
        value = None if raw is None else self._reading(raw)
        if len(self) >= _MEMO_SIZE:
            self.clear()
        self[raw] = value
        return value


class Fields:
    """Reads the leaves of elements by one alias table, times by the file's clock; remembers what an exact tag
    means and what a repeated text read as."""

    def __init__(self, table: Mapping[str, tuple[str, Reading]], clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._tags: dict[object, tuple[str, Memo] | None] = {}

    def read(self, element: etree._Element) -> dict[str, Any]:
        """The fields of an element's children, by name; those without a value are left out. Where two
        elements mean one field the first that has a value counts. Raises TooLongError, which names the
        element."""
        values: dict[str, Any] = {}
        for child in element:
            raw = child.text
            if raw is None:
                continue
            try:
                known = self._tags[child.tag]
            except KeyError:
                known = self._learn(child.tag)
            if known is None:
                continue
            name, memo = known
            try:
                value = memo[raw]
            except TooLongError as error:
                error.add_note(published_name(str(child.tag)))
                raise
            if value is not None and name not in values:
                values[name] = value
        return values

    def _learn(self, tag: object) -> tuple[str, Memo] | None:
        entry = self._table.get(local_name(tag)) if isinstance(tag, str) else None
        if len(self._tags) >= _MEMO_SIZE:
            self._tags.clear()
        self._tags[tag] = known = None if entry is None else (entry[0], Memo(by_clock(entry[1], self._clock)))
        return known


class RowElements(Protocol):
    """What turns the elements of one kind of feed into rows. `row` counts them from 1 in their file, refused
    ones too; `line` is where the element begins."""

    def row(self, element: etree._Element, row: int, line: int) -> Any: ...


class ItemElements:
    """Elements of price feeds to items."""

    def __init__(self, clock: Clock) -> None:
        self._fields = Fields(ITEM, clock)
        self._keys = Fields(_only(ITEM, "item_code"), clock)
        self._prices = Memo(positive)

    def row(self, element: etree._Element, row: int, line: int) -> Item | RefusedRow:
        try:
            values = self._fields.read(element)
        except TooLongError as error:
            return _too_long(error, row, line, self._keys, element)
        item_code = values.get("item_code")
        published = values.pop("price", None)
        price: Decimal | None = self._prices[published]
        if item_code is None or price is None:
            return refused_item(row, line, item_code, published)
        return Item(price=price, row=row, **values)


def refused_item(row: int, line: int, item_code: str | None, published: str | None) -> RefusedRow:
    """Why an item without a code or a price above zero is not taken; `detail` keeps the price as published."""
    if item_code is None:
        reason = "no_code"
    elif published is None:
        reason = "no_price"
    else:
        reason = "bad_price" if number(published) is None else "zero_price"
    return RefusedRow(row, line, reason, item_code, published)


def _only(table: Mapping[str, tuple[str, Reading]], name: str) -> Mapping[str, tuple[str, Reading]]:
    """The part of a table that reads one field."""
    return {tag: entry for tag, entry in table.items() if entry[0] == name}


def _too_long(error: TooLongError, row: int, line: int, keys: Fields, element: etree._Element) -> RefusedRow:
    """A row that is refused for one of its values; its own code is kept where that is not the one, because what
    a full file lists is not ended, refused or not."""
    try:
        key = next(iter(keys.read(element).values()), None)
    except TooLongError:
        key = None
    return RefusedRow(row, line, error.reason, key, ": ".join([*getattr(error, "__notes__", []), str(error)]))


class PromotionElements:
    """Elements of promotion feeds, in all layouts, to promotions."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._head = Fields(PROMOTION, clock)
        self._item = Fields(PROMOTION_ITEM, clock)
        self._group = Fields(PROMOTION_GROUP, clock)
        self._keys = Fields(_only(PROMOTION, "promotion_id"), clock)

    def row(self, element: etree._Element, row: int, line: int) -> Promotion | RefusedRow:
        try:
            return self._row(element, row, line)
        except TooLongError as error:
            return _too_long(error, row, line, self._keys, element)

    def _row(self, element: etree._Element, row: int, line: int) -> Promotion | RefusedRow:
        values = self._head.read(element)
        clubs = [values.pop("club_id")] if "club_id" in values else []
        items: list[PromotionItem] = []
        groups: list[PromotionGroup] = []
        for child in element.iterchildren("*"):
            name = local_name(str(child.tag))
            if name in _NESTED:
                clubs += self._nested(child, values)
            elif name in _ITEM_LISTS:
                items += self._items(child, GIFTS if name == "giftsitems" else "1")
            elif name == "groups":
                self._read_groups(child, groups, items)
        if not items and (item := self._flat_item(element)):
            items.append(item)
        if "promotion_id" not in values:
            return RefusedRow(row, line, "no_promotion_id")
        _set_times(values, self._clock)
        return Promotion(row=row, club_ids=clubs, groups=groups, items=items, **values)

    def _flat_item(self, element: etree._Element) -> PromotionItem | None:
        """The item of a row that is a promotion and its item in one (`Sale`, `Line`)."""
        values = self._item.read(element)
        if "item_code" not in values:
            return None
        values["is_gift"] = bool(values.get("is_gift"))
        return PromotionItem(**values)

    def _nested(self, element: etree._Element, values: dict[str, Any]) -> list[str]:
        clubs = []
        for child in element.iter("*"):
            if local_name(str(child.tag)) == "clubid" and (number_ := club(child.text or "")):
                clubs.append(number_)
        for name, value in self._head.read(element).items():
            if name != "club_id":
                values.setdefault(name, value)
        return clubs

    def _items(self, element: etree._Element, group_id: str) -> list[PromotionItem]:
        found = []
        for child in element.iterchildren("*"):
            values = self._item.read(child)
            if "item_code" in values:
                values["is_gift"] = group_id == GIFTS or bool(values.get("is_gift"))
                found.append(PromotionItem(group_id=group_id, **values))
        return found

    def _read_groups(
        self, element: etree._Element, groups: list[PromotionGroup], items: list[PromotionItem]
    ) -> None:
        for number_, child in enumerate(element.iterchildren("*"), 1):
            group = PromotionGroup(**{"group_id": str(number_), **self._group.read(child)})
            groups.append(group)
            for below in child.iterchildren("*"):
                if local_name(str(below.tag)) in _ITEM_LISTS:
                    items += self._items(below, group.group_id)


def _set_times(values: dict[str, Any], clock: Clock) -> None:
    for edge, target in (("start", "starts_at"), ("end", "ends_at")):
        day, hour = values.pop(f"{edge}_date", None), values.pop(f"{edge}_hour", None)
        if day and target not in values:
            values[target] = day_and_hour(day, hour, clock)


class FlatPromotionElements:
    """Elements that are one item of a promotion each (`Sales/Sale`): those of one promotion become one,
    wherever they stand in the file, so all are held back until its end, or until there are too many."""

    def __init__(self, clock: Clock) -> None:
        self._elements = PromotionElements(clock)
        self._held: dict[str, Promotion] = {}
        self._items = 0

    def row(self, element: etree._Element, row: int, line: int) -> RefusedRow | None:
        read = self._elements.row(element, row, line)
        if isinstance(read, RefusedRow):
            return read
        self._items += len(read.items)
        held = self._held.setdefault(read.promotion_id, read)
        if held is not read:
            held.items += read.items
        return None

    @property
    def full(self) -> bool:
        """Whether so much is held that it should be given out."""
        return self._items >= _MOST_HELD

    def held(self) -> list[Promotion]:
        """What is held, in the file's order; it is held no longer."""
        promotions = list(self._held.values())
        self._held.clear()
        self._items = 0
        return promotions


class StoreElements:
    """Elements of store feeds to stores; what stands above (sub-chain, chain) belongs to each store below."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._fields = Fields(STORE, clock)
        self._keys = Fields(_only(STORE, "store_id"), clock)
        self._parent: etree._Element | None = None
        self._above: dict[str, Any] = {}

    def row(self, element: etree._Element, row: int, line: int) -> Store | RefusedRow:
        try:
            return self._row(element, row, line)
        except TooLongError as error:
            return _too_long(error, row, line, self._keys, element)

    def _row(self, element: etree._Element, row: int, line: int) -> Store | RefusedRow:
        values = self._fields.read(element)
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
            above = self._fields.read(parent)
            for name in _ABOVE_A_STORE & above.keys():
                found.setdefault(name, above[name])
            parent = parent.getparent()
        return found
