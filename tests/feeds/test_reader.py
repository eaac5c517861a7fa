"""The real feeds against their true counts, which a separate whole-document reading gave."""

import gzip
import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

import gogobe.demo
from gogobe.feeds.reader import FeedReader
from gogobe.feeds.rows import Item

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
    ("Promo7290058140886-001-202506111000.gz", 20, 52, 0),
    ("Promo7290058140886-002-202506111000.gz", 38, 136, 0),
    ("Promo7290058140886-003-202506111000.gz", 31, 127, 0),
    ("PromoFull7290058108879-014-202507091037.gz", 621, 2152, 93),
    ("PromoFull7290058140886-011-202506120011.gz", 1798, 7105, 0),
]
STORES = [
    ("Stores7290027600007-000-202506210201.xml", "utf-8", 415),
    ("Stores7290058140886-000-20250724-050500.xml", "utf-16-le", 67),
    ("StoresFull7290058108879-000-202507091024.gz", "utf-8", 26),
    ("StoresFull7290058156016-000-202508071028.xml", "utf-8", 56),
    ("StoresFull7290696200003-000-202506210600-000.xml", "utf-8", 70),
]


def read(data: bytes, name: str = "PriceFull7290-1-202501010000.gz"):
    reader = FeedReader(io.BytesIO(data), name)
    blocks = list(reader)
    rows = [row for block in blocks for row in block.rows]
    return reader, blocks, rows


@pytest.mark.parametrize(("name", "container", "items", "codes", "first", "last", "price_sum"), PRICES)
def test_price_feeds(name, container, items, codes, first, last, price_sum):
    reader, blocks, rows = read((FEEDS / name).read_bytes(), name)
    refused = [row for block in blocks for row in block.refused]
    assert reader.summary.container == container
    assert reader.summary.read == items
    assert len(rows) + len(refused) == items
    assert {row.reason for row in refused} <= {"zero_price"}
    assert len({row.item_code for row in [*rows, *refused]}) == codes
    in_order = sorted([*rows, *refused], key=lambda row: row.row)
    assert (in_order[0].item_code, in_order[-1].item_code) == (first, last)
    assert sum((row.price for row in rows), Decimal(0)) == Decimal(price_sum)
    assert all(len(block.rows) == 500 for block in blocks[:-1])
    assert reader.summary.problems == []
    assert reader.summary.complete


@pytest.mark.parametrize(("name", "promotions", "items", "gifts"), PROMOTIONS)
def test_promotion_feeds(name, promotions, items, gifts):
    reader, _, rows = read((FEEDS / name).read_bytes(), name)
    assert len(rows) == reader.summary.read == promotions
    assert (reader.summary.promotion_items, reader.summary.gift_items) == (items, gifts)
    assert all(row.starts_at and row.ends_at for row in rows)
    assert reader.summary.problems == []


@pytest.mark.parametrize(("name", "encoding", "stores"), STORES)
def test_store_feeds(name, encoding, stores):
    reader, _, rows = read((FEEDS / name).read_bytes(), name)
    assert len(rows) == stores
    assert reader.summary.encoding == encoding
    assert all(row.chain_id or reader.header.chain_id for row in rows)
    assert all(row.sub_chain_id for row in rows)
    assert reader.summary.problems == []


def test_a_feed_that_says_it_is_empty_is_no_problem():
    name = "NULLPrice7290058140886-041-202506110912.gz"
    reader, blocks, _ = read((FEEDS / name).read_bytes(), name)
    assert blocks == []
    assert (reader.kind, reader.header.chain_id, reader.header.store_id) == ("price", "7290058140886", "041")
    assert (reader.summary.announced, reader.summary.problems) == (0, [])


def feed(*items: str, count: int | None = None) -> bytes:
    count_attribute = f' Count="{count}"' if count is not None else ""
    return (
        f"<root><ChainId>7290</ChainId><SubChainId>001</SubChainId><StoreId>007</StoreId>"
        f"<Items{count_attribute}>{''.join(items)}</Items></root>"
    ).encode()


def item(code: str = "1", price: str = "2.50", **more: str) -> str:
    fields = "".join(f"<{name}>{value}</{name}>" for name, value in more.items())
    return f"<Item><ItemCode>{code}</ItemCode><ItemPrice>{price}</ItemPrice><ItemName>n</ItemName>{fields}</Item>\n"


def test_every_field_of_a_row():
    _, _, rows = read(
        feed(
            item(
                "0729", "10.90", PriceUpdateTime="2026-06-07T03:40:00.000", LastSaleDateTime="2016/08/27 11:17",
                ItemType="1", ManufactureName=" לא ידוע ", ManufactureCountry="IL", UnitQty="גרם",
                ManufactureItemDescription="two\nlines", Quantity="439.00", UnitOfMeasure="100 גרם",
                blsWeighted="0", QtyInPackage="1", UnitOfMeasurePrice="2.62", AllowDiscount="1", ItemStatus="0",
                ItemId="5",
            )
        )
    )  # fmt: skip
    (row,) = rows
    assert isinstance(row, Item)
    assert (row.item_code, str(row.price), row.manufacturer, row.description) == (
        "0729",
        "10.90",
        None,
        "two lines",
    )
    assert (row.is_weighted, row.allow_discount, row.item_status, row.item_id) == (False, True, "0", "5")
    assert row.price_updated_at
    assert row.last_sold_at
    assert row.price_updated_at.isoformat() == "2026-06-07T03:40:00+03:00"
    assert row.last_sold_at.isoformat() == "2016-08-27T11:17:00+03:00"
    assert (str(row.quantity), str(row.unit_price)) == ("439.00", "2.62")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (item("", "1"), "no_code"),
        (item("1", ""), "no_price"),
        (item("1", "0.00"), "zero_price"),
        (item("1", "-1"), "zero_price"),
        (item("1", "x"), "bad_price"),
        (item("1", "NaN"), "bad_price"),
        ("<Item/>\n", "no_code"),
    ],
)
def test_a_refused_row_says_why_and_where_and_the_file_goes_on(bad, reason):
    reader, blocks, rows = read(feed(item("1"), bad, item("3"), count=3))
    assert [row.item_code for row in rows] == ["1", "3"]
    (refused,) = blocks[0].refused
    assert (refused.row, refused.line, refused.reason) == (2, 2, reason)
    assert (reader.summary.read, reader.summary.refused, reader.summary.problems) == (3, 1, [])


def problems(data: bytes, name: str = "PriceFull7290-1-202501010000.gz"):
    reader, _, rows = read(data, name)
    assert reader.summary.complete == (not reader.summary.problems)
    return [problem.code for problem in reader.summary.problems], len(rows), reader


BIG = feed(*[item(str(code)) for code in range(1, 3001)])


def test_a_gzip_cut_short_yields_the_rows_before_the_cut():
    cut = gzip.compress(BIG)[:-5000]
    codes, rows, reader = problems(cut)
    assert codes == ["truncated"]
    assert 0 < rows < 3000
    assert reader.summary.problems[0].byte_offset == len(cut)


def test_a_zip_cut_short_yields_the_rows_before_the_cut():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed.xml", BIG)
    codes, rows, _ = problems(buffer.getvalue()[:-5000])
    assert codes == ["truncated"]
    assert 0 < rows < 3000


def test_xml_that_ends_in_the_middle():
    assert problems(BIG[:-200])[0] == ["truncated"]


@pytest.mark.parametrize(
    ("data", "codes"),
    [
        (b"<!DOCTYPE html><html>login</html>", ["html_page"]),
        (b"%PDF-1.4", ["not_a_feed"]),
        (b"", ["not_a_feed"]),
        (b"<root><a><b>1</b></a></root>", ["unknown_layout"]),
        (b'<!DOCTYPE r [<!ENTITY a "b">]><root>' + feed(item()) + b"</root>", ["dtd"]),
        (feed(item(), count=2), ["count_mismatch"]),
        (feed(item()).replace(b"</Items>", b"</Itemz>"), ["bad_xml"]),
        (b"\x1f\x8b" + b"x" * 50, ["bad_container"]),
    ],
)
def test_each_fault_has_its_code(data, codes):
    assert problems(data)[0] == codes


def test_members_of_a_gzip_are_one_feed():
    codes, rows, _ = problems(gzip.compress(BIG[:1000]) + gzip.compress(BIG[1000:]))
    assert (codes, rows) == ([], 3000)


@pytest.mark.parametrize(
    ("declared", "encoding", "told"),
    [
        ('<?xml version="1.0" encoding="ISO-8859-8"?>', "windows-1255", "windows-1255"),
        ('<?xml version="1.0" encoding="ISO-8859-8"?>', "utf-8", "utf-8"),
        ("", "utf-16-le", "utf-16-le"),
        ("", "utf-16-be", "utf-16-be"),
        ("", "utf-16", "utf-16-le"),
        ("", "utf-8-sig", "utf-8"),
    ],
)
def test_encodings(declared, encoding, told):
    text = declared + feed(item(ManufacturerName="תנובה")).decode()
    reader, _, rows = read(text.encode(encoding))
    assert (reader.summary.encoding, rows[0].manufacturer, reader.summary.problems) == (told, "תנובה", [])
