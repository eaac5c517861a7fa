"""Regressions: products that earlier matchers joined although one word, number or size differs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.snapshot.files import Snapshot
from gogobe.records.rows import Item
from tests.masters.catalogues import CREAMS, YOGHURTS, gtin


def item(code: str, name: str, price: float, size: float = 0, weighted: bool = False) -> Item:
    return Item(
        item_code=code,
        price=Decimal(str(price)),
        row=1,
        name=name,
        quantity=Decimal(str(size)) if size else None,
        unit_qty="גרם" if size else None,
        is_weighted=weighted,
    )


def resolved(snapshot: Snapshot, *items: Item) -> list[Item]:
    """The items as resolved beside a hundred others of a chain that the snapshot does not know."""
    others = [item(gtin(5000 + number), f"מוצר אחר מספר {number}", 7.9, 10 + number) for number in range(120)]
    batch = [*items, *others]
    Resolver(snapshot).resolve("a chain of its own", batch)
    return batch[: len(items)]


def test_28_creams_of_one_brand_stay_28_masters(snapshot: Snapshot) -> None:
    items = [item(str(100 + place), name, 39.9, 50) for place, name in enumerate(CREAMS)]
    found = resolved(snapshot, *items)
    assert len({one.master_id for one in found}) == len(CREAMS)
    for place, one in enumerate(found):
        assert one.match != "vector" or one.master_id == int(gtin(place))


def test_creams_that_no_master_is_are_given_to_none(snapshot: Snapshot) -> None:
    kinds = ("קרם מרפקים", "סבון מוצק תה ירוק", "סרום פפטידים", "קרם לילה רימונים", "מסכת פחם", "ספריי שיער")
    found = resolved(
        snapshot, *(item(str(place), f"דרמלין {kind}", 39.9, 50) for place, kind in enumerate(kinds))
    )
    assert [one.match for one in found if one.match == "vector"] == []


@pytest.mark.parametrize("flavour", ["מנגו", "בננה", "לימון", "קפה", "תפוח"])
def test_a_flavour_that_no_master_has_is_not_given_to_another(snapshot: Snapshot, flavour: str) -> None:
    (found,) = resolved(snapshot, item("77", f"יוגורט פסגה בטעם {flavour}", 5.9, 150))
    assert found.match != "vector"


def test_the_right_flavour_is_found_or_asked_about(snapshot: Snapshot) -> None:
    found = resolved(snapshot, *(item(str(place), name, 5.9, 150) for place, name in enumerate(YOGHURTS)))
    for place, one in enumerate(found):
        assert one.match in ("vector", "review")
        assert one.match != "vector" or one.master_id == int(gtin(100 + place))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("משקה ענבים גמא 500 מל", 500),
        ("משקה ענבים גמא 6*1.5 ליטר", 9000),
        ("שישיית משקה ענבים גמא 1.5 ליטר", 9000),
    ],
)
def test_another_size_or_a_multipack_is_another_product(snapshot: Snapshot, name: str, size: float) -> None:
    (found,) = resolved(snapshot, item("78", name, 6.9, size))
    assert found.match != "vector"


def test_weighed_is_not_packed(snapshot: Snapshot) -> None:
    (found,) = resolved(snapshot, item("79", "יוגורט פסגה בטעם תות", 5.9, weighted=True))
    assert found.match != "vector"
