"""The transforms on DirectRunner: each step's main output and its dead letters."""

import base64
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from gogobe.chains.load import load_chains
from gogobe.demo.published import CUT_SHORT, LOGIN_PAGE, MISSING
from gogobe.feeds.ordering import store_of
from gogobe.io.fetching import FetchSettings
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import FileDiscovered, FileDownloaded, FileTotals, IngestBatch, decoder, encode
from gogobe.records.rows import Item
from gogobe.transforms.coders import PADDED_BYTES
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.decode import DecodeMessages
from gogobe.transforms.download import DownloadFiles
from gogobe.transforms.masters import MastersAddress
from gogobe.transforms.order import InStoreOrder, _Key, _Ungroup
from gogobe.transforms.parse import ParseAndMatch, _ParseAndMatch
from gogobe.transforms.publish import ROWS_LOADED, KeyBatches, keyed_batch
from gogobe.transforms.steps import FAILURES
from tests.conftest import Bucket
from tests.io.samples import config
from tests.portals.bundled import Published, bundled_portal

pytestmark = pytest.mark.slow

NOW = datetime(2025, 8, 8, tzinfo=UTC)
QUICK = FetchSettings(attempts=2, backoff=0.001, allowed=AllowedHosts.parse("127.0.0.1"))
NO_STORE = ObjectStore("/dev/null/no-store")


def discovered(published: Published) -> FileDiscovered:
    return FileDiscovered(published.chain, published.url, NOW)


def test_decode_parts_messages_from_dead_letters():
    good = FileDiscovered("shufersal", "http://p/Price7290-1-202501010000.gz", NOW)
    records = [(b"k", encode(good)), (b"k", b"{"), (None, None)]
    with TestPipeline() as pipeline:
        decoded = pipeline | beam.Create(records) | DecodeMessages(FileDiscovered, NO_STORE)
        assert_that(decoded.messages, equal_to([good]))
        letters = decoded[FAILURES] | beam.Map(lambda letter: (letter.stage, letter.reason, letter.original))
        assert_that(letters, equal_to([("decode", "invalid_message", text) for text in ("{", "")]), "letters")


def test_a_message_that_is_no_text_is_kept_byte_for_byte():
    raw = b'{"chain":"\xff\xfe"}'
    with TestPipeline() as pipeline:
        decoded = pipeline | beam.Create([(b"k", raw), (b"k", b"{")]) | DecodeMessages(FileDiscovered, NO_STORE)
        letters = decoded[FAILURES] | beam.Map(lambda letter: (letter.original, letter.original_base64))
        kept = (raw.decode("utf-8", "replace"), base64.b64encode(raw).decode())
        assert_that(letters, equal_to([kept, ("{", None)]))


def test_few_files_fit_into_a_runner_s_buffers():
    """A checkpoint waits for what is in flight. The filling is no part of a message, nor of its dead letter."""
    message = FileDiscovered("shufersal", "http://p/Price7290-1-202501010000.gz", NOW)
    letters = DeadLetters("order", NO_STORE)
    ((key, travels),) = _Key(store_of, letters).process(message)
    assert len(travels) == PADDED_BYTES
    ungroup = _Ungroup(FileDiscovered, letters)
    ungroup.setup()
    assert list(ungroup.process((key, [travels]))) == [message]
    (broken,) = ungroup.process((key, [b"{".ljust(PADDED_BYTES)]))
    assert isinstance(broken, TaggedOutput)
    assert broken.value.original == "{"


def test_a_store_s_files_keep_their_order():
    names = [f"http://p/Price7290-{store}-20250101{hour:02}00.gz" for hour in range(20) for store in (1, 2, 3)]
    messages = [FileDiscovered("chain", name, NOW) for name in names]
    seen: dict[str, list[str]] = {}

    def in_order(found):
        for message in found:
            seen.setdefault(store_of(message), []).append(message.url)
        assert {key: len(urls) for key, urls in seen.items()} == {f"chain/7290/{n}": 20 for n in (1, 2, 3)}
        assert all(urls == sorted(urls) for urls in seen.values())

    with TestPipeline() as pipeline:
        spread = pipeline | beam.Create(messages, reshuffle=False) | InStoreOrder(FileDiscovered, NO_STORE)
        assert_that(spread.messages, in_order)


@pytest.fixture(params=["folder", "s3", "gs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return ObjectStore(str(tmp_path / "store"))
    bucket: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return ObjectStore(bucket.url, bucket.endpoint)


def test_download_parse_and_match(store: ObjectStore, tmp_path: Path):
    with bundled_portal() as portal, TestPipeline() as pipeline:
        wanted = [one for one in portal.published if "PriceFull7290058140886" in one.url]
        bad = [one for one in portal.published if one.url.endswith((MISSING, LOGIN_PAGE, CUT_SHORT))]
        downloaded = (
            pipeline
            | beam.Create([discovered(one) for one in [*wanted, *bad]])
            | "Download" >> DownloadFiles(config(store, QUICK))
        )
        parsed = downloaded.files | ParseAndMatch(store, SnapshotStore(str(tmp_path / "masters")), 1000)
        letters = (downloaded[FAILURES], parsed[FAILURES]) | beam.Flatten()
        reasons = letters | "Reason" >> beam.Map(lambda letter: (letter.stage, letter.reason))
        assert_that(
            reasons,
            equal_to([("download", "not_found"), ("download", "html_page"), ("parse", "truncated")]),
            "reasons",
        )
        assert_that(parsed.batches, check_batches, "batches")


def check_batches(batches: list[IngestBatch]) -> None:
    files: dict[str, list[IngestBatch]] = {}
    for batch in batches:
        files.setdefault(batch.file, []).append(batch)
    assert {len(found) for name, found in files.items() if "140886" in name} == {9}
    for found in files.values():
        found.sort(key=lambda batch: batch.sequence)
        assert [batch.sequence for batch in found] == list(range(len(found)))
        assert [batch.last for batch in found] == [False] * (len(found) - 1) + [True]
        assert {len(batch.items) for batch in found[:-1]} <= {500}
        assert found[-1].totals is not None
    read = {name: found[-1].totals or FileTotals(0, 0, complete=True) for name, found in files.items()}
    assert read["PriceFull7290058140886-003-202507131800.gz"].read == 4041
    assert read["PriceFull7290058140886-003-202507151200.gz"].read == 4107
    assert not read[CUT_SHORT].complete
    items = [item for batch in batches for item in batch.items]
    assert all(item.master_id for item in items)
    assert {item.match for item in items} == {"gtin", "new"}
    for batch in batches:
        key, message = keyed_batch(batch)
        assert key
        assert decoder(IngestBatch).decode(message) == batch


def test_a_batch_too_large_for_a_message_is_a_dead_letter():
    rows = [Item(item_code=str(row), price=Decimal(row), row=row, name="חלב") for row in range(1, 501)]
    batches = [ingest_batch(rows[:number], sequence) for sequence, number in enumerate((500, 10))]
    with TestPipeline() as pipeline:
        keyed = pipeline | beam.Create(batches) | KeyBatches(NO_STORE, ROWS_LOADED, max_value_bytes=5_000)
        records = keyed.records | beam.MapTuple(
            lambda key, value: (key, decoder(IngestBatch).decode(value).sequence)
        )
        assert_that(records, equal_to([(b"c/7290/1", 1)]))
        letters = keyed[FAILURES] | beam.Map(
            lambda one: (one.reason, one.place, len(decoder(IngestBatch).decode(one.original).items))
        )
        assert_that(letters, equal_to([("message_too_large", "batch 0", 500)]), "letters")


def ingest_batch(items: list[Item], sequence: int) -> IngestBatch:
    return IngestBatch(
        batch_id=f"ab-{sequence}", kind="price", chain="c", chain_id="7290", sub_chain_id="0", store_id="1",
        file="Price7290-1-202501010000.gz", sequence=sequence, last=False, published_at=NOW, content_sha256="ab",
        source_url="http://p/x", discovered_at=NOW, downloaded_at=NOW, items=items,
    )  # fmt: skip


def test_a_missing_object_is_a_dead_letter(tmp_path: Path):
    file = FileDownloaded("c", str(tmp_path / "gone"), "ab", 1, "http://p/x", "x", NOW, NOW)
    with TestPipeline() as pipeline:
        parsed = (
            pipeline
            | beam.Create([file])
            | ParseAndMatch(ObjectStore(str(tmp_path)), SnapshotStore(str(tmp_path / "masters")), 1000)
        )
        reasons = parsed[FAILURES] | beam.Map(lambda letter: (letter.stage, letter.reason))
        assert_that(reasons, equal_to([("parse", "missing_object")]))


def test_a_missing_store_is_an_outage_and_no_fault_of_the_file(tmp_path: Path, bucket: Bucket):
    """A folder or a bucket that is not there: the runner tries again until it is back."""
    for store in (
        ObjectStore(str(tmp_path / "unmounted")),
        ObjectStore(f"{bucket.scheme}://no-such-bucket/prefix", bucket.endpoint),
    ):
        step = _ParseAndMatch(store, masters_every=1000, chains=load_chains())
        step.setup()
        file = FileDownloaded("c", store.path_of("raw/c/ab/ab"), "ab", 1, "http://p/x", "x", NOW, NOW)
        with pytest.raises(FileNotFoundError):
            list(step.process(file, MastersAddress(SnapshotStore(str(tmp_path / "masters")), None)))


def test_the_wire_name_of_a_code():
    assert b'"ean":"1"' in encode(Item(item_code="1", price=1, row=1))  # type: ignore[arg-type]
