"""Batches are cut per file, in order, and always the same."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

import gogobe.demo
from gogobe.chains.load import load_chains
from gogobe.feeds.batches import READER_VERSION, cut_batches
from gogobe.feeds.reader import FeedReader
from gogobe.io.kafka.topics import MAX_MESSAGE_BYTES
from gogobe.records.messages import FileDownloaded, IngestBatch, decoder, encode
from tests.feeds.documents import HEAD, item, leaves, price_feed, read

FEEDS = Path(gogobe.demo.__file__).parent / "feeds"
AT = datetime(2025, 8, 8, tzinfo=UTC)
FILE = FileDownloaded(
    chain="test", s3_path="s3://b/k", content_sha256="ab12", size=1, source_url="http://x/y", discovered_at=AT,
    downloaded_at=AT, file_name="PriceFull7290-9-202501020300.gz",
)  # fmt: skip


def batches(data: bytes, name: str = FILE.file_name) -> list[IngestBatch]:
    return list(cut_batches(FeedReader(io.BytesIO(data), name), msgspec.structs.replace(FILE, file_name=name)))


@pytest.mark.parametrize(
    "path", sorted(path for path in FEEDS.iterdir() if path.suffix != ".md"), ids=lambda path: path.name
)
def test_batches_of_real_feeds(path):
    found = batches(path.read_bytes(), path.name)
    rows = [len(batch.items) + len(batch.promotions) + len(batch.stores) for batch in found]
    assert all(count == 500 for count in rows[:-1])
    assert [batch.batch_id for batch in found] == [
        f"ab12-{READER_VERSION}-{number}" for number in range(len(found))
    ]
    assert [batch.sequence for batch in found] == list(range(len(found)))
    assert [batch.last for batch in found] == [False] * (len(found) - 1) + [True]
    assert [batch.totals is not None for batch in found] == [batch.last for batch in found]
    totals = found[-1].totals
    assert totals is not None
    assert (totals.complete, totals.problems) == (True, ["unknown_elements"] * bool(totals.unknown_elements))
    assert set(totals.unknown_elements) <= {
        "Promotion/WeightUnit",
        "Product/LastUpdateDate",
        "Product/LastUpdateTime",
    }
    assert totals.read == sum(rows) + sum(len(batch.refused) for batch in found)
    assert encode(found[-1]) == encode(batches(path.read_bytes(), path.name)[-1])


def test_a_batch_is_the_same_when_it_has_been_a_message():
    for batch in batches((FEEDS / "PromoFull7290058108879-014-202507091037.gz").read_bytes()):
        assert encode(decoder(IngestBatch).decode(encode(batch))) == encode(batch)


def test_a_batch_names_its_address_without_secrets():
    address = "https://user:S3cr3t@portal.example/Price1.gz?sig=S3cr3t&sv=1&id=3"
    file = msgspec.structs.replace(FILE, source_url=address)
    (batch,) = cut_batches(FeedReader(io.BytesIO(price_feed(item("1")).encode()), file.file_name), file)
    assert batch.source_url == "https://portal.example/Price1.gz?id=3"


def test_a_batch_says_whose_it_is():
    (batch,) = batches(price_feed(item("1"), count=1).encode())
    assert (batch.chain, batch.chain_id, batch.sub_chain_id, batch.store_id) == ("test", "7290", "1", "7")
    assert (batch.kind, batch.file, batch.published_at.isoformat()) == (
        "pricefull",
        FILE.file_name,
        "2025-01-02T03:00:00+02:00",
    )


def test_what_the_content_does_not_say_is_taken_from_the_name():
    feed = price_feed(item("1")).replace(HEAD, "").encode()
    (batch,) = batches(feed, "PriceFull7290-003-009-20260607-034000.gz")
    assert (batch.chain_id, batch.sub_chain_id, batch.store_id) == ("7290", "3", "9")
    # Without a name there is no time either: the time of discovery is the best there is.
    (batch,) = batches(price_feed(item("1")).encode(), "feed.xml")
    assert (batch.published_at, batch.published_known) == (AT, False)
    assert batch.totals is not None
    assert (batch.totals.problems, batch.totals.complete) == (["unknown_name"], True)


@pytest.mark.parametrize(
    ("time", "discovered", "published_at", "discovered_at", "problems"),
    [
        ("202508080230", -20, -30, -20, []),
        ("202508080300", -20, 0, -20, []),
        # Clocks differ: no later than the download, and nothing to report.
        ("202508080310", 10, 0, 0, []),
        ("202508080311", -20, -20, -20, ["future_date"]),
        ("209908070300", -20, -20, -20, ["future_date"]),
        ("209908070300", 10, 0, 0, ["future_date"]),
        ("209908070300", 11, 0, 0, ["future_date"]),
        ("202508080230", 11, -30, 0, ["future_date"]),
        ("202508080230", 40_000_000, -30, 0, ["future_date"]),
        # A time that is none: the announcement's counts.
        ("202513080230", 40_000_000, 0, 0, ["unknown_name", "future_date"]),
    ],
)
def test_nothing_is_published_or_discovered_after_its_download(
    time: str, discovered: int, published_at: int, discovered_at: int, problems: list[str]
):
    """Else nothing that comes later would be newer, and all of the store's files would be stale until that day.
    Times in minutes after the download."""
    name = f"PriceFull7290-9-{time}.gz"
    reader = FeedReader(io.BytesIO(price_feed(*[item(str(n)) for n in range(501)], count=501).encode()), name)
    announced = msgspec.structs.replace(FILE, file_name=name, discovered_at=AT + timedelta(minutes=discovered))
    found = list(cut_batches(reader, announced))
    assert {batch.published_known for batch in found} == {
        time in ("202508080230", "202508080300", "202508080310")
    }
    assert [(batch.published_at - AT) / timedelta(minutes=1) for batch in found] == [published_at] * 2
    assert [(batch.discovered_at - AT) / timedelta(minutes=1) for batch in found] == [discovered_at] * 2
    assert found[-1].totals is not None
    assert (found[-1].totals.complete, found[-1].totals.problems) == (True, problems)
    assert [problem.code for problem in reader.summary.problems] == problems


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-10:00"])
def test_an_announcement_at_the_end_of_time_is_bounded(at: str):
    file = msgspec.structs.replace(FILE, file_name="Price7290-9.xml", discovered_at=datetime.fromisoformat(at))
    (batch,) = cut_batches(
        FeedReader(io.BytesIO(price_feed(item("1"), count=1).encode()), file.file_name), file
    )
    assert batch.published_at == batch.discovered_at == AT
    assert batch.totals is not None
    assert batch.totals.problems == ["unknown_name", "future_date"]
    assert decoder(IngestBatch).decode(encode(batch)).published_at == batch.published_at


def test_the_download_decides_which_of_two_hours_a_name_means():
    """On 2025-10-26, 01:30 came at 22:30 UTC and again at 23:30 UTC."""
    name = "Price7290-9-202510260130.gz"
    published = []
    for hour in (22, 23):
        at = datetime(2025, 10, 25, hour, 40, tzinfo=UTC)
        file = msgspec.structs.replace(FILE, file_name=name, downloaded_at=at, discovered_at=at)
        (batch,) = cut_batches(FeedReader(io.BytesIO(price_feed(item("1"), count=1).encode()), name), file)
        published.append(batch.published_at)
    assert published == [datetime(2025, 10, 25, hour, 30, tzinfo=UTC) for hour in (22, 23)]


RAMI_LEVY, SHUFERSAL = "7290058140886", "7290027600007"


def of_chain(chain: str, named: str, content: str, rows: int = 501) -> tuple[list[IngestBatch], FeedReader]:
    """The batches of a file announced by a chain, its name and content with ChainIds."""
    name = f"PriceFull{named}-001-202508070300.gz"
    feed = price_feed(*[item(str(n)) for n in range(rows)], count=rows)
    feed = feed.replace("<ChainId>7290</ChainId>", content and f"<ChainId>{content}</ChainId>")
    reader = FeedReader(io.BytesIO(feed.encode()), name)
    file = msgspec.structs.replace(FILE, chain=chain, file_name=name)
    return list(cut_batches(reader, file, load_chains())), reader


@pytest.mark.parametrize("rows", [0, 1, 501])
@pytest.mark.parametrize(
    ("chain", "named", "content"),
    [
        ("shufersal", SHUFERSAL, RAMI_LEVY),
        ("shufersal", RAMI_LEVY, SHUFERSAL),
        ("shufersal", RAMI_LEVY, RAMI_LEVY),
        ("shufersal", RAMI_LEVY, ""),
        ("new", RAMI_LEVY, RAMI_LEVY),
        ("new", "7290", "7291"),
    ],
)
def test_a_file_that_speaks_for_another_chain_is_refused_as_a_whole(
    chain: str, named: str, content: str, rows: int
):
    found, reader = of_chain(chain, named, content, rows)
    assert found == []
    assert "chain_differs" in [problem.code for problem in reader.summary.problems]
    assert not reader.summary.complete


@pytest.mark.parametrize(
    ("chain", "named", "content", "chain_id"),
    [
        ("shufersal", SHUFERSAL, f" 0{SHUFERSAL} ", SHUFERSAL),
        ("shufersal", SHUFERSAL, "", SHUFERSAL),
        ("city_market_shops", "7290000000003", "0000000000000", "7290000000003"),
        ("meshnat_yosef_2", "7290058289400", "5144744100001", "7290058289400"),
        ("new", "0007290", "7290", "7290"),
    ],
)
def test_a_file_that_speaks_for_its_own_chain_has_one_id(chain: str, named: str, content: str, chain_id: str):
    found, reader = of_chain(chain, named, content)
    assert [batch.chain_id for batch in found] == [chain_id] * 2
    assert reader.summary.problems == []


@pytest.mark.parametrize("rows", [0, 1, 499, 500, 501, 1000])
def test_every_batch_but_the_last_is_of_500(rows):
    found = batches(price_feed(*[item(str(code)) for code in range(rows)], count=rows).encode())
    assert [len(batch.items) for batch in found] == (
        [500] * (rows // 500) + ([rows % 500] if rows % 500 or not rows else [])
    )


def promo_full(promotions: int, items: int) -> bytes:
    listed = "".join(f"<Item><ItemCode>{code}</ItemCode></Item>" for code in range(items))
    rows = "".join(
        f"<Promotion>{leaves(PromotionId=str(number))}<PromotionItems>{listed}</PromotionItems></Promotion>"
        for number in range(promotions)
    )
    return f"<Root>{HEAD}<Promotions>{rows}</Promotions></Root>".encode()


def test_a_promotion_is_one_row_however_many_items_it_has():
    found = batches(promo_full(501, 100), "PromoFull7290-7-202501020300.gz")
    assert [len(batch.promotions) for batch in found] == [500, 1]
    assert {len(row.items) for batch in found for row in batch.promotions} == {100}


@pytest.mark.slow
def test_a_batch_of_large_promotions_fits_into_a_message():
    found = batches(promo_full(501, 1200), "PromoFull7290-7-202501020300.gz")
    assert sum(len(batch.promotions) for batch in found) == 501
    assert {len(row.items) for batch in found for row in batch.promotions} == {1200}
    assert max(len(encode(batch)) for batch in found) < MAX_MESSAGE_BYTES
    assert [batch.sequence for batch in found] == list(range(len(found)))


def test_a_file_that_is_not_understood_gives_no_batch_and_the_summary_says_why():
    assert batches(b"<html>login</html>") == []
    nobodys = price_feed(*[item("1")] * 1001).replace(HEAD, "").encode()
    zeros = price_feed(*[item("1")] * 1001).replace(">7290<", ">0000000<").encode()
    for feed in (nobodys, zeros):
        assert batches(feed, "feed.xml") == []
        assert read(feed, "feed.xml").codes == ["no_chain"]
    assert read(nobodys).codes == []


def test_a_file_cut_short_ends_in_a_batch_that_says_so():
    found = batches(price_feed(*[item(str(code)) for code in range(600)]).encode()[:-100])
    assert [len(batch.items) for batch in found] == [500, 99]
    assert found[-1].totals is not None
    assert (found[-1].totals.complete, found[-1].totals.problems) == (False, ["truncated"])


def test_published_unit_prices_on_another_basis_are_counted():
    """0.50 is the price of 100 g, published as if of one gram or one kilogram; 5.00 is that of the kilogram."""
    terms = {"ItemName": "קמח", "ItemPrice": "5.00", "Quantity": "1000", "UnitQty": "גרם"}
    rows = [
        f"<Item>{leaves(ItemCode=str(code), UnitOfMeasure=measure, UnitOfMeasurePrice=price, **terms)}</Item>"
        for code, (measure, price) in enumerate([("100 גרם", "0.50"), ("100 גרם", "5.00"), ("קג", "5.00")])
    ]
    last = batches(price_feed(*rows).encode())[-1]
    assert [row.price_per_unit for row in last.items] == [5, 5, 5]
    assert last.totals is not None
    assert (last.totals.unit_prices_off_basis, last.totals.problems) == (1, [])
