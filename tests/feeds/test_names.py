"""File names: every published pattern, both directions."""

import contextlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.feeds.names import FileName, UnknownFileNameError, kind_named, normal_store_id, parse_file_name


@pytest.mark.parametrize(
    ("name", "kind", "chain_id", "sub_chain_id", "store_id", "published_at"),
    [
        ("PriceFull7290027600007-001-202512250300.gz", "pricefull", "7290027600007", None, "001", "2025-12-25T01:00"),
        (
            "PriceFull7290027600007-001-357-20260607-034000.gz",
            "pricefull",
            "7290027600007",
            "001",
            "357",
            "2026-06-07T00:40",
        ),
        ("Price7290-001-202508070559-000.xml", "price", "7290", None, "001", "2025-08-07T02:59"),
        ("PriceFull-7290696200003-097-201608280606-001.xml", "pricefull", "7290696200003", None, "097", "2016-08-28T03:06"),
        ("Stores7290058140886-000-20250724-050500.xml", "stores", "7290058140886", None, "000", "2025-07-24T02:05"),
        ("StoresFull7290058108879-000-202507091024.gz", "stores", "7290058108879", None, "000", "2025-07-09T07:24"),
        ("Stores7290876100000-2025042909000.xml", "stores", "7290876100000", None, None, "2025-04-29T06:00"),
        ("NULLPrice7290058140886-041-202506110912.gz", "price", "7290058140886", None, "041", "2025-06-11T06:12"),
        ("promofull7290058140886-011-202506120011.XML.GZ", "promofull", "7290058140886", None, "011", "2025-06-11T21:11"),
        ("a/b/Promo72906390-1-202506120011", "promo", "72906390", None, "1", "2025-06-11T21:11"),
    ],
)  # fmt: skip
def test_published_names(name, kind, chain_id, sub_chain_id, store_id, published_at):
    parsed = parse_file_name(name)
    assert (parsed.kind, parsed.chain_id, parsed.sub_chain_id, parsed.store_id) == (
        kind,
        chain_id,
        sub_chain_id,
        store_id,
    )
    assert parsed.published_at == datetime.fromisoformat(published_at).replace(tzinfo=UTC)
    assert parsed.format() == name.rsplit("/", 1)[-1]


@pytest.mark.parametrize(
    ("name", "sub_chain_id", "store_id", "published_at"),
    [
        ("PriceFull7290455000004-000-35-20260910060202-060202.gz", "000", "35", "2026-09-10T06:02:02"),
        ("PriceFull7290455000004-35-20260910060202-060202-001.xml.gz", None, "35", "2026-09-10T06:02:02"),
        ("Promo7290455000004-000-35-202609100602-0602.gz", "000", "35", "2026-09-10T06:02:00"),
        ("Price7290661400001-003-097-20260816-060202-060202.gz", "003", "097", "2026-08-16T06:02:02"),
        ("PriceFull7290661400001-003-097-20260816-060202-12.gz", "003", "097", "2026-08-16T06:02:02"),
        # The number of a file of that day orders it among the others.
        ("PriceFull7290661400001-003-097-20260816-000.gz", "003", "097", "2026-08-16T00:00:00"),
        ("PriceFull7290661400001-003-097-20260816-120.gz", "003", "097", "2026-08-16T00:02:00"),
        ("Price7290661400001-097-20260816-7.gz", None, "097", "2026-08-16T00:00:07"),
        ("Price7290661400001-097-20260816-60202.gz", None, "097", "2026-08-16T06:02:02"),
        ("Stores7290661400001-000-20260816.xml", None, "000", "2026-08-16T00:00:00"),
        ("Stores7290876100000-20260816.xml", None, None, "2026-08-16T00:00:00"),
        # Neither a time nor seconds of that day: after all others.
        ("Price7290661400001-003-097-20260816-250500.gz", "003", "097", "2026-08-16T23:59:59"),
        # No hour 25: only the day is known.
        ("Price7290661400001-097-202608162501.gz", None, "097", "2026-08-16T00:41:41"),
    ],
)
def test_the_names_of_2026(name, sub_chain_id, store_id, published_at):
    parsed = parse_file_name(name)
    assert (parsed.sub_chain_id, parsed.store_id) == (sub_chain_id, store_id)
    assert parsed.published_at is not None
    assert parsed.published_at.replace(tzinfo=None).isoformat() == published_at
    assert parsed.format() == name


def test_files_of_one_day_are_in_the_order_of_their_numbers():
    times = [
        parse_file_name(f"Price7290-1-20260816-{number:03}.gz").published_at for number in range(0, 1000, 37)
    ]
    assert times == sorted(times)  # type: ignore[type-var]
    assert len(set(times)) == len(times)


@pytest.mark.parametrize(
    "name", ["", "index.html", "Price.gz", "Price7290-001.gz", "Prices7290-1-202501010101.gz"]
)
def test_other_names_are_refused_by_name(name):
    with pytest.raises(UnknownFileNameError, match=repr(name)):
        parse_file_name(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("PRICEFULL_copy.xml", "pricefull"), ("price/new PromoFull", "promofull"), ("a.promo", "promo"),
        ("StoresFull.xml", "stores"), ("STORE", "stores"), ("prices.gz", "price"), ("feed.xml", None), ("", None),
    ],
)  # fmt: skip
def test_the_kind_is_found_in_any_name(name, kind):
    assert kind_named(name) == kind


def test_a_time_that_is_none():
    assert parse_file_name("Price7290-001-209913399999.gz").published_at is None


digits = st.text("0123456789", min_size=1, max_size=3)


@given(
    word=st.sampled_from(["Price", "PriceFull", "Promo", "PROMOFULL", "Stores", "storesfull"]),
    chain_id=st.text("0123456789", min_size=1, max_size=13),
    store_id=st.none() | digits,
    sub_chain_id=st.none() | digits,
    moment=st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31)),
    layout=st.sampled_from(["%Y%m%d%H%M", "%Y%m%d%H%M%S", "%Y%m%d-%H%M%S"]),
    prefix=st.sampled_from(["", "NULL"]),
    hyphen=st.sampled_from(["", "-"]),
    suffix=st.none() | st.sampled_from(["000", "001"]),
    extension=st.sampled_from(["", ".gz", ".GZ", ".xml", ".xml.gz"]),
)
def test_what_is_formatted_is_parsed_back(
    word, chain_id, store_id, sub_chain_id, moment, layout, prefix, hyphen, suffix, extension
):
    name = FileName(
        word=word,
        chain_id=chain_id,
        store_id=store_id,
        time=moment.strftime(layout),
        sub_chain_id=sub_chain_id if store_id else None,
        prefix=prefix,
        hyphen=hyphen,
        suffix=suffix,
        extension=extension,
    )
    assert parse_file_name(name.format()) == name


@given(st.text(max_size=60))
def test_any_text_is_parsed_or_refused(text):
    with contextlib.suppress(UnknownFileNameError):
        assert parse_file_name(text).format() == text.replace("\\", "/").rsplit("/", 1)[-1]


@pytest.mark.parametrize(
    ("text", "key"), [("001", "1"), ("000", "0"), (" 97 ", "97"), ("", "0"), ("A01", "A01")]
)
def test_store_keys(text, key):
    assert normal_store_id(text) == key
