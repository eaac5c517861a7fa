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

from gogobe.demo.portal import CUT_SHORT, LOGIN_PAGE, MISSING
from gogobe.demo.report import RunReport
from gogobe.demo.run import load_bundled_feeds
from gogobe.feeds.names import parse_file_name
from gogobe.io.kafka.topics import lag, read_to_end
from gogobe.local.postgres import running_postgres
from gogobe.local.stack import Stack, StackAddresses
from gogobe.records.messages import (
    DEADLETTER,
    DISCOVERED,
    DOWNLOADED,
    INGEST,
    DeadLetter,
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
    assert found[MISSING.split("/")[1]] == ("dead letter", ["not_found"])
    assert found[LOGIN_PAGE.split("/")[1]] == ("dead letter", ["html_page"])
    assert found[CUT_SHORT.split("/")[1]] == ("incomplete", ["truncated"])


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
    # Of its 5,004 codes four are short ones, and 44 are the chain's own (7290000000000 to 7290000009999).
    assert by_chain["shufersal"].gtin == 4_956
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
    assert first.newly_loaded > 30_000
    before = rows(stack.database, STATE)
    second = load_bundled_feeds(stack, var, lambda _: None)
    assert all(file.ended for file in second.files)
    assert second.newly_loaded == 0
    assert rows(stack.database, STATE) == before


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
