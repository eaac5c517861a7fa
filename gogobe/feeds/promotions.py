"""Converts an element of a promotion feed, in any layout, to a promotion.

One promotion may have several elements: `gather.py` merges those with the same id. `interpret.py` interprets
codes and rates when the whole file is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any, Final

from lxml import etree

from gogobe.feeds.clock import Clock
from gogobe.feeds.elements import Fields, only, too_long
from gogobe.feeds.fields import (
    HEADER,
    PROMOTION,
    PROMOTION_GROUP,
    PROMOTION_ITEM,
    PROMOTION_PARTS,
    Part,
    local_name,
    published_name,
)
from gogobe.feeds.parser import weight_of
from gogobe.feeds.promotion_times import PromotionTimes, PublishedTimes, times_of
from gogobe.feeds.unknown import UnknownElements
from gogobe.feeds.values import TooLongError, is_set, number
from gogobe.records.rows import Promotion, PromotionGroup, PromotionItem, RefusedRow

GIFTS: Final = "gifts"
# Terms that belong to the item in a row of a flat layout. Other layouts have them in the promotion or in each
# item.
ITEM_TERMS: Final = (
    "reward_type",
    "discount_type",
    "discount_rate",
    "discounted_price",
    "discounted_price_per_unit",
    "min_qty",
    "max_qty",
)
_ITEM_LISTS: Final = frozenset(name for name, part in PROMOTION_PARTS.items() if part in ("items", "gifts"))


@dataclass
class _Items:
    """The items of one list, in order; the refused items with their reasons; and the number of items read."""

    items: list[PromotionItem] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    read: int = 0


@dataclass
class _Draft:
    """The content of one row: the promotion's terms by field, its groups and its lists of items. `holders`
    are the elements that contain terms. `is_item`: in a flat layout the row is also an item, with its terms
    in the holders."""

    terms: dict[str, Any] = field(default_factory=dict)
    holders: list[etree._Element] = field(default_factory=list)
    is_item: bool = False
    groups: list[PromotionGroup] = field(default_factory=list)
    lists: list[_Items] = field(default_factory=list)

    def take(self, terms: dict[str, Any]) -> None:
        if not self.terms:
            self.terms = terms
            return
        for name, value in terms.items():
            if name in self.terms and isinstance(value, list):
                self.terms[name] += value
            else:
                self.terms.setdefault(name, value)


class PromotionElements:
    """Reads the elements of one feed. `unreadable_times` counts promotions with an unreadable start or end;
    `first_unreadable` has the id and the text of the first one."""

    def __init__(self, clock: Clock, unknown: UnknownElements) -> None:
        self._clock = clock
        self._unknown = unknown
        self._early_unknown = UnknownElements()
        elsewhere = {*PROMOTION_PARTS, *PROMOTION_ITEM.keys(), *HEADER}
        many = {"club_ids", "remark", "restrictions"}
        self._terms = Fields(PROMOTION, clock, unknown, elsewhere, many)
        self._item = Fields(PROMOTION_ITEM, clock, unknown)
        self._early_item = Fields(PROMOTION_ITEM, clock, self._early_unknown)
        self._group = Fields(PROMOTION_GROUP, clock, unknown, _ITEM_LISTS)
        self._keys = Fields(only(PROMOTION, "promotion_id"), clock, unknown)
        self._parts: dict[object, Part | None] = {}
        self._early: dict[etree._Element, _Items] = {}
        self._refused_items: list[RefusedRow] = []
        # Most promotions of a feed share their times.
        self.unreadable_times = 0
        self.first_unreadable: tuple[str, str] | None = None
        self._times = lru_cache(maxsize=4096)(partial(times_of, clock))

    def row(self, element: etree._Element, row: int, line: int) -> Promotion | RefusedRow:
        """The promotion of one element, or its refusal. `row` is the number of the element in its file,
        `line` the line where it begins."""
        try:
            return self._row(element, row, line)
        except TooLongError as error:
            return too_long(error, row, line, self._keys, element)
        finally:
            self._early.clear()
            self._unknown.take(self._early_unknown)

    def take_refused_items(self) -> list[RefusedRow]:
        """The refused items of the last row: without a code, or with one that is too long. The row itself is
        accepted."""
        refused, self._refused_items = self._refused_items, []
        return refused

    def read_early(self, row: etree._Element) -> tuple[int, int]:
        """Reads the items of a row whose end tag is not parsed yet, except the last item of each list, and
        removes them from the tree: a promotion may contain every item of its store. Returns the number of
        items of the row read so far, and the approximate number of its bytes that the parser still holds."""
        for path, found in list(_lists_in(row, published_name(str(row.tag)))):
            early = self._early.setdefault(found, _Items())
            self._read_items(self._early_item, found[:-1], path, early)
            del found[:-1]
        return sum(early.read for early in self._early.values()), weight_of(row)

    def _row(self, element: etree._Element, row: int, line: int) -> Promotion | RefusedRow:
        draft = _Draft()
        self._read(element, published_name(str(element.tag)), draft)
        if "promotion_id" not in draft.terms:
            return RefusedRow(row, line, "no_promotion_id")
        if not draft.lists and draft.is_item:
            draft.lists.append(self._flat_item(draft))
        promotion_id = draft.terms["promotion_id"]
        for found in draft.lists:
            for refused in found.refused:
                refused.row, refused.line = row, line
                refused.detail = f"promotion {promotion_id}: {refused.detail}"
                self._refused_items.append(refused)
        items = [item for found in draft.lists for item in found.items]
        published = PublishedTimes(*(draft.terms.pop(name, None) for name in PublishedTimes._fields))
        times = self._times(published)
        if times.unreadable is not None:
            self.unreadable_times += 1
            self.first_unreadable = self.first_unreadable or (promotion_id, times.unreadable)
        return _promotion(draft.terms, row, draft.groups, items, times)

    def _read(self, element: etree._Element, path: str, draft: _Draft) -> None:
        """Reads an element that contains terms: a promotion or a part of one."""
        parts: list[etree._Element] = []
        draft.take(self._terms.read(element, path, parts))
        draft.holders.append(element)
        for child in parts:
            part = self._part_of(child.tag)
            if part is None:
                continue
            below = f"{path}/{published_name(str(child.tag))}"
            if part == "item":
                draft.is_item = True
            elif part == "terms":
                self._read(child, below, draft)
            elif part in ("items", "gifts"):
                self._read_list(child, below, GIFTS if part == "gifts" else "1", draft)
            else:
                self._read_groups(child if part == "groups" else [child], below, draft)

    def _part_of(self, tag: object) -> Part | None:
        try:
            return self._parts[tag]
        except KeyError:
            if len(self._parts) >= 1000:
                self._parts.clear()
            return self._parts.setdefault(tag, PROMOTION_PARTS.get(local_name(str(tag))))

    def _read_groups(self, elements: Iterable[etree._Element], path: str, draft: _Draft) -> None:
        for position, element in enumerate(elements, 1):
            below = f"{path}/{published_name(str(element.tag))}"
            if len(element) == 0 and self._part_of(element.tag) != "group":
                self._unknown.add(below)
                continue
            group = PromotionGroup(**{"group_id": str(position), **self._group.read(element, below)})
            draft.groups.append(group)
            for child in element:
                part = self._part_of(child.tag)
                if part in ("items", "gifts"):
                    group_id = GIFTS if part == "gifts" else group.group_id
                    self._read_list(child, f"{below}/{published_name(str(child.tag))}", group_id, draft)

    def _read_list(self, element: etree._Element, path: str, group_id: str, draft: _Draft) -> None:
        found = self._early.get(element, _Items())
        self._read_items(self._item, element, path, found)
        for item in found.items:
            item.group_id = group_id
            item.is_gift |= group_id == GIFTS
        draft.lists.append(found)

    def _read_items(self, fields: Fields, elements: Iterable[etree._Element], path: str, into: _Items) -> None:
        tag, item_path = "", path
        for element in elements:
            into.read += 1
            if element.tag != tag:
                tag = str(element.tag)
                item_path = f"{path}/{published_name(tag)}"
            try:
                values = fields.read(element, item_path)
            except TooLongError as error:
                into.refused.append(RefusedRow(0, 0, error.reason, detail=f"item {into.read}: {error}"))
                continue
            if "item_code" in values:
                into.items.append(_item(values))
            else:
                into.refused.append(RefusedRow(0, 0, "no_code", detail=f"item {into.read} has no code"))

    def _flat_item(self, draft: _Draft) -> _Items:
        """The item of a row that is a promotion and its item at once (`Sale`, `Line`). The terms are the
        item's."""
        for name in ITEM_TERMS:
            draft.terms.pop(name, None)
        values: dict[str, Any] = {}
        for holder in draft.holders:
            values = self._item.read(holder, None) | values
        if "item_code" in values:
            return _Items([_item(values)])
        return _Items(refused=[RefusedRow(0, 0, "no_code", detail="its row has no item code")])


def _lists_in(element: etree._Element, path: str) -> Iterator[tuple[str, etree._Element]]:
    """The lists of items below a promotion and its groups, with their paths."""
    for child in element:
        part = PROMOTION_PARTS.get(local_name(str(child.tag)))
        below = f"{path}/{published_name(str(child.tag))}"
        if part in ("items", "gifts"):
            yield below, child
        elif part in ("groups", "group"):
            yield from _lists_in(child, below)


def _item(values: dict[str, Any]) -> PromotionItem:
    values["is_gift"] = bool(values.get("is_gift"))
    return PromotionItem(**values)


def _promotion(
    terms: dict[str, Any],
    row: int,
    groups: list[PromotionGroup],
    items: list[PromotionItem],
    times: PromotionTimes,
) -> Promotion:
    terms.pop("", None)
    remarks = [*terms.pop("remark", ()), *filter(_is_said, terms.pop("restrictions", ()))]
    clubs = [club for found in terms.pop("club_ids", ()) for club in found]
    if "coupon_code" in terms:
        terms["is_coupon"] = is_set(terms["coupon_code"])
    return Promotion(
        row=row,
        remarks="\n".join(dict.fromkeys(remarks)) or None,
        club_ids=list(dict.fromkeys(clubs)),
        groups=groups,
        items=items,
        starts_at=times.starts_at,
        ends_at=times.ends_at,
        daily_from=times.daily_from,
        daily_to=times.daily_to,
        **terms,
    )


def _is_said(restriction: str) -> bool:
    """Whether a restriction is a text for the shopper; chains write 0 and 0.00 for none."""
    return number(restriction) is None
