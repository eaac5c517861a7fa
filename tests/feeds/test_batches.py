"""Batches are cut per file, in order, and always the same."""

import io
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

import gogobe.demo
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.reader import FeedReader
from gogobe.records.messages import FileDownloaded, IngestBatch, decoder, encode
from tests.feeds.documents import HEAD, item, leaves, price_feed, read

FEEDS = Path(gogobe.demo.__file__).parent / "feeds"
AT = datetime(2025, 8, 7, tzinfo=UTC)
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
    assert [batch.batch_id for batch in found] == [f"ab12-{number}" for number in range(len(found))]
    assert [batch.sequence for batch in found] == list(range(len(found)))
    assert [batch.last for batch in found] == [False] * (len(found) - 1) + [True]
    assert [batch.totals is not None for batch in found] == [batch.last for batch in found]
    totals = found[-1].totals
    assert totals is not None
    assert (totals.complete, totals.problems) == (True, [])
    assert totals.read == sum(rows) + sum(len(batch.refused) for batch in found)
    assert encode(found[-1]) == encode(batches(path.read_bytes(), path.name)[-1])


def test_a_batch_is_the_same_when_it_has_been_a_message():
    for batch in batches((FEEDS / "PromoFull7290058108879-014-202507091037.gz").read_bytes()):
        assert encode(decoder(IngestBatch).decode(encode(batch))) == encode(batch)


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
    assert batches(price_feed(item("1")).encode(), "feed.xml")[0].published_at == AT


@pytest.mark.parametrize(
    ("time", "published_at", "problems"),
    [
        ("202508080030", "2025-08-08T00:30:00+03:00", []),  # clocks differ, and days begin earlier in the east
        ("202508080300", "2025-08-08T03:00:00+03:00", []),
        ("202508080301", AT.isoformat(), ["future_date"]),
        ("209908070300", AT.isoformat(), ["future_date"]),
    ],
)
def test_a_file_dated_in_the_future_counts_from_its_discovery(
    time: str, published_at: str, problems: list[str]
):
    """Else nothing that comes after it would be newer, and its store would stand still until that day."""
    name = f"PriceFull7290-9-{time}.gz"
    reader = FeedReader(io.BytesIO(price_feed(*[item(str(n)) for n in range(501)], count=501).encode()), name)
    found = list(cut_batches(reader, msgspec.structs.replace(FILE, file_name=name)))
    assert [batch.published_at.isoformat() for batch in found] == [published_at] * 2
    assert found[-1].totals is not None
    assert (found[-1].totals.complete, found[-1].totals.problems) == (True, problems)
    assert [problem.code for problem in reader.summary.problems] == problems


@pytest.mark.parametrize("rows", [0, 1, 499, 500, 501, 1000])
def test_every_batch_but_the_last_is_of_500(rows):
    found = batches(price_feed(*[item(str(code)) for code in range(rows)], count=rows).encode())
    assert [len(batch.items) for batch in found] == (
        [500] * (rows // 500) + ([rows % 500] if rows % 500 or not rows else [])
    )


def test_a_promotion_is_one_row_however_many_items_it_has():
    items = "".join(f"<Item><ItemCode>{code}</ItemCode></Item>" for code in range(1200))
    promotions = "".join(
        f"<Promotion>{leaves(PromotionId=str(number))}<PromotionItems>{items}</PromotionItems></Promotion>"
        for number in range(501)
    )
    found = batches(
        f"<Root>{HEAD}<Promotions>{promotions}</Promotions></Root>".encode(), "PromoFull7290-7-202501020300.gz"
    )
    assert [len(batch.promotions) for batch in found] == [500, 1]
    assert {len(row.items) for batch in found for row in batch.promotions} == {1200}


def test_a_file_that_is_not_understood_gives_no_batch_and_the_summary_says_why():
    assert batches(b"<html>login</html>") == []
    nobodys = price_feed(item("1")).replace(HEAD, "").encode()
    assert batches(nobodys, "feed.xml") == []
    assert read(nobodys, "feed.xml").codes == ["no_chain"]
    assert read(nobodys).codes == []


def test_a_file_cut_short_ends_in_a_batch_that_says_so():
    found = batches(price_feed(*[item(str(code)) for code in range(600)]).encode()[:-100])
    assert [len(batch.items) for batch in found] == [500, 99]
    assert found[-1].totals is not None
    assert (found[-1].totals.complete, found[-1].totals.problems) == (False, ["truncated"])
