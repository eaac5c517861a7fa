"""Sets the computed fields of a block's rows: unit prices of items, offers and conditions of promotions."""

from __future__ import annotations

from collections.abc import Iterable

from gogobe.offers.conditions import conditions_of
from gogobe.offers.offer import offers_of
from gogobe.offers.units import unit_price_of
from gogobe.records.rows import Item, Promotion


def fill_unit_prices(items: Iterable[Item]) -> int:
    """Sets `unit_basis` and `price_per_unit` if they can be computed. Returns the number of published unit
    prices that differ by a power of ten from the price on the basis that their item names."""
    off_basis = 0
    for item in items:
        found = unit_price_of(item)
        if found is not None:
            item.unit_basis, item.price_per_unit, power = found
            off_basis += bool(power)
    return off_basis


def fill_offers(promotions: Iterable[Promotion]) -> None:
    """Sets the conditions of each promotion and the offer of each of its items."""
    for promotion in promotions:
        promotion.conditions = conditions_of(promotion)
        for item, offer in zip(promotion.items, offers_of(promotion), strict=True):
            item.offer = offer
