"""An offer: what one item costs under one promotion, as typed data."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

OfferKind = Literal["price", "n_for_price", "percent", "amount", "nth_percent", "gift", "spend", "unknown"]


class Offer(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What one item costs under a promotion. Prices are in the chain's currency.

    `kind`: `price` (each unit costs `unit_price`), `n_for_price` (`quantity` units cost `total`), `percent` and
    `amount` (off the shelf price), `nth_percent` (of `quantity` units, `discounted` are reduced by `percent`),
    `gift` (costs nothing or `unit_price` once the condition is met; for the items to be bought: they give a
    gift), `spend` (a reduction of the sum), `unknown` (`reason` says why no price is given).

    `quantity` is how many pieces or kilograms (`per`) must be bought. `unit_price` is the price of one piece or
    kilogram when they are; None where it depends on the shelf price, or on what else is in the basket.
    """

    kind: OfferKind
    quantity: Decimal = Decimal(1)
    per: Literal["piece", "kg"] = "piece"
    total: Decimal | None = None
    unit_price: Decimal | None = None
    percent: Decimal | None = None
    amount: Decimal | None = None
    discounted: int = 1
    reason: str | None = None


class Conditions(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What else must hold for the offers of a promotion: the shopper is in one of `club_ids` (empty: any
    shopper), has a coupon, pays by a certain means, spends at least `least_purchase` on the promotion's items
    or `least_basket` in all; `days`, and the hours (HH:MM) of each day, as published; at most `limit`
    redemptions."""

    club_ids: tuple[str, ...] = ()
    coupon: bool = False
    payment_means: bool = False
    least_basket: Decimal | None = None
    least_purchase: Decimal | None = None
    days: str | None = None
    daily_from: str | None = None
    daily_to: str | None = None
    limit: Decimal | None = None


class OpenOffer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The price of one piece or kilogram under a running promotion, in the chain's currency, with the shelf
    price in that store and what must hold. `quantity` pieces or kilograms (`per`) cost `total`, where that
    is known without the shelf price. `least_purchase` and `least_basket` are sums to be spent."""

    promotion_id: str
    description: str | None
    kind: OfferKind
    quantity: Decimal
    per: Literal["piece", "kg"]
    total: Decimal | None
    price: Decimal
    shelf_price: Decimal | None
    needs_club: bool = False
    needs_coupon: bool = False
    needs_payment_means: bool = False
    least_basket: Decimal | None = None
    least_purchase: Decimal | None = None
    limit: Decimal | None = None
    days: str | None = None
    daily_from: str | None = None
    daily_to: str | None = None
