"""A row's element to a row: `Item`, `Promotion`, `Store`, or why it is refused."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from lxml import etree

from gogobe.feeds.fields import (
    ITEM,
    PROMOTION,
    PROMOTION_GROUP,
    PROMOTION_ITEM,
    STORE,
    Reading,
    code,
    local_name,
    moment,
    number,
)
from gogobe.feeds.rows import Item, Promotion, PromotionGroup, PromotionItem, RefusedRow, Store

# Attributes of a promotion may stand one level down.
_NESTED: Final = frozenset({"additionalrestrictions", "clubs"})
_ITEM_LISTS: Final = frozenset({"promotionitems", "giftsitems"})
GIFTS: Final = "gifts"
_CACHE_SIZE: Final = 50_000


class Fields:
    """Reads the leaves of elements by one alias table; remembers what an exact tag means and what a repeated
    text read as."""

    def __init__(self, table: Mapping[str, tuple[str, Reading]]) -> None:
        self._table = table
        self._tags: dict[object, tuple[str, Reading] | None] = {}
        self._cache: dict[tuple[str, str], Any] = {}

    def read(self, element: etree._Element) -> dict[str, Any]:
        """The fields of an element's children, by name; those without a value are left out. Where two
        elements mean one field the first that has a value counts."""
        values: dict[str, Any] = {}
        for child in element:
            raw = child.text
            if raw is None:
                continue
            tag = child.tag
            try:
                known = self._tags[tag]
            except KeyError:
                known = self._learn(tag)
            if known is None:
                continue
            name, reading = known
            key = (name, raw)
            try:
                value = self._cache[key]
            except KeyError:
                value = reading(raw)
                if len(self._cache) > _CACHE_SIZE:
                    self._cache.clear()
                self._cache[key] = value
            if value is not None and name not in values:
                values[name] = value
        return values

    def _learn(self, tag: object) -> tuple[str, Reading] | None:
        known = self._table.get(local_name(tag)) if isinstance(tag, str) else None
        self._tags[tag] = known
        return known


class ItemElements:
    """Elements of price feeds to items."""

    def __init__(self) -> None:
        self._fields = Fields(ITEM)

    def row(self, element: etree._Element, row: int) -> Item | RefusedRow:
        values = self._fields.read(element)
        item_code = values.get("item_code")
        published = values.pop("price", None)
        reason, price = _price(published)
        if item_code is None:
            reason = "no_code"
        if reason is not None or price is None:
            return RefusedRow(row, element.sourceline or 0, reason or "bad_price", item_code, published)
        return Item(price=price, row=row, **values)


def _price(published: str | None) -> tuple[str | None, Decimal | None]:
    if published is None:
        return "no_price", None
    price = number(published)
    if price is None:
        return "bad_price", None
    return (None, price) if price > 0 else ("zero_price", None)


class PromotionElements:
    """Elements of promotion feeds, in both layouts, to promotions."""

    def __init__(self) -> None:
        self._head = Fields(PROMOTION)
        self._item = Fields(PROMOTION_ITEM)
        self._group = Fields(PROMOTION_GROUP)

    def row(self, element: etree._Element, row: int) -> Promotion | RefusedRow:
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
        if not items and (flat := self._item.read(element)).get("item_code"):
            items.append(
                PromotionItem(
                    **{name: flat[name] for name in ("item_code", "is_gift", "item_type") if name in flat}
                )
            )
        if "promotion_id" not in values:
            return RefusedRow(row, element.sourceline or 0, "no_promotion_id")
        _set_times(values)
        return Promotion(row=row, club_ids=clubs, groups=groups, items=items, **values)

    def _nested(self, element: etree._Element, values: dict[str, Any]) -> list[str]:
        clubs = []
        for child in element.iter("*"):
            if local_name(str(child.tag)) == "clubid" and (club := code(child.text or "")):
                clubs.append(club)
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


def _set_times(values: dict[str, Any]) -> None:
    for edge, target in (("start", "starts_at"), ("end", "ends_at")):
        date, hour = values.pop(f"{edge}_date", None), values.pop(f"{edge}_hour", None)
        if date and target not in values:
            day = date[:10]
            at = moment(f"{day} {hour}") if hour else moment(date)
            if at or (at := moment(date)):
                values[target] = at


class StoreElements:
    """Elements of store feeds to stores; what stands above (sub-chain, chain) belongs to each store below."""

    def __init__(self) -> None:
        self._fields = Fields(STORE)

    def row(self, element: etree._Element, row: int) -> Store | RefusedRow:
        values = self._fields.read(element)
        parent = element.getparent()
        while parent is not None:
            above = self._fields.read(parent)
            for name in ("sub_chain_id", "sub_chain_name", "chain_id", "chain_name"):
                if name in above:
                    values.setdefault(name, above[name])
            parent = parent.getparent()
        if "store_id" not in values:
            return RefusedRow(row, element.sourceline or 0, "no_store_id")
        return Store(row=row, **values)
