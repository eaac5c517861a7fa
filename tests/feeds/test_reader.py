"""The real feeds against their true counts, which a separate whole-document reading gave."""

from decimal import Decimal
from pathlib import Path

import pytest

import gogobe.demo
from tests.feeds.documents import read

FEEDS = Path(gogobe.demo.__file__).parent / "feeds"

# name, container, rows with a price, refused (zero prices), distinct codes, first and last code, sum of prices
PRICES = [
    ("Price7290058140886-001-202506110900.gz", "gzip", 303, 303, "5601996208811", "7290012803222", "7759.9"),
    ("Price7290058140886-005-202506110700.gz", "gzip", 273, 273, "7290014256620", "7290008805520", "8028.7"),
    ("Price7290058140886-008-202506110700.gz", "gzip", 233, 233, "7290006256775", "7290015951227", "7637.7"),
    ("PriceFull-7290696200003-097-201608280606-001.gz", "gzip", 626, 626, "350", "9020200015483", "10465.9"),
    (
        "PriceFull7290027600007-001-202508070300.gz",
        "gzip",
        5004,
        5004,
        "11182700954",
        "9800800056",
        "112449.93",
    ),
    ("PriceFull7290058108879-014-202507091024.gz", "zip", 4880, 4880, "2505", "9647100658178", "100993.74"),
    ("PriceFull7290058108879-339-202508071024.gz", "gzip", 1896, 1896, "13006", "9910250718035", "29360.87"),
    (
        "PriceFull7290058140886-003-202507131800.gz",
        "gzip",
        4041,
        4039,
        "7290014083479",
        "7290008175814",
        "60272.91",
    ),
    (
        "PriceFull7290058140886-003-202507151200.gz",
        "gzip",
        4107,
        4105,
        "7290000197753",
        "7290000197678",
        "61151.91",
    ),
    ("PriceFull7290058156016-264-202508071028.gz", "gzip", 4388, 4388, "24", "9330344004473", "75401.2"),
    (
        "PriceFull7290803800003-008-202506100401.gz",
        "gzip",
        4195,
        4195,
        "7290100700020",
        "7290001045688",
        "71109.86",
    ),
]
PROMOTIONS = [
    ("Promo7290058140886-001-202506111000.gz", 20, 52, 14),
    ("Promo7290058140886-002-202506111000.gz", 38, 136, 16),
    ("Promo7290058140886-003-202506111000.gz", 31, 127, 5),
    ("PromoFull7290058108879-014-202507091037.gz", 621, 2152, 93),
    ("PromoFull7290058140886-011-202506120011.gz", 1798, 7105, 117),
]
UNKNOWN = {
    "PriceFull-7290696200003-097-201608280606-001.gz": {
        "Product/LastUpdateDate": 626,
        "Product/LastUpdateTime": 626,
    }
}
STORES = [
    ("Stores7290027600007-000-202506210201.xml", "utf-8", 415),
    ("Stores7290058140886-000-20250724-050500.xml", "utf-16-le", 67),
    ("StoresFull7290058108879-000-202507091024.gz", "utf-8", 26),
    ("StoresFull7290058156016-000-202508071028.xml", "utf-8", 56),
    ("StoresFull7290696200003-000-202506210600-000.xml", "utf-8", 70),
]


@pytest.mark.parametrize(("name", "container", "items", "codes", "first", "last", "price_sum"), PRICES)
def test_price_feeds(name, container, items, codes, first, last, price_sum):
    found = read((FEEDS / name).read_bytes(), name)
    assert (found.summary.container, found.summary.read) == (container, items)
    assert len(found.rows) + len(found.refused) == items
    assert {row.reason for row in found.refused} <= {"zero_price"}
    in_order = sorted([*found.rows, *found.refused], key=lambda row: row.row)
    assert len({row.item_code for row in in_order}) == codes
    assert (in_order[0].item_code, in_order[-1].item_code) == (first, last)
    assert sum((row.price for row in found.rows), Decimal(0)) == Decimal(price_sum)
    assert all(len(block.rows) == 500 for block in found.blocks[:-1])
    assert found.summary.unknown_elements == UNKNOWN.get(name, {})
    assert (found.codes, found.summary.complete) == (["unknown_elements"] * (name in UNKNOWN), True)


@pytest.mark.parametrize(("name", "promotions", "items", "gifts"), PROMOTIONS)
def test_promotion_feeds(name, promotions, items, gifts):
    found = read((FEEDS / name).read_bytes(), name)
    assert len(found.rows) == found.summary.read == promotions
    assert (found.summary.promotion_items, found.summary.gift_items) == (items, gifts)
    assert all(row.starts_at and row.ends_at for row in found.rows)
    assert found.summary.taken == promotions
    is_rami_levy = found.header.chain_id == "7290058140886"
    assert found.summary.unknown_elements == ({"Promotion/WeightUnit": promotions} if is_rami_levy else {})
    assert (found.codes, found.summary.complete) == (["unknown_elements"] * is_rami_levy, True)
    assert found.summary.constants == {"min_items_offered": "10"}


@pytest.mark.parametrize(("name", "encoding", "stores"), STORES)
def test_store_feeds(name, encoding, stores):
    found = read((FEEDS / name).read_bytes(), name)
    assert (len(found.rows), found.summary.encoding) == (stores, encoding)
    assert all(row.chain_id or found.header.chain_id for row in found.rows)
    assert all(row.sub_chain_id for row in found.rows)
    assert found.codes == []


def test_a_feed_that_says_it_is_empty_is_no_problem():
    name = "NULLPrice7290058140886-041-202506110912.gz"
    found = read((FEEDS / name).read_bytes(), name)
    assert found.blocks == []
    assert (found.summary.kind, found.header.chain_id, found.header.store_id) == (
        "price",
        "7290058140886",
        "041",
    )
    assert (found.summary.announced, found.codes) == (0, [])
