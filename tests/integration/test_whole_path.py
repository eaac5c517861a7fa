"""The whole path on Flink, Kafka and PostgreSQL, twice: true counts, the newest price of each item, nothing twice."""

import gzip
import io
import subprocess
import sys
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from lxml import etree

from gogobe.demo.published import CUT_SHORT, LOGIN_PAGE, MISSING, shelves
from gogobe.demo.report import RunReport
from gogobe.demo.run import load_bundled_feeds
from gogobe.feeds.names import parse_file_name
from gogobe.io.kafka.topics import lag, publish, read_to_end
from gogobe.local.postgres import running_postgres
from gogobe.local.stack import Stack, StackAddresses
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import (
    DEADLETTER,
    DISCOVERED,
    DOWNLOADED,
    INGEST,
    DeadLetter,
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
    decoder,
)
from tests.feeds.test_reader import FEEDS, PRICES, PROMOTIONS, STORES

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def first(stack: StackAddresses, var: Path) -> RunReport:
    return load_bundled_feeds(stack, var, lambda _: None)


def rows(database: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


def test_crawlers_of_four_engines_announce_every_file_once(first: RunReport, stack: StackAddresses):
    published = {key: sorted(shelf.files) for key, shelf in shelves().items()}
    assert {one.chain: (one.listed, one.announced) for one in first.portals} == {
        key: (len(names), len(names)) for key, names in published.items()
    }
    assert len({one.engine for one in first.portals}) == 4
    found: dict[str, list[str]] = {}
    for _, value in read_to_end(stack.kafka, DISCOVERED):
        message = decoder(FileDiscovered).decode(value)
        found.setdefault(message.chain, []).append(message.file_name or file_name_of(message.url))
    assert {key: sorted(names) for key, names in found.items()} == published


def test_every_file_ends_with_its_true_count(first: RunReport):
    found = {file.file: file for file in first.files}
    for name, _, items, *_ in PRICES:
        assert (found[name].state, found[name].read) == ("loaded", items)
        assert found[name].loaded + found[name].unchanged + found[name].stale + found[name].refused == items
    for name, promotions, *_ in PROMOTIONS:
        assert (found[name].state, found[name].read, found[name].loaded) == ("loaded", promotions, promotions)
    for name, _, stores in STORES:
        assert (found[name].state, found[name].read) == ("loaded", stores)


def test_bad_files_end_with_their_reason(first: RunReport):
    found = {file.file: (file.state, file.reasons) for file in first.files}
    assert found[MISSING] == ("dead letter", ["not_found"])
    assert found[LOGIN_PAGE] == ("dead letter", ["html_page"])
    assert found[CUT_SHORT] == ("incomplete", ["truncated"])


def separately_read(name: str) -> tuple[str, str, dict[str, Decimal]]:
    """Chain, store and the last price above zero of each code of a price file, by a reading of the whole document
    that shares nothing with the reader."""
    data = (FEEDS / name).read_bytes()
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            text = archive.read(archive.namelist()[0])
    else:
        text = gzip.decompress(data)
    tree = etree.fromstring(text)
    lower = {element: etree.QName(element).localname.lower() for element in tree.iter("*")}

    def first(parent: etree._Element, wanted: str) -> str:
        return next((one.text or "" for one in parent.iter("*") if lower[one] == wanted), "").strip()

    prices = {}
    for row in (element for element, tag in lower.items() if tag in ("item", "product")):
        code, price = first(row, "itemcode"), Decimal(first(row, "itemprice"))
        if price > 0:
            prices[code] = price
    return first(tree, "chainid"), first(tree, "storeid"), prices


def test_prices_are_the_newest_file_s_row_for_row(first: RunReport, stack: StackAddresses):
    assert first.files
    expected: dict[tuple[str, str], dict[str, Decimal]] = {}
    for name, *_ in sorted(PRICES, key=lambda feed: str(parse_file_name(feed[0]).published_at)):
        chain_id, store_id, prices = separately_read(name)
        if "PriceFull" in name:
            expected[chain_id, store_id.lstrip("0")] = {}
        expected.setdefault((chain_id, store_id.lstrip("0")), {}).update(prices)
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    query = "SELECT chain_id, store_id, item_code, price FROM prices JOIN stores USING (store_key) WHERE ended_at IS NULL"
    for chain_id, store_id, item_code, price in rows(stack.database, query):
        found.setdefault((chain_id, store_id), {})[item_code] = price
    found.pop(("7290058108879", "340"))  # the file that was cut short
    assert found == {store: prices for store, prices in expected.items() if prices}


def test_the_topics_hold_valid_messages(first: RunReport, stack: StackAddresses):
    assert first.files
    batches: dict[str, dict[int, IngestBatch]] = {}
    for key, value in read_to_end(stack.kafka, INGEST):
        assert key
        batch = decoder(IngestBatch).decode(value)
        batches.setdefault(batch.file, {})[batch.sequence] = batch
    for file in batches.values():
        assert sorted(file) == list(range(len(file)))
        counts = [len(file[n].items) + len(file[n].promotions) + len(file[n].stores) for n in sorted(file)]
        assert set(counts[:-1]) <= {500}
        assert [file[n].last for n in sorted(file)] == [False] * (len(file) - 1) + [True]
    assert (
        len({decoder(FileDownloaded).decode(v).source_url for _, v in read_to_end(stack.kafka, DOWNLOADED)})
        == 23
    )
    letters = [decoder(DeadLetter).decode(value) for _, value in read_to_end(stack.kafka, DEADLETTER)]
    assert {(letter.stage, letter.reason) for letter in letters} == {
        ("download", "not_found"),
        ("download", "html_page"),
        ("parse", "truncated"),
    }


def test_items_without_a_barcode_find_their_product_by_name(first: RunReport, stack: StackAddresses):
    by_chain = {one.chain: one for one in first.matches}
    # Of its 5,004 codes four are short ones, 44 are the chain's own (7290000000000 to 7290000009999), and one is a
    # number of goods by weight that another chain has for a dearer packing.
    assert by_chain["shufersal"].gtin == 4_955
    assert by_chain["king_store"].vector > 0, "a chain that the snapshot has never seen"
    joined = [one for one in first.joined_by_name if one.match == "vector"]
    assert joined
    assert all(one.reasons and one.score > 0.5 for one in joined)
    items = [
        item
        for _, value in read_to_end(stack.kafka, INGEST)
        for item in decoder(IngestBatch).decode(value).items
    ]
    assert all(item.master_id for item in items)
    found = {(item.item_code, item.master_id) for item in items if item.match == "vector"}
    assert {(one.item_code, one.master_id) for one in joined} <= found


def test_offsets_stand_at_what_is_done(first: RunReport, stack: StackAddresses):
    assert first.files
    assert lag(stack.kafka, "gogobe-ingest", DISCOVERED) == 0


STATE = """
    SELECT (SELECT md5(string_agg(concat_ws('|', chain_id, sub_chain_id, store_id, item_code, price, unit_price,
                                            published_at, source_row, ended_at, first_seen_at),
                                  '/' ORDER BY chain_id, sub_chain_id, store_id, item_code))
            FROM prices JOIN stores USING (store_key)),
           (SELECT md5(string_agg(concat_ws('|', chain_id, store_id, item_code, changed_at, old_price, new_price),
                                  '/' ORDER BY chain_id, store_id, item_code, changed_at))
            FROM price_changes JOIN stores USING (store_key)),
           (SELECT count(*) FROM batches), (SELECT count(*) FROM promotions), (SELECT count(*) FROM masters),
           (SELECT count(*) FROM stores)
"""


def test_a_second_run_changes_no_row(first: RunReport, stack: StackAddresses, var: Path):
    """Its crawlers announce nothing; the announcements of the first run come a second time, as after a replay."""
    assert first.newly_loaded > 30_000
    before = rows(stack.database, STATE)
    announced = read_to_end(stack.kafka, DISCOVERED)
    publish(stack.kafka, DISCOVERED, announced)
    second = load_bundled_feeds(stack, var, lambda _: None)
    assert [(one.listed, one.announced) for one in second.portals] == [(one.listed, 0) for one in first.portals]
    assert len(read_to_end(stack.kafka, DISCOVERED)) == 2 * len(announced)
    assert [(file.file, file.state) for file in second.files] == [
        (file.file, file.state) for file in first.files
    ]
    assert second.newly_loaded == 0
    assert second.items_per_second is None
    assert rows(stack.database, STATE) == before
    ((seen_again,),) = rows(
        stack.database, f"SELECT count(*) FROM file_addresses WHERE seen_at > '{second.started_at}'"
    )
    assert seen_again == len(announced) - len([MISSING, LOGIN_PAGE])


def demo(var: Path) -> subprocess.Popen[bytes]:
    command = [str(Path(sys.executable).with_name("gogobe")), "demo", "--var", str(var)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def loaded_batches(var: Path) -> int:
    """How many batches a run has loaded so far; 0 before its database answers."""
    addresses = Stack(var).addresses()
    try:
        return 0 if addresses is None else rows(addresses.database, "SELECT count(*) FROM batches")[0][0]
    except psycopg.Error:
        return 0


def test_a_run_that_is_killed_and_started_again_ends_the_same(
    first: RunReport, stack: StackAddresses, jars: Path, tmp_path: Path
):
    assert first.files
    (tmp_path / "java").symlink_to(jars)
    with demo(tmp_path) as killed:
        while not loaded_batches(tmp_path):
            assert killed.poll() is None
            time.sleep(0.05)
        killed.kill()
    with demo(tmp_path) as again:
        assert again.wait(300) == 0
    assert Stack(tmp_path).status() == []
    with running_postgres(tmp_path / "data" / "postgres", tmp_path / "postgres.log") as server:
        assert rows(server.dsn, STATE) == rows(stack.database, STATE)
