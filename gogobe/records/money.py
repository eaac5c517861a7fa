"""Amounts of money as text for people."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

CURRENCY: Final = "ILS"
_CENT: Final = Decimal("0.01")


def money(amount: Decimal) -> str:
    """An amount with its currency and two decimal places, or more if it has more.

    >>> money(Decimal("5.9")), money(Decimal("0.0125"))
    ('5.90 ILS', '0.0125 ILS')
    """
    short = amount.normalize()
    exact = amount.quantize(_CENT) if short == amount.quantize(_CENT) else short
    return f"{exact:f} {CURRENCY}"
