"""What is decided of promotions when all of a file are known: gifts, prices, constants, common terms."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gogobe.feeds.interpret import PromotionInterpreter
from gogobe.feeds.promotions import GIFTS
from gogobe.records.rows import Promotion, PromotionItem


def settled(*promotions: Promotion) -> list[Promotion]:
    interpreter = PromotionInterpreter()
    for promotion in promotions:
        interpreter.add(promotion)
    return [interpreter.interpret(promotion) for promotion in promotions]


def one(*items: PromotionItem, **terms: Any) -> Any:
    (promotion,) = settled(Promotion("1", 1, items=list(items), **terms))
    return promotion


def item(code: str = "1", group: str = "1", *, gift: bool = False, **terms: Any) -> PromotionItem:
    values: dict[str, Any] = {name: Decimal(value) for name, value in terms.items()}
    return PromotionItem(code, group, gift, **values)


def gifts(promotion: Any) -> list[bool]:
    return [found.is_gift for found in promotion.items]


@pytest.mark.parametrize(
    ("what", "items", "terms", "are_gifts"),
    [
        ("flagged beside what is bought", [item(), item(gift=True)], {}, [False, True]),
        ("at its gift price", [item(), item(gift=True, gift_price="19.80")], {}, [False, True]),
        ("flagged with a price beside what is bought", [item(), item(gift=True, discounted_price="5")], {}, [False, True]),
        ("in a list of gifts", [item(group=GIFTS, gift=True)], {}, [True]),
        ("flagged alone, at a reduced price", [item(gift=True, discounted_price="65.00")], {}, [False]),
        ("all flagged, the promotion's price", [item(gift=True), item(gift=True)], {"discounted_price": Decimal(10)}, [False, False]),
        ("all flagged, 20 % off", [item(gift=True)], {"discount_rate": Decimal(20), "discount_type": "0"}, [False]),
        ("flagged alone, for nothing", [item(gift=True)], {}, [True]),
        ("flagged alone, at a gift price", [item(gift=True, gift_price="5", discounted_price="5")], {}, [True]),
        ("free in a group beside another", [item(discounted_price="0"), item(group="2", discounted_price="0", discount_rate="100")],
         {"discount_type": "0"}, [False, True]),
        ("all of it free: 1+1", [item(discount_rate="100"), item("2", discount_rate="100")], {"discount_type": "0"}, [False, False]),
        ("a plain reduction", [item(discounted_price="5")], {}, [False]),
    ],
)  # fmt: skip
def test_gifts(what: str, items: list[PromotionItem], terms: dict[str, Any], are_gifts: list[bool]):
    promotion = one(*items, **terms)
    assert gifts(promotion) == are_gifts, what
    assert promotion.is_gift == any(are_gifts)


def test_what_a_gift_costs():
    promotion = one(
        item(), item("2", gift=True, discounted_price="0.00"), item("3", gift=True, gift_price="9.90")
    )
    assert [found.gift_price for found in promotion.items] == [None, 0, Decimal("9.90")]


@pytest.mark.parametrize("terms", [{"min_purchase_amount": Decimal(75)}, {"discount_rate": Decimal(20)}, {}])
def test_a_price_of_zero_is_none(terms: dict[str, Any]):
    zero = Decimal("0.00")
    promotion = one(item(discounted_price="0"), discounted_price=zero, discounted_price_per_unit=zero, **terms)
    assert (promotion.discounted_price, promotion.discounted_price_per_unit) == (None, None)
    assert promotion.items[0].discounted_price is None


def test_terms_that_all_items_to_buy_have_in_common_are_the_promotions():
    promotion = one(
        item("1", discounted_price="20", min_qty="4", discount_rate="5"),
        item("2", discounted_price="20", min_qty="4", discount_rate="7"),
        item("3", gift=True, discounted_price="0"),
    )
    assert (promotion.discounted_price, promotion.min_qty, promotion.discount_rate) == (20, 4, None)
    assert one(item(), item("2", discounted_price="5")).discounted_price is None
    assert one(item(discounted_price="5"), discounted_price=Decimal(6)).discounted_price == 6
    assert one().discounted_price is None


def offered(value: str | None, min_qty: str | None = "1") -> Promotion:
    return Promotion(
        "1", 1, min_items_offered=value and Decimal(value), min_qty=min_qty and Decimal(min_qty)  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("what", "promotions", "constant"),
    [
        ("10 everywhere, for any price", [offered("10", "1"), offered("10", "2"), offered(None)], True),
        ("the quantity that is asked for", [offered("3", "3"), offered("3", "3.00")], False),
        ("it varies", [offered("3", "1"), offered("2", "1")], False),
        ("one promotion is no file", [offered("10", "1")], False),
        ("often enough, with nothing beside it", [offered("7", None)] * 20, True),
        ("not often enough", [offered("7", None)] * 19, False),
    ],
)
def test_a_constant_is_no_condition(what: str, promotions: list[Promotion], constant: bool):
    interpreter = PromotionInterpreter()
    for promotion in promotions:
        interpreter.add(promotion)
    assert (interpreter.constants != {}) == constant, what
    values = [interpreter.interpret(promotion).min_items_offered for promotion in promotions]
    assert all(value is None for value in values) == constant


def test_rates_that_could_not_be_decided_are_counted():
    interpreter = PromotionInterpreter()
    unclear: Any = Promotion("1", 1, discount_rate=Decimal(40))
    clear: Any = Promotion("2", 2, discount_rate=Decimal(40), discount_type="0")
    for promotion in (unclear, clear):
        interpreter.add(promotion)
        assert interpreter.unclear == 0
    for promotion in (unclear, clear):
        interpreter.interpret(promotion)
    assert (unclear.discount_percent, unclear.discount_amount, unclear.discount_rate) == (None, None, 40)
    assert (clear.discount_percent, interpreter.unclear) == (40, 1)
    assert interpreter.first_unclear == ("1", (None, None), Decimal(40))
