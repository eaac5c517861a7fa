"""Interprets the promotions of a file, once all of them are known: rates, gifts, prices and constant
terms."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from gogobe.feeds.discounts import Evidence, Meaning, RateKind, group_types, kind_of, value_of
from gogobe.feeds.promotions import GIFTS, ITEM_TERMS
from gogobe.records.rows import Promotion, PromotionItem

_HUNDRED: Final = Decimal(100)
# From this number of promotions on, a single value is a constant without further evidence.
_MANY: Final = 20


class Constant:
    """Detects a term with the same value in all promotions, which is a default and no condition.

    MinNoOfItemOfered is 10 in all promotions of Rami Levy, King Store and others, which require one item or
    two. A term is constant if several promotions have it, all with the same value, and either another minimum
    quantity contradicts it in one of them, or at least 20 promotions have it.
    """

    def __init__(self) -> None:
        self.value: Decimal | None = None
        self._count = 0
        self._varies = False
        self._disagrees = False

    def add(self, value: Decimal | None, min_qtys: Iterable[Decimal | None]) -> None:
        """Adds the value of the term in a promotion, and the promotion's minimum quantities."""
        if value is None:
            return
        self._count += 1
        self._varies |= self.value is not None and value != self.value
        self.value = value
        self._disagrees |= any(qty is not None and qty > 0 and qty != value for qty in min_qtys)

    @property
    def is_constant(self) -> bool:
        return not self._varies and (self._count >= _MANY or (self._count > 1 and self._disagrees))


class PromotionInterpreter:
    """Collects evidence from all promotions of a file (`add`), then sets the fields of each (`interpret`)."""

    def __init__(self) -> None:
        self._evidence = Evidence()
        self._items_offered = Constant()
        self._meanings: dict[RateKind, Meaning] | None = None
        self.unclear = 0
        self.first_unclear: tuple[str, RateKind, Decimal] | None = None

    def add(self, promotion: Promotion) -> None:
        """Adds a promotion, or a part of one, as evidence."""
        self._evidence.add(promotion)
        min_qtys = (item.min_qty for item in promotion.items)
        self._items_offered.add(promotion.min_items_offered, [promotion.min_qty, *min_qtys])

    @property
    def constants(self) -> dict[str, Decimal]:
        """The constant terms of the file, with their value."""
        offered = self._items_offered
        return {"min_items_offered": offered.value} if offered.value is not None and offered.is_constant else {}

    def interpret(self, promotion: Promotion) -> Promotion:
        """Sets the fields of a whole promotion, in place, by its codes and rates. Returns it."""
        if self._items_offered.is_constant:
            promotion.min_items_offered = None
        self._set_discounts(promotion)
        _set_gifts(promotion)
        _drop_no_prices(promotion)
        _lift_terms(promotion)
        return promotion

    def _set_discounts(self, promotion: Promotion) -> None:
        unclear = self._set_discount(promotion, kind_of(promotion, promotion), promotion.promotion_id)
        types = group_types(promotion)
        for item in promotion.items:
            if item.discount_rate:
                kind = kind_of(item, promotion, types.get(item.group_id))
                unclear |= self._set_discount(item, kind, promotion.promotion_id)
        self.unclear += unclear

    def _set_discount(self, holder: Promotion | PromotionItem, kind: RateKind, promotion_id: str) -> bool:
        """Sets percentage or amount by the meaning of the rate's kind. Returns True if the meaning is
        unclear."""
        rate = holder.discount_rate
        if not rate:
            return False
        if self._meanings is None:
            self._meanings = self._evidence.meanings()
        meaning = self._meanings.get(kind)
        value = value_of(rate, meaning) if meaning is not None else None
        if meaning is None or value is None:
            self.first_unclear = self.first_unclear or (promotion_id, kind, rate)
            return True
        if meaning.unit == "percent":
            holder.discount_percent = value
        else:
            holder.discount_amount = value
        return False


def _set_gifts(promotion: Promotion) -> None:
    """Sets `is_gift`: a gift is free or costs its gift price, on condition that another item is bought.

    The feed's flag is not sufficient: Super-Pharm and Rami Levy set it on plain reductions. In the layout of
    2026 it is not necessary: a gift is an item that is free in one group of a promotion with several groups.
    """
    flagged = [item for item in promotion.items if item.is_gift]
    if flagged and len(flagged) == len(promotion.items):
        for item in flagged:
            item.is_gift = item.group_id == GIFTS or not _is_reduction(item, promotion)
    if not flagged:
        free = [item for item in promotion.items if _is_free(item)]
        groups = {item.group_id for item in free}
        if free and any(item.group_id not in groups for item in promotion.items):
            for item in free:
                item.is_gift = True
    for item in promotion.items:
        if item.is_gift and item.gift_price is None:
            item.gift_price = item.discounted_price
    promotion.is_gift = any(item.is_gift for item in promotion.items)


def _is_reduction(item: PromotionItem, promotion: Promotion) -> bool:
    """Whether an item that is flagged as a gift is only sold at a reduced price."""
    if item.gift_price is not None:
        return False
    price = item.discounted_price if item.discounted_price is not None else promotion.discounted_price
    percent = item.discount_percent or promotion.discount_percent
    amount = item.discount_amount or promotion.discount_amount
    return bool(price) or bool(amount) or (percent is not None and percent < _HUNDRED)


def _is_free(item: PromotionItem) -> bool:
    return not item.discounted_price and item.discount_percent == _HUNDRED


def _drop_no_prices(promotion: Promotion) -> None:
    """Removes prices of zero, except those of gifts: chains write 0.00 with percentages and minimum
    purchases."""
    holders: list[Any] = [promotion, *(item for item in promotion.items if not item.is_gift)]
    for holder in holders:
        if not holder.discounted_price:
            holder.discounted_price = None
        if not holder.discounted_price_per_unit:
            holder.discounted_price_per_unit = None


def _lift_terms(promotion: Promotion) -> None:
    """Copies a term that is equal in all items to buy to the promotion, unless the promotion has one."""
    bought = [item for item in promotion.items if not item.is_gift]
    if not bought:
        return
    for name in (*ITEM_TERMS, "discount_percent", "discount_amount", "is_weighted"):
        if getattr(promotion, name) is not None:
            continue
        first = getattr(bought[0], name)
        if first is not None and all(getattr(item, name) == first for item in bought):
            setattr(promotion, name, first)
