"""Promotions of one id brought together: complete in memory or on disk, and bounded for all repetitions in a
file."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe.feeds.gather import MAX_HELD, MAX_TEXTS, Difference, PromotionGatherer
from gogobe.records.rows import Promotion, PromotionGroup, PromotionItem

MANY = 1_000_000
AT = datetime(2026, 2, 1, tzinfo=UTC)


def part(promotion_id: str, row: int, *codes: str, **terms: Any) -> Promotion:
    return Promotion(promotion_id, row, items=[PromotionItem(code) for code in codes], **terms)


def gathered(*parts: Promotion, max_held: int = 1 << 26, max_items: int = MANY) -> PromotionGatherer:
    gatherer = PromotionGatherer(max_items, max_held)
    for promotion in parts:
        gatherer.add(promotion)
    return gatherer


def codes(promotion: Promotion) -> list[str]:
    return [item.item_code for item in promotion.items]


# 0 puts every part out to disk.
@pytest.mark.parametrize("max_held", [1 << 26, 2000, 0])
def test_all_that_elements_say_of_a_promotion_is_kept(max_held: int):
    groups = [PromotionGroup("1"), PromotionGroup("2", min_purchase_amount=Decimal(5))]
    (one, two) = gathered(
        part("1", 1, "a", club_ids=["1"], remarks="x", groups=[groups[0]], min_qty=Decimal(2)),
        part("2", 2, "z"),
        part(
            "1", 3, "b", "a", club_ids=["2", "1"], remarks="y\nx", groups=groups, description="d", updated_at=AT
        ),
        part("1", 4, "c", club_ids=["3"]),
        max_held=max_held,
    ).promotions()
    assert (one.promotion_id, one.row, codes(one)) == ("1", 1, ["a", "b", "c"])
    assert (one.club_ids, one.remarks, one.groups) == (["1", "2", "3"], "x\ny", groups)
    assert (one.description, one.min_qty, one.updated_at) == ("d", Decimal(2), AT)
    assert (two.promotion_id, codes(two)) == ("2", ["z"])


def test_an_item_that_comes_twice_in_one_element_stays_twice():
    (one,) = gathered(part("1", 1, "a", "a"), part("1", 2, "a")).promotions()
    assert codes(one) == ["a", "a"]


def test_an_item_with_other_terms_is_another_item():
    first, second = (PromotionItem("a", discounted_price=Decimal(price)) for price in (1, 2))
    (one,) = gathered(Promotion("1", 1, items=[first]), Promotion("1", 2, items=[second])).promotions()
    assert one.items == [first, second]


@pytest.mark.parametrize("max_held", [1 << 26, 0])
def test_what_elements_say_differently_is_counted_and_the_first_holds(max_held: int):
    gatherer = gathered(
        part("1", 1, min_qty=Decimal(2)),
        part("2", 2, min_qty=Decimal(2)),
        part("1", 3, min_qty=Decimal(3), days="1"),
        part("1", 4, days="2"),
        part("2", 5, min_qty=Decimal("2.0")),
        part("3", 6, groups=[PromotionGroup("1")]),
        part("3", 7, groups=[PromotionGroup("1", discount_type="1")]),
        max_held=max_held,
    )
    assert [(row.min_qty, row.days) for row in gatherer.promotions()] == [(2, "1"), (2, None), (None, None)]
    assert gatherer.differing == 2
    assert gatherer.difference == ("1", Difference("min_qty", 3))


@pytest.mark.parametrize("max_held", [1 << 26, 0])
def test_a_promotion_keeps_as_many_items_as_it_may(max_held: int):
    parts = [part("1", row, str(row)) for row in range(1, 30)]
    gatherer = gathered(*parts, part("2", 30, "x"), max_held=max_held, max_items=20)
    one, two = gatherer.promotions()
    assert (codes(one), codes(two)) == ([str(row) for row in range(1, 21)], ["x"])
    assert gatherer.cut == "1"


ids = st.lists(st.tuples(st.sampled_from("abc"), st.lists(st.sampled_from("12345"), max_size=3)), max_size=30)


@settings(deadline=None)
@given(ids, st.integers(0, 20_000))
def test_the_disk_changes_nothing(parts: list[tuple[str, list[str]]], max_held: int):
    def read(held: int) -> list[Promotion]:
        made = [part(promotion_id, row, *found) for row, (promotion_id, found) in enumerate(parts, 1)]
        return list(gathered(*made, max_held=held).promotions())

    assert read(max_held) == read(1 << 26)
    assert [row.row for row in read(0)] == sorted(row.row for row in read(0))
    assert {row.promotion_id for row in read(0)} == {promotion_id for promotion_id, _ in parts}


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


@pytest.mark.parametrize("max_held", [MAX_HELD, 20_000])
def test_one_promotion_in_many_elements_is_bounded_in_everything(max_held: int) -> None:
    gatherer = PromotionGatherer(max_items=100, max_held=max_held)
    for row in range(2 * MAX_TEXTS):
        gatherer.add(element(row))
    (promotion,) = gatherer.promotions()
    assert (len(promotion.items), len(promotion.groups)) == (100, 100)
    assert len((promotion.remarks or "").splitlines()) == len(promotion.club_ids) == MAX_TEXTS
    assert gatherer.cut == "1"


@pytest.mark.parametrize("max_held", [MAX_HELD, 20_000])
def test_what_is_within_the_bounds_is_kept_whole(max_held: int) -> None:
    gatherer = PromotionGatherer(max_items=100, max_held=max_held)
    for row in (*range(100), *range(100)):
        gatherer.add(element(row))
    (promotion,) = gatherer.promotions()
    assert [item.item_code for item in promotion.items] == [str(row) for row in range(100)]
    assert promotion.club_ids == [f"club {row}" for row in range(100)]
    assert (promotion.remarks or "").splitlines() == [f"remark {row}" for row in range(100)]
    assert [group.group_id for group in promotion.groups] == [f"group {row}" for row in range(100)]
    assert gatherer.cut is None
