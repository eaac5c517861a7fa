"""Unit prices on one basis."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.offers.units import UnitPrice, unit_of, unit_price_of
from gogobe.records.rows import Item

D = Decimal


def found(
    price: str, quantity: str | None, unit: str | None, measure: str | None, **more: Any
) -> UnitPrice | None:
    amount = None if quantity is None else D(quantity)
    item = Item("1", D(price), 1, quantity=amount, unit_qty=unit, unit_of_measure=measure, **more)
    return unit_price_of(item)


@pytest.mark.parametrize(
    ("price", "quantity", "unit", "measure", "basis", "per_unit"),
    [
        ("6.90", "680.00", "גרמים", "100 גרם", "kg", "10.1471"),
        ("6.90", "680.00", "לא ידוע", "100 גרם", "kg", "10.1471"),  # the unit is that of the measure
        ("25.90", "3", "יח`", "100 גרם", "kg", "86.3333"),  # three times 100 g
        ("60.10", "7", "יח`", '100 מ"ל', "l", "85.8571"),
        ("21.90", "750.00", "מיליליטרים", '100 מ"ל', "l", "29.2000"),
        ("54.90", "750.00", "מטרים", "100 מ'ל", "l", "73.2000"),  # the unit is wrong: wine has no metres
        ("39.90", "1.98", "ליטרים", "ליטר", "l", "20.1515"),
        ("35.9", "150", "מטר", "1 מטר", "m", "0.2393"),
        ("8.5", "5", "יחידה", "1 יחידה", "piece", "1.7000"),
        ("24.0", "1", 'ק"ג', '1 ק"ג', "kg", "24.0000"),
        ("24.0", "1.5", "KG", "100 g", "kg", "16.0000"),
        ("12.0", "33", "cl", "100 ml", "l", "36.3636"),
    ],
)
def test_one_basis(price: str, quantity: str, unit: str, measure: str, basis: str, per_unit: str) -> None:
    one = found(price, quantity, unit, measure)
    assert one is not None
    assert (one.basis, one.price) == (basis, D(per_unit))


def test_a_weighed_price_is_that_of_a_kilogram() -> None:
    for quantity, unit, measure in (("0", "קילוגרמים", 'ק"ג'), ("1000", "גרם", "100 גרם"), ("1", None, None)):
        one = found("99", quantity, unit, measure, is_weighted=True)
        assert one is not None
        assert (one.basis, one.price) == ("kg", D(99))


@pytest.mark.parametrize(
    ("name", "quantity", "unit", "measure", "basis", "per_unit"),
    [
        ('בירה 6* 275 מ"ל', "275", "מיליליטרים", '100 מ"ל', "l", "6.0606"),  # six bottles
        ("פסטה 24*500גרם", "500", "גרם", "100 גרם", "kg", "20.0000"),  # a carton holds 24
        ('שוקו 250 מ"ל', "250", "יחידה", None, "l", "40.0000"),
        ("שקיות 10L יח'", "10", "יחידה", "1 יחידה", "piece", "1.0000"),
        ("ג'ל 2.75 ל' כביסה", "2.75", "מ'ל", "100 מ'ל", "l", "3.6364"),
        ("מגבונים לחים 72 יח", "72", "יח'", "1 יח'", "piece", "0.1389"),
    ],
)
def test_the_name_decides(
    name: str, quantity: str, unit: str, measure: str | None, basis: str, per_unit: str
) -> None:
    one = found("10", quantity, unit, measure, name=name)
    assert one is not None
    assert (one.basis, one.price) == (basis, D(per_unit))


@pytest.mark.parametrize(
    ("quantity", "unit", "measure"),
    [("1", None, "0000000000"), ("1.00", "גרמים", "גרם"), ("0", "ליטרים", "ליטר"), (None, None, None)],
)
def test_an_implausible_amount_has_no_unit_price(
    quantity: str | None, unit: str | None, measure: str | None
) -> None:
    assert found("10", quantity, unit, measure) is None


@pytest.mark.parametrize(
    ("published", "power"),
    [("1.01", 0), ("0.0101", -2), ("10.15", 1), ("6.90", None), ("0", None), (None, None)],
)
def test_the_published_unit_price_is_held_against_its_basis(published: str | None, power: int | None) -> None:
    one = found("6.90", "680", "גרם", "100 גרם", unit_price=None if published is None else D(published))
    assert one is not None
    assert one.published_power == power


def test_spellings() -> None:
    assert unit_of("100 גרם")[0] == 100
    for spelling in ('ק"ג', "ק'ג", "קילוגרמים", "KG", '1 ק"ג', 'לק"ג'):
        _, unit = unit_of(spelling)
        assert unit is not None, spelling
        assert (unit.basis, unit.factor) == ("kg", D(1))
    assert unit_of("לא מנ")[1] is None


texts = st.none() | st.text(max_size=12) | st.sampled_from(["100 גרם", "ליטר", "יח'", "፩ קג", '100 מ"ל', "מ"])


@given(
    st.decimals(min_value="0.000000000001", max_value=10**12 - 1, places=12),
    st.none() | st.decimals(min_value=0, max_value=10**12 - 1, places=12),
    texts,
    texts,
    st.none() | st.decimals(min_value=0, max_value=10**12 - 1, places=12),
    st.none() | st.text(max_size=40),
)
def test_anything_has_a_unit_price_above_zero_or_none(
    price: Decimal,
    quantity: Decimal | None,
    unit: str | None,
    measure: str | None,
    published: Decimal | None,
    name: str | None,
) -> None:
    item = Item("1", price, 1, name=name, quantity=quantity, unit_qty=unit, unit_of_measure=measure)
    item.unit_price = published
    one = unit_price_of(item)
    assert one is None or one.price > 0
