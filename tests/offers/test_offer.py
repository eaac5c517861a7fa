"""What an item costs under a promotion."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.offers.offer import offers_of, price_at
from gogobe.records.offers import Offer
from gogobe.records.rows import Promotion, PromotionItem

D = Decimal


def offer(item: dict[str, Any] | None = None, **terms: Any) -> Offer:
    found = offers_of(Promotion("1", 1, items=[PromotionItem("7290000000001", **(item or {}))], **terms))
    return found[0]


def brief(one: Offer) -> tuple[object, ...]:
    return one.kind, one.quantity, one.per, one.total, one.unit_price


def test_one_piece_at_a_price() -> None:
    assert brief(offer(reward_type="1", min_qty=D("1.00"), discounted_price=D("32.50"))) == (
        "price", 1, "piece", D("32.50"), D("32.50"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("quantity", "kind", "unit_price"),
    [
        (D(1), "price", D("9.90")),
        (D(2), "n_for_price", D("4.95")),
        (None, "unknown", None),
        (D(0), "unknown", None),
    ],
)
def test_different_items_at_a_price_have_one_each_only_by_a_quantity(
    quantity: Decimal | None, kind: str, unit_price: Decimal | None
) -> None:
    """Reward 10 is "X + Y for 10" as well as "any three of these for 10"."""
    items = [PromotionItem("1"), PromotionItem("2")]
    terms = {"reward_type": "10", "discounted_price": D("9.90"), "min_qty": quantity}
    found = offers_of(Promotion("1", 1, items=items, **terms))  # type: ignore[arg-type]
    assert [(one.kind, one.unit_price) for one in found] == [(kind, unit_price)] * 2
    alone = offers_of(Promotion("1", 1, items=items[:1], **terms))  # type: ignore[arg-type]
    assert alone[0].kind != "unknown"


def test_several_for_a_price() -> None:
    assert brief(offer(reward_type="1", min_qty=D(4), discounted_price=D(20))) == (
        "n_for_price", 4, "piece", 20, D("5.00"),
    )  # fmt: skip
    assert offer(min_qty=D(3), discounted_price=D(50)).unit_price == D("16.67")


@pytest.mark.parametrize(
    ("quantity", "price", "per_measure", "remarks", "expected"),
    [
        ("1", "7.90", None, None, ("price", "7.90")),
        ("0.010", "7.90", "7.900", None, ("price", "7.90")),  # any amount: the price of a kilogram
        ("5", "100", "20", None, ("n_for_price", "20.00")),  # five kilograms for 100
        ("2", "19.90", "19.90", None, ("price", "19.90")),
        ("0.3", "100.00", None, 'מחיר המבצע הינו המחיר לק"ג', ("price", "100.00")),
        ("0.5", "15", "30", None, ("n_for_price", "30.00")),
        ("0.5", "15", None, None, ("unknown", None)),  # 15 or 30 a kilogram: nothing decides
    ],
)
def test_weighed_goods_per_kilogram(
    quantity: str, price: str, per_measure: str | None, remarks: str | None, expected: tuple[str, str | None]
) -> None:
    one = offer(
        {"is_weighted": True},
        min_qty=D(quantity),
        discounted_price=D(price),
        discounted_price_per_unit=per_measure and D(per_measure),
        remarks=remarks,
    )
    kind, unit_price = expected
    assert (one.kind, one.unit_price) == (kind, unit_price and D(unit_price))
    assert one.kind == "unknown" or one.per == "kg"


def test_an_items_own_terms_go_before_the_promotions() -> None:
    one = offer({"discounted_price": D("11.45"), "min_qty": D(1)}, discounted_price=D(99), min_qty=D(3))
    assert brief(one) == ("price", 1, "piece", D("11.45"), D("11.45"))


def test_a_percentage_and_a_sum_off() -> None:
    percent = offer(reward_type="2", min_qty=D(1), discount_percent=D(20))
    assert (percent.kind, percent.unit_price, price_at(percent, D("5.00"))) == ("percent", None, D("4.00"))
    amount = offer(reward_type="3", min_qty=D(2), discount_amount=D(5))
    assert (amount.kind, price_at(amount, D(20))) == ("amount", D("17.50"))
    assert price_at(amount, D("2.50")) is None  # nothing would be left


@pytest.mark.parametrize(
    ("terms", "shelf", "unit_price"),
    [
        ({"reward_type": "8", "min_qty": D(2), "discount_percent": D(50)}, "22.90", "17.18"),
        ({"reward_type": "08", "min_qty": D(2), "discount_percent": D(50)}, "22.90", "17.18"),
        ({"reward_type": "7", "min_qty": D(3), "gift_count": D(1)}, "9.00", "6.00"),
        ({"reward_type": "7", "min_qty": D(3), "description": "חטיף 1+2"}, "9.00", "6.00"),
        ({"reward_type": "9", "min_qty": D(3), "discount_percent": D(100)}, "9.00", "6.00"),
        # 1 + 1: one is free, and 50 % of both is the same; but not where the description has its own percentage
        ({"reward_type": "1", "min_qty": D(2), "discount_percent": D(50), "description": "חטיף 1+1"}, "10", "5.00"),
        ({"reward_type": "9", "min_qty": D(3), "discount_percent": D("33.33"), "description": "2+1"}, "9", "6.00"),
        ({"reward_type": "1", "min_qty": D(2), "discount_percent": D(50), "description": "1+1 ב 50%"}, "10", "7.50"),
        # published as a plain percentage from two on; the description says which of them
        ({"reward_type": "2", "min_qty": D(2), "discount_percent": D(50), "description": "השני ב-50%"}, "10", "7.50"),
    ],
)  # fmt: skip
def test_some_of_the_units_are_reduced(terms: dict[str, Any], shelf: str, unit_price: str) -> None:
    one = offer(**terms)
    assert (one.kind, one.unit_price) == ("nth_percent", None)
    assert price_at(one, D(shelf)) == D(unit_price)


def test_the_price_of_the_second_is_not_the_price_of_each() -> None:
    # the second costs 11.45, not each: the percentage and the shelf price say what both cost
    one = offer({"discounted_price": D("11.45")}, reward_type="8", min_qty=D(2), discount_percent=D(50))
    assert (one.kind, one.unit_price, price_at(one, D("22.90"))) == ("nth_percent", None, D("17.18"))


def test_gifts() -> None:
    items = [PromotionItem("1"), PromotionItem("2", is_gift=True), PromotionItem("3", is_gift=True, gift_price=D("19.80"))]  # fmt: skip
    bought, free, paid = offers_of(Promotion("1", 1, reward_type="6", min_qty=D(2), items=items))
    assert (bought.kind, bought.quantity, bought.unit_price) == ("gift", D(2), None)
    assert (free.kind, free.unit_price, price_at(free, D(5))) == ("gift", None, None)
    assert (paid.kind, paid.unit_price, price_at(paid, D(25))) == ("gift", D("19.80"), D("19.80"))


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({}, "no_terms"),
        ({"reward_type": "8", "min_qty": D(2)}, "nth_without_percent"),
        ({"reward_type": "9", "min_qty": D(1), "discount_percent": D(50)}, "nth_quantity"),
        ({"min_qty": D(150), "discounted_price": D(20)}, "quantity"),
        # 5 is what the second costs, or both: 2.50 for each would be wrong
        ({"min_qty": D(2), "discounted_price": D(5), "description": "השני ב-5"}, "price_of_the_second"),
        ({"discounted_price": D(5), "description": "הזול מביניהם ב-5"}, "price_of_the_second"),
    ],
)
def test_what_cannot_be_said_is_unknown(terms: dict[str, Any], reason: str) -> None:
    assert offer(**terms) == Offer("unknown", reason=reason)


def test_a_price_that_may_be_of_each_or_of_all_is_not_given() -> None:
    one = offer(min_qty=D(2), discounted_price=D(10), description='2 יחידות ב-10 ש"ח ליחידה')
    assert one.reason == "each_or_in_all"
    assert offer(min_qty=D(2), discounted_price=D(10), description="2 יחידות ב-10").unit_price == 5


def test_buy_this_get_that_at_a_price_does_not_say_which() -> None:
    items = [PromotionItem("1"), PromotionItem("2")]
    offers = offers_of(Promotion("1", 1, reward_type="6", discounted_price=D(5), items=items))
    assert [one.reason for one in offers] == ["bought_or_given", "bought_or_given"]


def test_grams_are_only_read_of_goods_by_weight() -> None:
    weighed = offer(
        {"is_weighted": True}, min_qty=D(200), discounted_price=D(20), discounted_price_per_unit=D(100)
    )
    assert (weighed.kind, weighed.unit_price) == ("n_for_price", D("100.00"))
    assert offer(min_qty=D(200), discounted_price=D(20)).reason == "quantity"


def test_items_of_two_groups_have_no_price_of_their_own() -> None:
    items = [PromotionItem("1", group_id="1"), PromotionItem("2", group_id="2")]
    offers = offers_of(Promotion("1", 1, discounted_price=D(30), reward_type="10", items=items))
    assert [one.reason for one in offers] == ["bundle", "bundle"]


def test_the_code_that_means_any_item_has_no_offer() -> None:
    (one,) = offers_of(Promotion("1", 1, discounted_price=D(30), items=[PromotionItem("0000000000000")]))
    assert one.reason == "any_item"


def test_a_reduction_of_the_sum_is_no_price() -> None:
    assert offer(is_total=True, discount_percent=D(10)).kind == "spend"
    assert offer(min_purchase_amount=D(300), discount_amount=D(30)).kind == "spend"


def test_what_is_bought_for_a_gift_is_not_reduced_by_the_gifts_percentage() -> None:
    items = [PromotionItem("1"), PromotionItem("2", is_gift=True)]
    bought, _ = offers_of(Promotion("1", 1, is_total=True, discount_percent=D(100), items=items))
    assert (bought.kind, bought.percent) == ("gift", None)


def test_a_price_above_the_shelf_price_is_not_offered() -> None:
    one = offer(min_qty=D(1), discounted_price=D(10))
    assert price_at(one, D("9.90")) is None
    assert price_at(one, D(10)) == 10


def test_a_price_is_rounded_like_the_databases_and_never_to_nothing() -> None:
    assert price_at(offer(discount_percent=D(50)), D("0.25")) == D("0.13")
    assert price_at(offer(discount_percent=D(99)), D("0.01")) is None


def test_a_least_quantity_below_zero_says_nothing() -> None:
    assert offer(min_qty=D(-2), discounted_price=D(5)) == offer(discounted_price=D(5))
    assert offer({"min_qty": D(-1)}, min_qty=D(2), discounted_price=D(5)).quantity == 2


# As wide as `feeds.fields.number` reads them.
numbers = st.decimals(min_value=0, max_value=10**12 - 1, places=2) | st.decimals(
    min_value=0, max_value=3, places=12
)
amounts = st.none() | numbers
words = st.none() | st.sampled_from(["1", "2", "3", "7", "8", "9", "10", "99", "x"])
terms = st.fixed_dictionaries(
    {
        "reward_type": words,
        "min_qty": amounts,
        "discount_percent": st.none() | st.decimals(min_value="0.000000000001", max_value=100, places=12),
        "discount_amount": amounts,
        "discounted_price": amounts,
        "discounted_price_per_unit": amounts,
        "is_weighted": st.none() | st.booleans(),
    }
)


@given(
    terms,
    terms,
    st.none() | st.text(max_size=30),
    amounts,
    st.lists(st.tuples(st.booleans(), st.sampled_from(["1", "2"])), min_size=1, max_size=4),
    st.decimals(min_value="0.01", max_value=10**5, places=2),
)
def test_any_terms_give_a_price_in_bounds_or_none(
    own: dict[str, Any],
    common: dict[str, Any],
    description: str | None,
    gift_count: Decimal | None,
    items: list[tuple[bool, str]],
    shelf: Decimal,
) -> None:
    listed = [PromotionItem("1", is_gift=gift, group_id=group, **own) for gift, group in items]
    promotion = Promotion("1", 1, description=description, gift_count=gift_count, items=listed, **common)
    for one in offers_of(promotion):
        assert one.unit_price is None or one.unit_price >= 0
        price = price_at(one, shelf)
        assert price is None or 0 < price <= shelf
        assert (one.kind == "unknown") == (one.reason is not None)
