"""An offer: what one item costs under one promotion, as typed data."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

OfferKind = Literal["price", "n_for_price", "percent", "amount", "nth_percent", "gift", "spend", "unknown"]


class Offer(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The price of one item under a promotion, in the chain's currency.

    `kind`: `price` (each unit costs `unit_price`), `n_for_price` (`quantity` units cost `total`), `percent`
    and `amount` (off the shelf price), `nth_percent` (of `quantity` units, `discounted` are reduced by
    `percent`), `gift` (free, or at `unit_price`, once the condition is met; an item that must be bought has
    the kind too), `spend` (a reduction of the sum), `unknown` (no price can be computed; `reason` is a code).

    `quantity` is the number of pieces or kilograms (`per`) that must be bought. `unit_price` is then the
    price of one piece or kilogram; None if it depends on the shelf price or on the rest of the basket.
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
    """The conditions of a promotion's offers.

    The shopper is a member of one of `club_ids` (empty: any shopper), has a coupon, uses a certain means of
    payment, spends at least `least_purchase` on the promotion's items, or `least_basket` in total. `days`, as
    published, and the hours (HH:MM) of each day limit the time; `limit` is the maximum number of redemptions.
    """

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
    """The price of one piece or kilogram under a running promotion in one store, in the chain's currency,
    with the shelf price there and the conditions. `quantity` pieces or kilograms (`per`) cost `total`, if
    that is known without the shelf price. `least_purchase` and `least_basket` are sums that must be spent."""

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
