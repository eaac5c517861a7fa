"""Files whose prices are on another scale than the last prices of their store."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gogobe.feeds.price_level import PriceLevels, compare_levels, price_level_problem
from gogobe.feeds.problems import NOTICES, PROBLEMS


def levels(*pairs: tuple[str, str]) -> PriceLevels:
    return compare_levels((Decimal(new), Decimal(last)) for new, last in pairs)


def test_counts_prices_by_their_level():
    found = levels(("590", "5.90"), ("5.90", "5.90"), ("0.06", "5.90"), ("11.80", "5.90"), ("177", "5.90"))
    assert found == PriceLevels(compared=5, higher=2, lower=1)


def test_adds_the_counts_of_batches():
    assert PriceLevels(5, 2, 1) + PriceLevels(10, 0, 4) == PriceLevels(15, 2, 5)


def test_reports_agorot_instead_of_shekels():
    found = price_level_problem(levels(*[("590", "5.90")] * 9, *[("5.90", "5.90")] * 3))
    assert found is not None
    assert found.code == "implausible_price_level"
    assert "9 of 12 are at least 30 times higher" in found.detail


def test_reports_shekels_again_after_agorot():
    found = price_level_problem(levels(*[("5.90", "600")] * 12))
    assert found is not None
    assert "12 of 12 are at least 30 times lower" in found.detail


@pytest.mark.parametrize(
    ("what", "pairs"),
    [
        ("nothing compared", []),
        ("too few", [("590", "5.90")] * 9),
        ("fewer than half", [("590", "5.90")] * 9 + [("5.90", "5.90")] * 11),
        ("a sale", [("1.00", "20.00")] * 50),
        (
            "half up, half down, none of them most",
            [("590", "5.90")] * 4 + [("0.01", "5.90")] * 4 + [("1", "1")] * 4,
        ),
    ],
)
def test_does_not_report(what: str, pairs: list[tuple[str, str]]):
    assert price_level_problem(levels(*pairs)) is None, what


def test_is_a_notice():
    assert "implausible_price_level" in NOTICES & PROBLEMS.keys()
