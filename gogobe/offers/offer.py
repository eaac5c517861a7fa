"""Computes the offer for an item of a promotion: the price of one piece or kilogram.

A wrong price is worse than none: if the terms can be read in two ways and no other field decides, the offer
is `unknown` with a reason code. A promotion file does not contain the shelf price; `price_at` takes it as an
argument.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, Literal, NamedTuple

from gogobe.offers.reward_types import NTH, REWARDS, Reward
from gogobe.records.offers import Offer
from gogobe.records.rows import Promotion, PromotionItem

Per = Literal["piece", "kg"]

_CENT: Final = Decimal("0.01")
_ONE: Final = Decimal(1)
_HUNDRED: Final = Decimal(100)
# A quantity of weighed goods from this value on is in grams.
_GRAMS: Final = Decimal(100)
# A minimum quantity up to this value means any amount.
_ANY_WEIGHT: Final = Decimal("0.1")
_MAX_PIECES: Final = Decimal(100)
_CLOSE: Final = Decimal("0.011")
_PER_KILOGRAM: Final = re.compile(r"מחיר[^\n]{0,40}ל(?:-?ק[\"'״]?ג|קילו)|per kg", re.IGNORECASE)
_NTH_WORDS: Final = re.compile(r"השני|השנייה|השניה|הזול מ|(?<!\d)\d\s*\+\s*\d(?![\d%])")
_SECOND_WORDS: Final = re.compile(r"השני|השנייה|השניה|הזול מ")
_EACH_WORDS: Final = re.compile(r"ליחידה|ליח'|(?:^|\s)ליח(?:\s|$)|כל אחד|כל אחת|\beach\b", re.IGNORECASE)
_PLUS: Final = re.compile(r"(?<!\d)(\d)\s*\+\s*(\d)(?![\d%])")


_ANY_ITEM: Final = Offer("unknown", reason="any_item")
# The fields of an item that its offer depends on.
_OWN_TERMS: Final = (
    "is_gift",
    "gift_price",
    "reward_type",
    "min_qty",
    "discount_percent",
    "discount_amount",
    "discounted_price",
    "discounted_price_per_unit",
    "is_weighted",
)


class _Terms(NamedTuple):
    """The terms for one item: its own, otherwise the promotion's. Zero counts as missing."""

    reward: Reward | None
    price: Decimal | None
    price_per_measure: Decimal | None
    quantity: Decimal
    has_quantity: bool
    percent: Decimal | None
    amount: Decimal | None
    weighed: bool


def offers_of(promotion: Promotion) -> list[Offer]:
    """The offer for each item of the promotion, in the order of the items. Raises nothing.

    Items with the same terms share one offer: a promotion of a whole store has 30,000 items and few terms.

    >>> promotion = Promotion("17", 1, reward_type="1", discounted_price=Decimal(22), min_qty=Decimal(2))
    >>> promotion.items = [PromotionItem("7290000000001")]
    >>> offer, = offers_of(promotion)
    >>> offer.kind, offer.quantity, offer.unit_price
    ('n_for_price', Decimal('2'), Decimal('11.00'))
    """
    shape = _shape_of(promotion)
    known: dict[tuple[object, ...], Offer] = {}
    offers = []
    for item in promotion.items:
        key = tuple(getattr(item, name) for name in _OWN_TERMS)
        if key not in known:
            known[key] = _offer(promotion, item, shape)
        offers.append(known[key] if item.item_code.strip("0") else _ANY_ITEM)
    return offers


class _Shape(NamedTuple):
    """Properties of the whole promotion. `is_bundle`: items of several groups are bought together, so a price
    is not that of one item. `gives`: some items are given for others that are bought."""

    is_bundle: bool
    gives: bool


def _shape_of(promotion: Promotion) -> _Shape:
    bought = {one.group_id for one in promotion.items if not one.is_gift and one.item_code.strip("0")}
    return _Shape(len(bought) > 1, any(one.is_gift for one in promotion.items))


def _offer(promotion: Promotion, item: PromotionItem, shape: _Shape) -> Offer:
    if item.is_gift:
        price = item.gift_price or None
        return Offer("gift", total=price, unit_price=price)
    terms = _terms_of(promotion, item)
    if promotion.is_total and not shape.gives:
        return _of_the_sum(terms)
    if _is_nth(promotion, terms):
        return _nth(promotion, terms)
    if terms.price is not None:
        reason = _why_no_price(promotion, terms, shape)
        return _unknown(reason) if reason else _at_price(promotion, terms)
    return _reduced(promotion, terms, shape)


def _why_no_price(promotion: Promotion, terms: _Terms, shape: _Shape) -> str | None:
    """The reason code if the price of a promotion is not the price of each of its items; None if it is."""
    words = promotion.description or ""
    if _SECOND_WORDS.search(words):
        return "price_of_the_second"
    if shape.is_bundle:
        return "bundle"
    if terms.reward is Reward.BUNDLE and len(promotion.items) > 1 and not terms.has_quantity:
        return "bundle"  # "X + Y for 10" or "any of these for 10": only a quantity decides
    if terms.reward is Reward.CONDITIONAL and len(promotion.items) > 1 and not shape.gives:
        return "bought_or_given"  # "buy A, get D at a price": nothing says which of the items is D
    if terms.quantity > 1 and _EACH_WORDS.search(words):
        return "each_or_in_all"
    return None


def _reduced(promotion: Promotion, terms: _Terms, shape: _Shape) -> Offer:
    """The offer for an item of a promotion without a price."""
    if shape.gives:
        return Offer("gift", quantity=terms.quantity)
    if terms.percent is not None:
        return _percent(terms)
    if terms.amount is not None:
        return _amount(promotion, terms)
    return _unknown("no_terms")


def price_at(offer: Offer, shelf_price: Decimal) -> Decimal | None:
    """The price of one piece or kilogram under `offer` for a given shelf price of one, rounded to the cent;
    None if it cannot be computed, or is not above zero and at most the shelf price."""
    compute = _AT_SHELF.get(offer.kind)
    price = compute(offer, shelf_price) if compute is not None else offer.unit_price
    if price is None or price > shelf_price:
        return None
    rounded = price.quantize(_CENT, ROUND_HALF_UP)  # as PostgreSQL's round() in `offer_price`
    return rounded if rounded > 0 else None


def _at_percent(offer: Offer, shelf_price: Decimal) -> Decimal | None:
    return None if offer.percent is None else shelf_price * (_HUNDRED - offer.percent) / _HUNDRED


def _at_amount(offer: Offer, shelf_price: Decimal) -> Decimal | None:
    return None if offer.amount is None else shelf_price - offer.amount / offer.quantity


def _at_nth(offer: Offer, shelf_price: Decimal) -> Decimal | None:
    if offer.percent is None:
        return None
    saved = offer.discounted * offer.percent / _HUNDRED
    return shelf_price * (offer.quantity - saved) / offer.quantity


_AT_SHELF: Final[dict[str, Callable[[Offer, Decimal], Decimal | None]]] = {
    "percent": _at_percent,
    "amount": _at_amount,
    "nth_percent": _at_nth,
}


def _terms_of(promotion: Promotion, item: PromotionItem) -> _Terms:
    weighed = bool(item.is_weighted if item.is_weighted is not None else promotion.is_weighted)
    stated = next((said for said in (item.min_qty, promotion.min_qty) if said is not None and said > 0), None)
    quantity = _ONE if stated is None else stated
    if weighed and quantity >= _GRAMS:
        quantity = quantity / 1000
    return _Terms(
        reward=REWARDS.get((item.reward_type or promotion.reward_type or "").lstrip("0")),
        price=item.discounted_price or promotion.discounted_price or None,
        price_per_measure=item.discounted_price_per_unit or promotion.discounted_price_per_unit or None,
        quantity=quantity,
        has_quantity=stated is not None,
        percent=item.discount_percent or promotion.discount_percent or None,
        amount=item.discount_amount or promotion.discount_amount or None,
        weighed=weighed or quantity != quantity.to_integral_value(),
    )


def _of_the_sum(terms: _Terms) -> Offer:
    if terms.percent is None and terms.amount is None:
        return _unknown("no_terms")
    return Offer("spend", percent=terms.percent, amount=terms.amount)


def _is_nth(promotion: Promotion, terms: _Terms) -> bool:
    if terms.reward in NTH:
        return True
    # Some chains publish "the second at half price" as a plain percentage from two on.
    words = promotion.description or ""
    return terms.percent is not None and terms.quantity > 1 and _NTH_WORDS.search(words) is not None


def _nth(promotion: Promotion, terms: _Terms) -> Offer:
    quantity = terms.quantity
    percent = terms.percent
    discounted = 1
    if terms.reward is Reward.FREE:
        percent = _HUNDRED
        discounted = int(promotion.gift_count or 1)
    words = promotion.description or ""
    if plus := _PLUS.search(words):
        # "2 + 1": the smaller number is free, whichever way round it is written.
        free = min(int(plus[1]), int(plus[2]))
        if int(plus[1]) + int(plus[2]) == quantity and percent is not None:
            # Some chains publish what is saved of all pieces: 50 for "1 + 1", 33.33 for "2 + 1".
            if "%" not in words and _is_close(percent, free * _HUNDRED / quantity):
                percent = _HUNDRED
            if percent == _HUNDRED:
                discounted = free
    if percent is None:
        return _unknown("nth_without_percent")
    if terms.weighed or quantity < 2 or not 0 < discounted < quantity:
        return _unknown("nth_quantity")
    return Offer("nth_percent", quantity=quantity, percent=percent, discounted=discounted)


def _at_price(promotion: Promotion, terms: _Terms) -> Offer:
    assert terms.price is not None
    if terms.weighed:
        return _at_weighed_price(promotion, terms)
    if terms.quantity > _MAX_PIECES:
        return _unknown("quantity")
    if terms.quantity == 1:
        return Offer("price", total=terms.price, unit_price=terms.price)
    return _n_for_price(terms.quantity, terms.price, "piece")


def _at_weighed_price(promotion: Promotion, terms: _Terms) -> Offer:
    """Decides by the price per measure, the remarks and the quantity whether the price is for one kilogram or
    for the minimum quantity."""
    price, quantity, measured = terms.price, terms.quantity, terms.price_per_measure
    assert price is not None
    if _PER_KILOGRAM.search(promotion.remarks or "") or quantity == 1 or quantity <= _ANY_WEIGHT:
        return _per_kilogram(price, quantity)
    if measured is not None:
        of_a_kilogram, of_all = _is_close(measured, price), _is_close(measured, price / quantity)
        if of_a_kilogram:
            return _per_kilogram(price, quantity)
        if of_all:
            return _n_for_price(quantity, price, "kg")
    return _unknown("per_kilogram_or_in_all")


def _per_kilogram(price: Decimal, quantity: Decimal) -> Offer:
    least = _ONE if quantity <= _ANY_WEIGHT else quantity
    return Offer("price", quantity=least, per="kg", total=(price * least).quantize(_CENT), unit_price=price)


def _n_for_price(quantity: Decimal, total: Decimal, per: Per) -> Offer:
    unit_price = (total / quantity).quantize(_CENT)
    return Offer("n_for_price", quantity=quantity, per=per, total=total, unit_price=unit_price)


def _percent(terms: _Terms) -> Offer:
    if terms.percent == _HUNDRED:
        return Offer("gift", quantity=terms.quantity)
    return Offer("percent", quantity=terms.quantity, per=_per(terms), percent=terms.percent)


def _amount(promotion: Promotion, terms: _Terms) -> Offer:
    if terms.reward is Reward.SPEND or (promotion.min_purchase_amount and terms.quantity == 1):
        return Offer("spend", amount=terms.amount)
    return Offer("amount", quantity=terms.quantity, per=_per(terms), amount=terms.amount)


def _per(terms: _Terms) -> Per:
    return "kg" if terms.weighed else "piece"


def _is_close(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= max(_CLOSE, other * _CENT)


def _unknown(reason: str) -> Offer:
    return Offer("unknown", reason=reason)
