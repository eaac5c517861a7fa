"""Feeds whose rows are well-formed and which are implausible as a whole."""

from __future__ import annotations

import pytest

from tests.feeds.documents import HEAD, Read, leaves, price_feed, read

NAME = "PromoFull7290-007-202501010000.gz"


def named(*names: str) -> Read:
    rows = [
        f"<Item>{leaves(ItemCode=str(code), ItemName=name, ItemPrice='1')}</Item>"
        for code, name in enumerate(names)
    ]
    return read(price_feed(*rows))


def promotions(count: int, **terms: str) -> Read:
    whole = {
        "PromotionDescription": "d{}",
        "PromotionEndDate": "2025-12-31",
        "DiscountedPrice": "9.90",
        **terms,
    }
    rows = "".join(
        f"<Promotion>{leaves(PromotionId=str(row), **{k: v.format(row) for k, v in whole.items() if v})}</Promotion>"
        for row in range(count)
    )
    return read(f"<Root>{HEAD}<Promotions>{rows}</Promotions></Root>", NAME)


@pytest.mark.parametrize(
    ("what", "names", "said"),
    [
        ("the same", ["מוצר"] * 100, "100 of 100 are 'מוצר'"),
        ("nearly the same", ["מוצר"] * 95 + ["חלב"] * 5, "95 of 100"),
        ("empty", [""] * 20, "20 of 20 are empty"),
        ("unknown", ["לא ידוע"] * 19 + ["חלב"], "19 of 20 are empty"),
        ("question marks", ["???? ???"] * 5 + ["????"] * 7, "12 of 12 were decoded wrongly"),
        ("what was lost", [f"ן�½ן�½{n}" for n in range(12)], "12 of 12 were decoded wrongly"),
        ("what was lost, again", [f"ן¿½ן¿½{n}" for n in range(12)], "12 of 12 were decoded wrongly"),
    ],
)
def test_names(what: str, names: list[str], said: str):
    found = named(*names)
    assert found.codes == ["implausible_names"], what
    assert said in found.summary.problems[0].detail
    assert (len(found.rows), found.summary.complete) == (len(names), True)


@pytest.mark.parametrize(
    "names",
    [
        ["מוצר"] * 9,
        ["מוצר"] * 99,
        ["", "a"] * 20,
        ["???", "a", "b"] * 10,
        [f"חלב {number}" for number in range(2000)],
    ],
)
def test_plausible_names(names: list[str]):
    assert named(*names).codes == []


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"PromotionEndDate": ""}, "implausible_ends"),
        ({"PromotionEndDate": "0000-00-00"}, "implausible_ends"),
        ({"DiscountedPrice": ""}, "implausible_prices"),
        ({"DiscountedPrice": "0.00"}, "implausible_prices"),
        ({"PromotionDescription": ""}, "implausible_descriptions"),
        ({"PromotionDescription": "???? ???"}, "implausible_descriptions"),
    ],
)
def test_promotions(terms: dict[str, str], code: str):
    found = promotions(10, **terms)
    assert (found.codes, found.summary.complete, len(found.rows)) == ([code], True, 10)
    assert promotions(9, **terms).codes == []


def test_a_discount_or_a_gift_is_a_price():
    for terms in ({"DiscountRate": "20", "DiscountType": "0"}, {"AdditionalGiftCount": "1"}):
        assert promotions(20, DiscountedPrice="", **terms).codes == []
    assert promotions(20).codes == []
