"""Local times by the moment of the download: repeated and skipped hours, and times that cannot be."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.feeds.clock import ISRAEL, TOLERANCE, Clock
from gogobe.feeds.times import moment, past
from tests.feeds.documents import item, leaves, price_feed, read

ZONES = ["Asia/Jerusalem", "Europe/Zagreb", "America/St_Johns", "Australia/Lord_Howe", "UTC"]


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("local", "downloaded", "meant"),
    [
        # Israel's summer time ended on 2025-10-26 at 02:00, which was 01:00 again.
        ("2025-10-26 01:30", "2025-10-25 22:31", "2025-10-25 22:30"),
        ("2025-10-26 01:30", "2025-10-25 23:29", "2025-10-25 22:30"),
        ("2025-10-26 01:30", "2025-10-25 23:30", "2025-10-25 23:30"),
        ("2025-10-26 01:30", "2025-11-01 00:00", "2025-10-25 23:30"),
        # Both are after the download: wrong anyway, and read as before the change.
        ("2025-10-26 01:30", "2025-10-25 20:00", "2025-10-25 22:30"),
        ("2025-10-26 00:59:59", "2025-11-01 00:00", "2025-10-25 21:59:59"),
        ("2025-10-26 02:00", "2025-11-01 00:00", "2025-10-26 00:00"),
        # It had begun on 2025-03-28 at 02:00, which was 03:00.
        ("2025-03-28 02:30", "2025-03-28 00:10", "2025-03-27 23:30"),
        ("2025-03-28 02:30", "2025-03-28 00:40", "2025-03-28 00:30"),
        ("2025-03-28 01:59", "2025-03-28 00:40", "2025-03-27 23:59"),
        ("2025-03-28 03:00", "2025-03-28 00:40", "2025-03-28 00:00"),
    ],
)
def test_the_latest_reading_that_is_not_after_the_download(local: str, downloaded: str, meant: str):
    clock = Clock(utc(downloaded))
    assert clock.aware(datetime.fromisoformat(local)).astimezone(UTC) == utc(meant)
    assert moment(local, clock) == utc(meant)


def test_without_a_download_the_offset_before_the_change_counts():
    assert moment("2025-10-26 01:30") == utc("2025-10-25 22:30")
    assert moment("2025-03-28 02:30") == utc("2025-03-28 00:30")


@given(
    st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)),
    st.sampled_from(ZONES).map(ZoneInfo),
    st.timedeltas(timedelta(0), timedelta(days=2)),
)
def test_what_happened_before_the_download_is_read_back(at: datetime, zone: ZoneInfo, later: timedelta):
    """A publication's local time, read by a download after it, is the publication's or a later reading."""
    published = at.replace(tzinfo=UTC)
    local = published.astimezone(zone).replace(tzinfo=None, fold=0)
    downloaded = published + later
    found = Clock(downloaded, zone).aware(local)
    assert published <= found.astimezone(UTC) <= downloaded
    assert found.astimezone(zone).replace(tzinfo=None, fold=0) == local
    assert found == found.astimezone(UTC)


@given(st.datetimes(datetime(1990, 1, 1), datetime(2037, 1, 1)), st.sampled_from(ZONES).map(ZoneInfo))
def test_any_local_time_is_a_time_equal_to_itself_in_utc(local: datetime, zone: ZoneInfo):
    for clock in (Clock(None, zone), Clock(datetime(2025, 1, 1, tzinfo=UTC), zone)):
        found = clock.aware(local)
        assert found == found.astimezone(UTC)


def test_what_says_its_offset_is_taken_at_its_word():
    assert moment("2025-10-26T01:30:00+02:00", Clock(utc("2025-10-25 22:31"))) == utc("2025-10-25 23:30")


def test_an_update_is_never_after_the_download():
    clock = Clock(utc("2025-08-07 00:00"))
    assert past("2025-08-07 02:59", clock) == datetime(2025, 8, 7, 2, 59, tzinfo=ISRAEL)
    assert past("2025-08-07 03:00", clock) == utc("2025-08-07 00:00")
    assert past("2025-08-07 03:10", clock) == utc("2025-08-07 00:00")
    assert [clock.met_future_time, past("2025-08-07 03:11", clock), clock.met_future_time] == [
        False,
        None,
        True,
    ]
    assert timedelta(minutes=10) == TOLERANCE
    assert past("2099-01-01 00:00") is not None


def test_a_feeds_updates_of_the_future_are_left_out_and_reported():
    rows = [
        item(str(n), PriceUpdateDate="2025-01-01 10:00", LastSaleDateTime="2025-01-01 10:00") for n in range(50)
    ]
    rows[30] = item("30", PriceUpdateDate="2099-01-01 10:00", LastSaleDateTime="2099-01-01T10:00:00.000")
    found = read(price_feed(*rows, count=50), downloaded_at=utc("2025-01-02 00:00"))
    assert (found.codes, found.summary.complete) == (["future_times"], True)
    assert [row.item_code for row in found.rows if row.price_updated_at is None] == ["30"]
    assert [row.item_code for row in found.rows if row.last_sold_at is None] == ["30"]
    assert read(price_feed(*rows, count=50)).codes == []


def test_a_promotion_may_end_in_the_future_but_not_be_updated_there():
    times = leaves(
        PromotionUpdateDate="2099-01-01 00:00",
        PromotionStartDate="2099-01-02",
        PromotionStartHour="00:00:00",
        PromotionEndDateTime="2099-01-03T00:00:00",
    )
    feed = f"<Root><ChainId>7290</ChainId><Promotions><Promotion><PromotionId>1</PromotionId>{times}<PromotionItems><Item><ItemCode>1</ItemCode></Item></PromotionItems></Promotion></Promotions></Root>"
    found = read(feed, "PromoFull7290-1-202501010000.gz", downloaded_at=utc("2025-01-02 00:00"))
    (promotion,) = found.rows
    assert found.codes == ["future_times"]
    assert (promotion.updated_at, promotion.starts_at.year, promotion.ends_at.year) == (None, 2099, 2099)


def test_a_store_is_not_updated_in_the_future():
    feed = "<Root><ChainId>7290</ChainId><LastUpdateDate>2099-01-01</LastUpdateDate><LastUpdateTime>10:00</LastUpdateTime><SubChains><SubChain><SubChainId>1</SubChainId><Stores><Store><StoreId>1</StoreId><StoreName>n</StoreName></Store></Stores></SubChain></SubChains></Root>"
    found = read(feed, "Stores7290-202501010000.xml", downloaded_at=utc("2025-01-02 00:00"))
    assert (found.codes, [row.updated_at for row in found.rows]) == (["future_times"], [None])
    (row,) = read(feed, "Stores7290-202501010000.xml").rows
    assert row.updated_at == datetime(2099, 1, 1, 10, tzinfo=ISRAEL)
