"""Conditions of a promotion."""

from decimal import Decimal

from gogobe.offers.conditions import conditions_of
from gogobe.records.offers import Conditions
from gogobe.records.rows import Promotion


def promotion(**fields: object) -> Promotion:
    return Promotion(promotion_id="1", row=1, **fields)  # type: ignore[arg-type]


def test_a_promotion_for_anybody_has_no_conditions() -> None:
    assert conditions_of(promotion(club_ids=["0"], min_purchase_amount=Decimal("0.00"))) == Conditions()
    assert conditions_of(promotion(club_ids=["0", "2"])).club_ids == ()  # all customers, among others
    assert conditions_of(promotion(club_ids=["00"])).club_ids == ()


def test_clubs_sums_and_limits() -> None:
    found = conditions_of(
        promotion(
            club_ids=["1", "2"],
            min_basket_amount=Decimal(200),
            min_purchase_amount=Decimal(75),
            redemption_limit=Decimal(3),
            days="1-5",
        )
    )
    assert found.club_ids == ("1", "2")
    assert [found.least_basket, found.least_purchase, found.limit] == [200, 75, 3]
    assert found.days == "1-5"


def test_a_coupon_and_a_means_of_payment_that_only_words_say() -> None:
    assert conditions_of(promotion(description="קופון נביעות שישייה")).coupon
    assert conditions_of(promotion(remarks="כפוף לתקנון\nמוגבל אמצעי תשלום")).payment_means
    assert conditions_of(promotion(description="20% באשראי")).payment_means
    assert not conditions_of(promotion(description="עוגיות 2ב25")).payment_means
    assert not conditions_of(promotion(description="נסיעות בכרטיסיה ללא קופון")).payment_means
    assert not conditions_of(promotion(description="נסיעות בכרטיסיה ללא קופון")).coupon
    assert conditions_of(promotion(is_coupon=True)).coupon
    assert not conditions_of(promotion(is_coupon=False, coupon_code="0")).coupon  # 0: no coupon
