"""The conditions of a promotion's offers: club, coupon, means of payment, sums, days."""

from __future__ import annotations

import re
from typing import Final

from gogobe.records.offers import Conditions
from gogobe.records.rows import Promotion

_COUPON: Final = re.compile("(?<!ללא )(?<!בלי )קופון|coupon", re.IGNORECASE)
_PAYMENT: Final = re.compile(
    "אמצעי תשלום|באשראי|כרטיס(?:י)? אשראי|בכרטיס(?!י)|בתשלום ב|מועדון אשראי|credit card", re.IGNORECASE
)


def conditions_of(promotion: Promotion) -> Conditions:
    """The conditions of a promotion. Club 0 means all customers. Coupons and means of payment are taken from
    the words of description and remarks, because chains fill the fields for them unreliably."""
    words = f"{promotion.description or ''}\n{promotion.remarks or ''}"
    is_open = any(not club.strip("0") for club in promotion.club_ids)
    clubs = () if is_open else tuple(promotion.club_ids)
    return Conditions(
        club_ids=clubs,
        coupon=bool(promotion.is_coupon or _COUPON.search(words)),
        payment_means=bool(_PAYMENT.search(words)),
        least_basket=promotion.min_basket_amount or None,
        least_purchase=promotion.min_purchase_amount or promotion.min_amount or None,
        days=promotion.days,
        daily_from=promotion.daily_from,
        daily_to=promotion.daily_to,
        limit=promotion.redemption_limit or None,
    )
