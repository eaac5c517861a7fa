"""Facts of hostile items: finite for any content."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from gogobe.masters.text.facts import Described, as_float, describe


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (None, 0.0),
        (Decimal("5.90"), 5.9),
        (Decimal("sNaN"), 0.0),
        (2.5, 2.5),
    ],
)
def test_a_number_that_may_be_missing(value: Decimal | float | None, number: float) -> None:
    assert as_float(value) == number


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("odd", [float("inf"), float("-inf"), float("nan"), 1e300, -1e300, 1e12])
def test_what_is_no_amount_is_unknown(odd: float) -> None:
    _, facts = describe([Described("חלב", quantity=odd, unit="גרם", price=odd), Described("חלב", price=5.9)])
    assert facts.price.tolist() == [0.0, np.float32(5.9)]
    assert facts.amount.tolist() == [0.0, 0.0]


@pytest.mark.filterwarnings("error")
def test_a_name_of_numbers_has_finite_facts() -> None:
    _, facts = describe([Described(f"{'9' * 400}*3 קג {'9' * 400}% {'9' * 40} 0*0 מל")])
    for table in (facts.numbers, facts.percents, facts.named_amount, facts.pack):
        assert np.isfinite(table).all()
