"""Promotions of a whole store: honest ones are read whole, in little memory, and endless ones are ended."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from io import BytesIO

import pytest

from gogobe.feeds.problems import Limits
from gogobe.feeds.reader import FeedReader
from gogobe.records.rows import Promotion
from tests.feeds.documents import HEAD, Read, leaves, read

NAME = "PromoFull7290-007-202501010000.gz"


def listed(count: int, tag: str = "PromotionItem") -> str:
    terms = leaves(
        ItemType="1",
        RewardType="2",
        MinQty="1.00",
        DiscountRate="5.00",
        DiscountedPrice="6.98",
        bIsWeighted="0",
    )
    return "".join(
        f"<{tag}>{leaves(ItemCode=f'{7290000000000 + 7 * n}')}{terms}</{tag}>\n" for n in range(count)
    )


def grouped(promotion_id: str, *counts: int, last: str = "") -> str:
    groups = "".join(
        f"<Group><GroupID>{number}</GroupID><PromotionItems>{listed(count)}</PromotionItems></Group>"
        for number, count in enumerate(counts, 1)
    )
    return f"<Promotion>{leaves(PromotionID=promotion_id)}<Groups>{groups}</Groups>{last}</Promotion>\n"


def feed(*promotions: str) -> bytes:
    return f"<Root>{HEAD}<Promotions>{''.join(promotions)}</Promotions></Root>".encode()


def counts(found: Read) -> list[tuple[str, int]]:
    return [(row.promotion_id, len(row.items)) for row in found.rows]


@pytest.mark.slow
@pytest.mark.parametrize("place", [0, 1])
def test_31_000_items_first_or_later(place: int):
    promotions = [grouped("1", 2), grouped("3", 2)]
    promotions.insert(place, grouped("900", 31_000, last="<ClubID>5</ClubID>"))
    found = read(feed(*promotions), NAME)
    assert sorted(counts(found)) == [("1", 2), ("3", 2), ("900", 31_000)]
    whole = found.rows[place]
    assert [item.item_code for item in whole.items] == [f"{7290000000000 + 7 * n}" for n in range(31_000)]
    assert (whole.club_ids, whole.discount_percent, whole.min_qty) == (["5"], 5, 1)
    assert (found.codes, found.summary.complete) == ([], True)
    assert (found.header.store_id, found.summary.promotion_items) == ("007", 31_004)


def test_the_items_of_several_large_groups_keep_their_groups():
    found = read(feed(grouped("1", 9_000, 1, 12_000), grouped("2", 1)), NAME)
    assert counts(found) == [("1", 21_001), ("2", 1)]
    groups = [item.group_id for item in found.rows[0].items]
    assert groups == ["1"] * 9_000 + ["2"] + ["3"] * 12_000
    assert [group.group_id for group in found.rows[0].groups] == ["1", "2", "3"]


def test_the_first_layout_and_its_gifts():
    promotion = f"<Promotion>{leaves(PromotionId='1')}<PromotionItems>{listed(15_000, 'Item')}</PromotionItems><GiftsItems>{listed(12_000, 'Item')}</GiftsItems></Promotion>"
    found = read(feed(promotion), NAME)
    assert counts(found) == [("1", 27_000)]
    assert [item.is_gift for item in found.rows[0].items] == [False] * 15_000 + [True] * 12_000
    assert (found.summary.promotion_items, found.summary.gift_items) == (15_000, 12_000)


def test_what_is_odd_in_items_that_are_read_early_is_counted():
    odd = (
        listed(12_000)
        .replace("<ItemCode>7290000000070</ItemCode>", "<ItemCode/>")
        .replace("<MinQty>", "<Mood/><MinQty>")
    )
    promotion = f"<Promotion>{leaves(PromotionID='1')}<Groups><Group><PromotionItems>{odd}</PromotionItems></Group></Groups></Promotion>"
    found = read(feed(promotion), NAME)
    assert counts(found) == [("1", 11_999)]
    assert found.summary.unknown_elements == {
        "Promotion/Groups/Group/PromotionItems/PromotionItem/Mood": 12_000
    }
    assert [(row.row, row.reason) for row in found.refused] == [(1, "no_code")]
    assert "item 11 has no code" in (found.refused[0].detail or "")


def test_of_a_promotion_that_is_cut_short_nothing_is_taken():
    whole = feed(grouped("1", 2), grouped("900", 15_000, last="<Mood/>"))
    found = read(whole[: -len("<Mood/></Promotion>\n</Promotions></Root>")], NAME)
    assert (counts(found), found.codes) == ([("1", 2)], ["truncated"])
    assert (found.summary.unknown_elements, found.summary.read) == ({}, 1)


@pytest.mark.slow
@pytest.mark.parametrize("items", [30_000, 40_000])
def test_more_items_than_any_store_has_end_the_file(items: int):
    found = read(feed(grouped("1", 2), grouped("900", items), grouped("3", 2)), NAME, Limits(max_items=35_000))
    if items < 35_000:
        assert (counts(found), found.codes) == ([("1", 2), ("900", items), ("3", 2)], [])
    else:
        assert (counts(found), found.codes) == ([("1", 2)], ["row_too_long"])
    assert found.summary.complete == (items < 35_000)


def test_more_items_in_many_elements_are_cut_off():
    found = read(
        feed(*[grouped("1", 1).replace("7290", f"{n:04}") for n in range(50)]), NAME, Limits(max_items=35)
    )
    assert (counts(found), found.codes, found.summary.complete) == ([("1", 35)], ["row_too_long"], False)


@pytest.mark.slow
def test_a_row_that_is_large_without_items_is_still_too_long():
    promotion = f"<Promotion>{leaves(PromotionID='1')}{'<Mood>x</Mood>' * 300_000}</Promotion>"
    found = read(feed(grouped("0", 1), promotion), NAME)
    assert (counts(found), found.codes) == ([("0", 1)], ["row_too_long"])


@pytest.mark.slow
def test_memory_does_not_grow_with_a_promotion_beyond_its_items():
    data = gzip.compress(feed(*[grouped(str(number), 20_000) for number in range(3)]), 1)

    def blocks() -> Iterator[int]:
        for block in FeedReader(BytesIO(data), NAME):
            yield sum(len(row.items) for row in block.rows if isinstance(row, Promotion))

    tracemalloc.start()
    assert sum(blocks()) == 60_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # An item of a promotion takes about 300 bytes, and its elements took thousands.
    assert peak < 60_000 * 600
