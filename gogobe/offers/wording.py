"""An open offer and its conditions as a short text for people."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from gogobe.records.money import money
from gogobe.records.offers import OpenOffer


def offer_words(offer: OpenOffer) -> str:
    """A text such as `2 for 22.00 ILS`, `from 3 kg, club` or `coupon, basket from 200.00 ILS`; empty for an
    offer without conditions."""
    return ", ".join(_words(offer))


def _words(offer: OpenOffer) -> Iterator[str]:
    unit = " kg" if offer.per == "kg" else ""
    if offer.kind == "n_for_price" and offer.total is not None:
        yield f"{_plain(offer.quantity)}{unit} for {money(offer.total)}"
    elif offer.quantity > 1:
        yield f"from {_plain(offer.quantity)}{unit}"
    if offer.kind == "gift":
        yield "with another purchase"
    if offer.needs_club:
        yield "club"
    if offer.needs_coupon:
        yield "coupon"
    if offer.needs_payment_means:
        yield "means of payment"
    if offer.least_purchase is not None:
        yield f"spend {money(offer.least_purchase)}"
    if offer.least_basket is not None:
        yield f"basket from {money(offer.least_basket)}"
    if offer.days:
        yield f"days {offer.days}"
    if offer.daily_from or offer.daily_to:
        yield f"{offer.daily_from or '00:00'} to {offer.daily_to or '24:00'}"
    if offer.limit is not None:
        yield f"at most {_plain(offer.limit)}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
