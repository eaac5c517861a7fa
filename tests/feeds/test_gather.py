"""Promotions of one id brought together: complete in memory or on disk, and bounded whatever a file repeats."""

from __future__ import annotations

import pytest

from gogobe.feeds.gather import MOST_HELD, MOST_TEXTS, PromotionGatherer
from gogobe.records.rows import Promotion, PromotionGroup, PromotionItem


def element(row: int) -> Promotion:
    """An element of promotion 1 in which everything differs from the other elements'."""
    return Promotion(
        "1",
        row,
        remarks=f"remark {row}",
        club_ids=[f"club {row}"],
        groups=[PromotionGroup(group_id=f"group {row}")],
        items=[PromotionItem(str(row))],
    )


@pytest.mark.parametrize("most_held", [MOST_HELD, 20_000])
def test_one_promotion_in_many_elements_is_bounded_in_everything(most_held: int) -> None:
    gatherer = PromotionGatherer(max_items=100, most_held=most_held)
    for row in range(2 * MOST_TEXTS):
        gatherer.add(element(row))
    (promotion,) = gatherer.promotions()
    assert (len(promotion.items), len(promotion.groups)) == (100, 100)
    assert len((promotion.remarks or "").splitlines()) == len(promotion.club_ids) == MOST_TEXTS
    assert gatherer.cut == "1"


@pytest.mark.parametrize("most_held", [MOST_HELD, 20_000])
def test_what_is_within_the_bounds_is_kept_whole(most_held: int) -> None:
    gatherer = PromotionGatherer(max_items=100, most_held=most_held)
    for row in (*range(100), *range(100)):
        gatherer.add(element(row))
    (promotion,) = gatherer.promotions()
    assert [item.item_code for item in promotion.items] == [str(row) for row in range(100)]
    assert promotion.club_ids == [f"club {row}" for row in range(100)]
    assert (promotion.remarks or "").splitlines() == [f"remark {row}" for row in range(100)]
    assert [group.group_id for group in promotion.groups] == [f"group {row}" for row in range(100)]
    assert gatherer.cut is None
