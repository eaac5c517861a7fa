"""Files with the traits of real feeds that earlier readers got wrong: `tests/data/field`, and what is right."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gogobe.feeds.names import parse_file_name
from tests.feeds.documents import Read, read

FIELD = Path(__file__).parent.parent / "data" / "field"


def field(folder: str, start: str = "") -> Read:
    (path,) = (path for path in (FIELD / folder).iterdir() if path.name.startswith(start))
    return read(path.read_bytes(), path.name)


def promotions(folder: str, start: str = "") -> dict[str, Any]:
    return {row.promotion_id: row for row in field(folder, start).rows}


def shown(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def of_each_item(row: Any, name: str) -> list[Any]:
    return [getattr(item, name) for item in row.items]


def test_the_terms_of_a_line_stand_in_its_details_and_each_item_has_its_own():
    found = field("01-superpharm-promotiondetails")
    second, brushes = found.rows
    assert (second.promotion_id, second.description) == ("3872123", "השני ב-50% הנחה")
    assert (shown(second.starts_at), shown(second.ends_at)) == (
        "2024-09-25T00:00:00+03:00",
        "2024-10-08T23:59:59+03:00",
    )
    assert (second.club_ids, second.min_qty, second.discount_percent) == (["1"], 2, 50)
    assert of_each_item(second, "item_code") == ["7290000188270", "7290000191652"]
    assert of_each_item(second, "discounted_price") == [Decimal("11.45"), Decimal("6.95")]
    assert of_each_item(second, "discount_percent") == [50, 50]
    # No price holds for all of its items.
    assert (second.discounted_price, second.is_coupon, second.is_total) == (None, False, False)
    assert (brushes.discount_amount, brushes.discounted_price) == (13, Decimal("16.90"))
    assert (found.codes, found.summary.read, found.summary.promotions) == ([], 3, 2)


def test_a_gift_price_is_kept_on_its_item():
    found = field("02-gift-item-price")
    (row,) = found.rows
    assert (row.min_purchase_amount, row.is_gift) == (75, True)
    assert [(item.item_code, item.is_gift, item.gift_price) for item in row.items] == [
        ("7290000551197", False, None),
        ("7290003465152", False, None),
        ("7290000551197", True, Decimal("19.80")),
    ]
    assert found.summary.gift_items == 1


def test_remarks_are_read_from_within():
    rows = promotions("03-remarks-remark")
    assert (rows["7002"].remarks, rows["7002"].discount_percent) == ("מוגבל אמצעי תשלום", 20)
    assert rows["7003"].remarks == 'מחיר המבצע הינו המחיר לק"ג'
    assert (rows["7003"].discounted_price, rows["7003"].min_qty) == (100, Decimal("0.30"))


def test_what_is_not_active_says_so():
    assert {key: row.is_active for key, row in promotions("04-inactive").items()} == {
        "7004": False,
        "7005": True,
    }


def test_one_promotion_in_three_elements():
    found = field("05-same-promotion-id")
    (row,) = found.rows
    assert of_each_item(row, "item_code") == ["7290000000101", "7290000000102", "7290000000103"]
    assert (row.promotion_id, row.row, row.discounted_price, row.min_qty) == ("4149331", 1, 22, 2)
    assert (found.summary.read, found.summary.taken, found.codes) == (3, 3, [])


def test_the_time_packed_into_a_name():
    names = [parse_file_name(path.name) for path in sorted((FIELD / "06-packed-time-name").iterdir())]
    assert [(shown(name.published_at), name.sub_chain_id, name.store_id) for name in names] == [
        ("2026-09-09T06:02:02+03:00", "000", "35"),
        ("2026-09-10T06:02:02+03:00", "000", "35"),
    ]


def test_a_count_without_quotes():
    found = field("07-unquoted-count")
    assert [row.promotion_id for row in found.rows] == ["11", "12"]
    assert (found.summary.announced, found.codes, found.summary.complete) == (2, ["unquoted_attributes"], True)


def test_hebrew_that_was_decoded_wrongly():
    found = field("08-mojibake")
    (row,) = found.rows
    assert (row.name, row.unit_qty) == ("במבה אסם 80 גרם", "גרם")
    assert (found.codes, found.summary.complete) == (["mojibake"], True)


def test_a_promotion_of_the_layout_of_2026_with_an_item_without_a_code():
    found = field("12-mahsanei-2026-promo")
    (row,) = found.rows
    assert shown(row.ends_at) == "2026-08-21T23:59:59+03:00"
    assert (row.is_gift, of_each_item(row, "is_gift")) == (False, [False])
    assert (row.discounted_price, row.redemption_limit) == (Decimal("4.2"), 4)
    # 52.44 off a beer for 4.20 is no amount: with that price it is a percentage.
    assert (row.discount_percent, row.discount_amount) == (Decimal("52.44"), None)
    assert (found.summary.refused, found.summary.refused_items, found.summary.taken) == (1, 1, 1)
    assert [(refused.reason, refused.row) for refused in found.refused] == [("no_code", 1)]


def test_the_clubs_of_all_rows_of_a_flat_promotion():
    found = field("13-flat-sales-clubs")
    (row,) = found.rows
    assert (row.club_ids, row.min_basket_amount) == (["1", "2"], 200)
    assert of_each_item(row, "is_gift") == [False, False, True]
    assert (row.discounted_price, row.min_qty, row.min_items_offered) == (12, 3, 3)
    assert (found.summary.promotion_items, found.summary.gift_items) == (3, 1)


def test_times_of_every_form():
    rows = field("15-dates", "PriceFull").rows
    nine, five_past = "2026-02-01T09:00:00+02:00", "2026-02-01T09:05:00+02:00"
    assert [shown(row.price_updated_at) for row in rows] == [
        nine,
        "2026-02-02T00:00:00+02:00",
        five_past,
        five_past,
        None,
        "2026-03-27T02:30:00+02:00",  # which the clocks skip
        "2026-10-25T01:30:00+03:00",  # which comes twice
        nine,
        "2026-02-01T07:00:00+00:00",
        nine,
        nine,
        nine,
        "2026-02-01T00:00:00+02:00",
        None,
        nine,
    ]


def test_the_last_day_of_a_promotion_holds_to_its_end():
    ends = [shown(row.ends_at) for row in field("15-dates", "PromoFull").rows]
    whole_day, until_then = "2026-02-28T23:59:59+02:00", "2026-02-28T23:59:00+02:00"
    assert ends == [whole_day] * 3 + [until_then] * 4


def test_a_promotion_of_a_whole_store():
    found = field("18-whole-store-promotion")
    assert [(row.promotion_id, len(row.items)) for row in found.rows] == [("1", 2), ("900", 20_000), ("3", 2)]
    whole = found.rows[1]
    assert len({item.item_code for item in whole.items}) == 20_000
    assert whole.discount_percent == 5
    assert {item.discount_percent for item in whole.items} == {Decimal(5)}
    assert (found.codes, found.summary.complete, found.summary.promotion_items) == ([], True, 20_004)


def test_one_scale_for_each_discount():
    rows = promotions("20-discount-rate-scale")
    assert (rows["1"].discount_percent, rows["1"].discount_amount, rows["1"].discount_rate) == (20, None, 2000)
    assert (rows["2"].discount_percent, rows["2"].discount_amount, rows["2"].discount_rate) == (None, 35, 3500)


def test_promotions_of_2026_have_their_prices_and_no_gifts():
    rows = promotions("21-promotions-2026", "PromoFull7290058140886")
    pineapple, pasta = rows.values()
    assert not any(item.is_gift for row in rows.values() for item in row.items)
    assert [row.is_gift for row in rows.values()] == [False, False]
    assert (pineapple.discounted_price, pineapple.discounted_price_per_unit) == (
        Decimal("7.90"),
        Decimal("7.9"),
    )
    assert (pineapple.is_weighted, pineapple.discount_percent) == (True, Decimal("46.98"))
    assert (pasta.min_qty, pasta.discounted_price, pasta.discount_rate) == (4, 20, None)
    assert of_each_item(pasta, "discount_percent") == [Decimal("27.54"), Decimal("3.85"), Decimal("23.08")]
    # 10 in all promotions, which ask for any weight, and for four pieces.
    assert [row.min_items_offered for row in rows.values()] == [None, None]
    perfumes = promotions("21-promotions-2026", "PromoFull7290172900007")
    assert [(row.discounted_price, row.is_gift) for row in perfumes.values()] == [(65, False), (65, False)]


@pytest.mark.parametrize("folder", sorted(path.name for path in FIELD.iterdir() if path.is_dir()))
def test_every_element_of_these_rows_is_known(folder: str):
    for path in (FIELD / folder).iterdir():
        assert read(path.read_bytes(), path.name).summary.unknown_elements == {}
