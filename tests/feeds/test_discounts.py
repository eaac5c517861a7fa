"""What a file's discount rates mean, by the evidence of all its promotions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.feeds.discounts import Evidence, Meaning, RateKind, value_of
from gogobe.records.rows import Promotion, PromotionGroup, PromotionItem

PERCENT, HUNDREDTHS, FRACTION = (Meaning("percent", Decimal(scale)) for scale in ("1", "100", "0.01"))
AMOUNT, AGOROT = (Meaning("amount", Decimal(scale)) for scale in ("1", "100"))


def rate(
    rate: str,
    price: str | None = None,
    description: str | None = None,
    discount_type: str | None = None,
    reward_type: str | None = None,
) -> Promotion:
    return Promotion(
        "1",
        1,
        description=description,
        discount_type=discount_type,
        reward_type=reward_type,
        discount_rate=Decimal(rate),
        discounted_price=None if price is None else Decimal(price),
    )


def decided(*promotions: Promotion) -> dict[tuple[str | None, str | None], Meaning]:
    evidence = Evidence()
    for promotion in promotions:
        evidence.add(promotion)
    return {tuple(kind): meaning for kind, meaning in evidence.meanings().items()}  # type: ignore[misc]


@pytest.mark.parametrize(
    ("what", "promotions", "meanings"),
    [
        ("Rami Levy, February 2026",
         [rate("2000", None, "20% באשראי", "0", "2"), rate("10000", None, None, "0", "9"), rate("3500", None, None, "1", "3")],
         {("0", "2"): HUNDREDTHS, ("0", "9"): HUNDREDTHS, ("1", "3"): AGOROT}),
        ("hundredths without any other sign", [rate("2000", discount_type="0")], {("0", None): HUNDREDTHS}),
        ("percent without any other sign", [rate("20.00", discount_type="0")], {("0", None): PERCENT}),
        ("all of it", [rate("100.00", "0", None, "0", "6")], {("0", "6"): PERCENT}),
        ("fractions", [rate("0.2", discount_type="0"), rate("0.5", discount_type="0")], {("0", None): FRACTION}),
        ("an amount and its price", [rate("13.00", "16.90", None, "1", "3")], {("1", "3"): AMOUNT}),
        ("an amount in agorot by its words", [rate("3500", None, "קופון 35 שח הנחה", "1", "3")], {("1", "3"): AGOROT}),
        ("an amount in shekels by its words", [rate("150", None, "150 ₪ הנחה", "1", "3")], {("1", "3"): AMOUNT}),
        ("amounts have the scale of the percentages",
         [rate("2000", None, None, "0", "2"), rate("2500", None, None, "0", "2"), rate("150", None, None, "1", "3")],
         {("0", "2"): HUNDREDTHS, ("1", "3"): AGOROT}),
        ("the reward type alone", [rate("15", None, None, None, "2")], {(None, "2"): PERCENT}),
        ("the prices alone: 14.90 and 27.60 before", [rate("46.98", "7.90"), rate("27.54", "20.00")], {(None, None): PERCENT}),
        ("a reward type that says nothing, and prices", [rate("46.98", "7.90", None, None, "10")], {(None, "10"): PERCENT}),
        ("more than the goods cost is no amount", [rate("52.44", "4.2", None, None, "3")], {(None, "3"): PERCENT}),
        ("the words alone", [rate("25", None, "25% על הכל")], {(None, None): PERCENT}),
        ("half price", [rate("50", "9.95", "השני בחצי מחיר", None, "9")], {(None, "9"): PERCENT}),
        ("no sign at all", [rate("40")], {}),
        ("nothing", [rate("0")], {}),
    ],
)  # fmt: skip
def test_what_rates_mean(what: str, promotions: list[Promotion], meanings: dict[tuple[str, str], Meaning]):
    assert decided(*promotions) == meanings, what


def test_one_odd_rate_does_not_turn_the_others_over():
    promotions = [rate(f"{number}.00", None, None, "0", "2") for number in range(5, 40)]
    assert decided(*promotions, rate("2000", None, None, "0", "2")) == {("0", "2"): PERCENT}
    assert value_of(Decimal(2000), PERCENT) is None


def test_items_have_their_own_rates_and_the_types_of_their_groups():
    items = [
        PromotionItem(str(number), group_id="2", discount_rate=Decimal(20), discounted_price=Decimal(8))
        for number in range(3)
    ]
    promotion = Promotion("1", 1, groups=[PromotionGroup("2", discount_type="0")], items=items)
    assert decided(promotion) == {("0", None): PERCENT}


def test_a_sighting_that_comes_again_counts_once():
    # Alone it is undecided, and a thousand times it is no more.
    assert decided(*[rate("40", "19.90")] * 1000) == decided(rate("40", "19.90"))


@pytest.mark.parametrize(
    ("rate", "meaning", "value"),
    [
        ("2000", HUNDREDTHS, "20"), ("20.00", PERCENT, "20"), ("0.2", FRACTION, "20"), ("100", PERCENT, "100"),
        ("101", PERCENT, None), ("0", PERCENT, None), ("-5", PERCENT, None), ("3500", AGOROT, "35"),
        ("500", AMOUNT, "500"), ("0", AMOUNT, None), ("-1", AMOUNT, None),
    ],
)  # fmt: skip
def test_values(rate: str, meaning: Meaning, value: str | None):
    assert value_of(Decimal(rate), meaning) == (None if value is None else Decimal(value))


rates = st.decimals(min_value=-(10**9), max_value=10**9, places=3)
kinds = st.sampled_from([None, "0", "1", "2", "3", "7", "x", ""])


@pytest.mark.slow
@given(
    st.lists(st.tuples(rates, st.none() | rates, st.none() | st.text(max_size=20), kinds, kinds), max_size=20)
)
def test_a_percentage_is_above_0_and_at_most_100(
    found: list[tuple[Decimal, Decimal | None, str | None, str | None, str | None]],
):
    evidence = Evidence()
    for rate, price, description, discount_type, reward_type in found:
        evidence.add(
            Promotion(
                "1", 1, description=description, discount_type=discount_type, reward_type=reward_type,
                discount_rate=rate, discounted_price=price,
            )
        )  # fmt: skip
    meanings = evidence.meanings()
    for rate, _, _, discount_type, reward_type in found:
        meaning = meanings.get(RateKind(discount_type, reward_type))
        value = value_of(rate, meaning) if meaning else None
        assert value is None or value > 0
        assert value is None or meaning is None or meaning.unit == "amount" or value <= 100


@pytest.mark.parametrize("scale", [1, 100])
@given(shelf=st.integers(30, 2000), percent=st.integers(5, 90), quantity=st.sampled_from([1, 2, 3, 4]))
def test_prices_alone_give_the_unit(scale: int, shelf: int, percent: int, quantity: int):
    """Shelf prices of whole dimes, a sale price of whole dimes, and the rate that a chain computes from
    both."""
    shelf_price = Decimal(shelf) / 10
    total = quantity * shelf_price
    price = (total * (100 - percent) / 100).quantize(Decimal("0.1"))
    if not 0 < price < total:
        return
    found = ((1 - price / total) * 100).quantize(Decimal("0.01"))
    published = str(found if scale == 1 else int(found * 100))
    # One price may leave it open; where it decides it is right.
    for meaning in decided(rate(published, str(price))).values():
        assert meaning == Meaning("percent", Decimal(scale))
