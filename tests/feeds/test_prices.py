"""Price feeds in every published layout, field by field."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.feeds.fields import ITEM
from gogobe.feeds.times import moment
from gogobe.feeds.values import number
from tests.feeds.documents import HEAD, item, leaves, price_feed, read

ITEM_1 = leaves(ItemCode="729", ItemPrice="5.90", ItemName="חלב")
ITEM_2 = leaves(ItemCode="730", ItemPrice="6.10", ItemName="לחם")
UPPER = "<CHAINID>7290</CHAINID><SUBCHAINID>001</SUBCHAINID><STOREID>007</STOREID><BIKORETNO>5</BIKORETNO>"
BIG_ID = HEAD.replace("Id>", "ID>")


@pytest.mark.parametrize(
    ("what", "feed", "announced"),
    [
        ("Root, counted", f'<Root>{HEAD}<Items Count="2"><Item>{ITEM_1}</Item><Item>{ITEM_2}</Item></Items></Root>', 2),
        ("root, count", f'<root>{HEAD}<Items count="2"><Item>{ITEM_1}</Item><Item>{ITEM_2}</Item></Items></root>', 2),
        ("Root, not counted", f"<Root>{HEAD}<Items><Item>{ITEM_1}</Item><Item>{ITEM_2}</Item></Items></Root>", None),
        ("Prices", f"<Prices>{BIG_ID}<Products><Product>{ITEM_1}</Product><Product>{ITEM_2}</Product></Products></Prices>", None),
        ("OrderXml", f"<OrderXml><Envelope>{HEAD}<Header><DocNo>9</DocNo></Header><Details><Line>{ITEM_1}</Line><Line>{ITEM_2}</Line></Details></Envelope></OrderXml>", None),
        ("Envelope, ids in the header", f"<Envelope><Header>{HEAD}</Header><Details><Line>{ITEM_1}</Line><Line>{ITEM_2}</Line></Details></Envelope>", None),
        ("NewDataSet", f"<NewDataSet><item>{HEAD}{ITEM_1}</item><item>{HEAD}{ITEM_2}</item></NewDataSet>", None),
        ("NewDataSet with a schema", f'<NewDataSet><xs:schema id="NewDataSet" xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="item"/></xs:schema>{HEAD}<item>{ITEM_1}</item><item>{ITEM_2}</item></NewDataSet>', None),
        ("SAP", f'<asx:abap xmlns:asx="http://www.sap.com/abapxml"><asx:values>{UPPER}<ITEMS><ITEM>{ITEM_1.upper()}</ITEM><ITEM>{ITEM_2.upper()}</ITEM></ITEMS></asx:values></asx:abap>', None),
        ("a prefix without a namespace", f"<Root>{HEAD}<Items><x:Item>{ITEM_1}</x:Item><x:Item>{ITEM_2}</x:Item></Items></Root>", None),
        ("a namespace for all", f'<Root xmlns="urn:prices">{HEAD}<Items><Item>{ITEM_1}</Item><Item>{ITEM_2}</Item></Items></Root>', None),
        ("comments, CDATA, instructions", f"<Root><!-- <Item> -->{HEAD}<Items><?x <Item>?><Item>{ITEM_1.replace('חלב', '<![CDATA[חלב]]>')}</Item><!-- </Items> --><Item>{ITEM_2}</Item></Items></Root>", None),
    ],
)  # fmt: skip
def test_roots_and_rows(what, feed, announced):
    found = read(feed)
    assert [(row.item_code, str(row.price), row.name, row.row) for row in found.rows] == [
        ("729", "5.90", "חלב", 1),
        ("730", "6.10", "לחם", 2),
    ], what
    header = found.header
    assert (header.chain_id, header.sub_chain_id, header.store_id, header.bikoret_no) == (
        "7290",
        "001",
        "007",
        "5",
    )
    assert (header.announced, found.summary.kind, found.codes) == (announced, "pricefull", [])


# The element as published, its text, the field, and what the text reads as.
PUBLISHED = [
    ("ItemCode", " 0729 ", "item_code", "0729"),
    ("ItemPrice", "10.90", "price", Decimal("10.90")),
    ("ItemPrice", " 4 ", "price", Decimal(4)),
    ("ItemName", "  two\n  lines ", "name", "two lines"),
    ("ItemNm", "חלב", "name", "חלב"),
    ("ItemType", "1", "item_type", 1),
    ("ManufacturerName", "תנובה", "manufacturer", "תנובה"),
    ("ManufactureName", "תנובה", "manufacturer", "תנובה"),
    ("Manufacturer", "תנובה", "manufacturer", "תנובה"),
    ("ManufacturerName", "לא ידוע", "manufacturer", None),
    ("ManufacturerName", "לא ידוע  ", "manufacturer", None),
    ("ManufactureCountry", "IL", "country", "IL"),
    ("ManufactureCountry", "00000", "country", None),
    ("ManufacturerItemDescription", "x", "description", "x"),
    ("ManufactureItemDescription", "x", "description", "x"),
    ("UnitQty", "גרם", "unit_qty", "גרם"),
    ("Quantity", "439.00", "quantity", Decimal("439.00")),
    ("UnitOfMeasure", "100 גרם  ", "unit_of_measure", "100 גרם"),
    ("UnitMeasure", "100 גרם", "unit_of_measure", "100 גרם"),
    ("bIsWeighted", "1", "is_weighted", True),
    ("BisWeighted", "0", "is_weighted", False),
    ("blsWeighted", "1", "is_weighted", True),
    ("QtyInPackage", "4.0000", "qty_in_package", Decimal("4.0000")),
    ("UnitOfMeasurePrice", "2.62", "unit_price", Decimal("2.62")),
    ("AllowDiscount", "0", "allow_discount", False),
    ("ItemStatus", "1", "item_status", "1"),
    ("itemStatus", "0", "item_status", "0"),
    ("ItemId", "77", "item_id", "77"),
    ("PriceUpdateDate", "2025-12-18 09:15:00", "price_updated_at", "2025-12-18T09:15+02:00"),
    ("PriceUpdateTime", "2026-06-07T03:40:00.000", "price_updated_at", "2026-06-07T03:40+03:00"),
    ("LastSaleDateTime", "2025-12-18 09:15", "last_sold_at", "2025-12-18T09:15+02:00"),
]


def as_read(value: object) -> object:
    return value.isoformat(timespec="minutes") if isinstance(value, datetime) else value


@pytest.mark.parametrize("case", [str, str.upper, str.lower])
@pytest.mark.parametrize(("element", "text", "field", "value"), PUBLISHED)
def test_elements(element, text, field, value, case):
    fields = {"ItemCode": "1", "ItemPrice": "1", "ItemName": "n"}
    if element == "ItemNm":
        del fields["ItemName"]
    rows = "".join(
        f"<Item>{leaves(**{case(name): raw for name, raw in row.items()})}</Item>"
        for row in ({**fields, element: text}, fields)
    )
    found = read(f"<Root>{HEAD}<Items>{rows}</Items></Root>")
    assert as_read(getattr(found.rows[0], field)) == value
    assert found.codes == []


def test_the_table_of_elements_is_all_tested():
    assert {element.lower() for element, *_ in PUBLISHED} | {"manufacturercountry"} == set(ITEM)


def test_the_layout_of_2026():
    fields = {
        "PriceUpdateTime": "2026-06-07T03:40:00.000", "ItemCode": "0000072900001", "LastSaleDateTime": "2026-06-06T21:10:00.000",
        "ItemType": "1", "ItemName": "חלב 3%", "ManufactureName": "תנובה", "ManufactureCountry": "IL",
        "ManufactureItemDescription": "חלב בקרטון", "UnitQty": "ליטר", "Quantity": "1", "UnitOfMeasure": "ליטר",
        "bIsWeighted": "0", "QtyInPackage": "12", "ItemPrice": "7.1", "UnitOfMeasurePrice": "7.1", "AllowDiscount": "1",
        "ItemStatus": "1",
    }  # fmt: skip
    found = read(
        f"<Root>{BIG_ID}<Items><Item>{leaves(**fields)}</Item></Items></Root>",
        "PriceFull7290-001-007-20260607-034000.gz",
    )
    (row,) = found.rows
    assert {name: as_read(getattr(row, name)) for name in row.__struct_fields__ if getattr(row, name) is not None} == {
        "item_code": "0000072900001", "price": Decimal("7.1"), "row": 1, "name": "חלב 3%", "item_type": 1,
        "manufacturer": "תנובה", "country": "IL", "description": "חלב בקרטון", "unit_qty": "ליטר",
        "quantity": Decimal(1), "unit_of_measure": "ליטר", "is_weighted": False, "qty_in_package": Decimal(12),
        "unit_price": Decimal("7.1"), "allow_discount": True, "item_status": "1",
        "price_updated_at": "2026-06-07T03:40+03:00", "last_sold_at": "2026-06-06T21:10+03:00",
        "master_id": 0, "match": "new", "score": 0.0, "is_service": False,
    }  # fmt: skip
    assert (found.header.chain_id, found.header.store_id, found.summary.announced) == ("7290", "007", None)
    assert (found.summary.kind, found.codes) == ("pricefull", [])


@pytest.mark.parametrize(
    ("published", "read_as"),
    [
        ("2025-12-18 09:15:00", "2025-12-18T09:15:00+02:00"),
        ("2025-12-18 09:15", "2025-12-18T09:15:00+02:00"),
        (" 2025-07-18 09:15 ", "2025-07-18T09:15:00+03:00"),
        ("2024-03-03", "2024-03-03T00:00:00+02:00"),
        ("2016/08/27 11:17", "2016-08-27T11:17:00+03:00"),
        ("2026-06-07T03:40:00.000", "2026-06-07T03:40:00+03:00"),
        ("2026-06-07T03:40:00.1234567", "2026-06-07T03:40:00.123456+03:00"),
        ("2026-06-07T03:40:00Z", "2026-06-07T03:40:00+00:00"),
        ("2026-06-07T03:40:00+02:00", "2026-06-07T03:40:00+02:00"),
        ("25/07/2022 09:55:14", "2022-07-25T09:55:14+03:00"),
        ("25/07/2022", "2022-07-25T00:00:00+03:00"),
        # The hour that clocks go through twice, and the one that is left out: still a time.
        ("2025-10-26 01:30", "2025-10-26T01:30:00+03:00"),
        ("2025-03-28 02:30", "2025-03-28T02:30:00+02:00"),
        ("0001-01-01", None),
        ("1900-01-01 00:00", None),
        ("2025-13-45", None),
        ("", None),
        ("אין", None),
    ],
)  # fmt: skip
def test_times(published, read_as):
    found = moment(published)
    assert (found and found.isoformat()) == read_as


@given(st.datetimes(datetime(1971, 1, 2), datetime(8999, 1, 1)))
def test_a_time_is_read_in_each_form(at):
    israel = at.replace(microsecond=0, tzinfo=ZoneInfo("Asia/Jerusalem"))
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.000", "%Y/%m/%d %H:%M:%S", "%d/%m/%Y %H:%M:%S"):
        assert moment(israel.strftime(form)) == israel


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**11), max_value=10**11, places=3))
def test_numbers_are_exact(value):
    assert str(number(f" {value} ")) == str(value)


@pytest.mark.parametrize(
    "text", ["", " ", "x", "NaN", "Infinity", "1e400", "1_0", "1,50", "١٢", "9" * 40, "1e-30", "--1"]
)
def test_what_is_no_number(text):
    assert number(text) is None


@pytest.mark.parametrize(
    ("row", "reason", "code", "detail"),
    [
        (item("", "1"), "no_code", None, "1"),
        (item("7", ""), "no_price", "7", None),
        (item("7", "  "), "no_price", "7", None),
        (item("7", "0.00"), "zero_price", "7", "0.00"),
        (item("7", "-1"), "zero_price", "7", "-1"),
        (item("7", "x"), "bad_price", "7", "x"),
        (item("7", "NaN"), "bad_price", "7", "NaN"),
        ("<Item/>\n", "no_code", None, None),
        ("<Item></Item>\n", "no_code", None, None),
        ("<Item><ItemCode/><ItemPrice/><ItemName/></Item>\n", "no_code", None, None),
        ("<Item><Other>1</Other></Item>\n", "no_code", None, None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", [1, 700])
def test_a_refused_row_says_why_and_where_and_the_file_goes_on(row, reason, code, detail, place):
    rows = [item(str(number)) for number in range(1000)]
    rows.insert(place, row)
    found = read(price_feed(*rows, count=1001))
    assert len(found.rows) == 1000
    (refused,) = found.refused
    assert (refused.row, refused.line, refused.reason) == (place + 1, place + 1, reason)
    assert (refused.item_code, refused.detail) == (code, detail)
    assert (found.summary.read, found.summary.taken, found.summary.refused) == (1001, 1000, 1)
    assert found.codes == ["unknown_elements"] * ("<Other>" in row)


def test_a_code_that_comes_twice_is_read_twice():
    found = read(price_feed(item("1", "1"), item("2"), item("1", "3")))
    assert [(row.item_code, str(row.price)) for row in found.rows] == [("1", "1"), ("2", "2.50"), ("1", "3")]


def test_a_list_that_begins_with_empty_records_is_read_from_the_first_good_one():
    found = read(price_feed("<Item/>\n", "<Item><ItemCode/></Item>\n", item("3")))
    assert [row.item_code for row in found.rows] == ["3"]
    assert [(row.row, row.reason) for row in found.refused] == [(1, "no_code"), (2, "no_code")]


def test_blocks_are_of_500():
    found = read(price_feed(*[item(str(code), "0" if code % 7 == 0 else "1") for code in range(1500)]))
    assert [len(block.rows) for block in found.blocks] == [500, 500, 285]
    for block in found.blocks[:-1]:
        assert all(refused.row < block.rows[-1].row for refused in block.refused)
    assert [row.row for row in found.refused] == list(range(1, 1501, 7))
