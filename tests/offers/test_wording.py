"""Offers in a few words."""

from decimal import Decimal
from typing import Any

import pytest

from gogobe.offers.wording import offer_words
from gogobe.records.offers import OpenOffer


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, ""),
        ({"kind": "n_for_price", "quantity": Decimal("2.00"), "total": Decimal(22)}, "2 for 22.00 ILS"),
        (
            {"kind": "n_for_price", "quantity": Decimal(5), "per": "kg", "total": Decimal(100)},
            "5 kg for 100.00 ILS",
        ),
        ({"kind": "percent", "quantity": Decimal(10), "needs_club": True}, "from 10, club"),
        ({"needs_coupon": True, "least_basket": Decimal(200)}, "coupon, basket from 200.00 ILS"),
        ({"kind": "gift", "least_purchase": Decimal(75)}, "with another purchase, spend 75.00 ILS"),
        ({"days": "3", "daily_from": "08:00", "daily_to": "12:00"}, "days 3, 08:00 to 12:00"),
        ({"needs_payment_means": True, "limit": Decimal("4.00")}, "means of payment, at most 4"),
    ],
)
def test_words(fields: dict[str, Any], words: str) -> None:
    plain: dict[str, Any] = {
        "promotion_id": "1", "description": None, "kind": "price", "quantity": Decimal(1), "per": "piece",
        "total": None, "price": Decimal(5), "shelf_price": None,
    }  # fmt: skip
    assert offer_words(OpenOffer(**(plain | fields))) == words
