"""The whole path on Flink, Kafka and PostgreSQL, twice: true counts, the newest price of each item, nothing twice."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from gogobe.demo.portal import CUT_SHORT, LOGIN_PAGE, MISSING
from gogobe.demo.report import RunReport
from gogobe.demo.run import load_bundled_feeds
from gogobe.feeds.names import normal_store_id, parse_file_name
from gogobe.feeds.reader import FeedReader
from gogobe.io.kafka import lag, read_to_end
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.messages import (
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
JARS = Path(__file__).parents[2] / "var" / "java"


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def stack(var: Path) -> Iterator[StackAddresses]:
    with running_stack(var, JARS) as addresses:
        yield addresses


@pytest.fixture(scope="module")
def first(stack: StackAddresses, var: Path) -> RunReport:
    return load_bundled_feeds(stack, var, lambda _: None)


def rows(stack: StackAddresses, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(stack.database) as connection:
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


def test_prices_are_the_newest_file_s_row_for_row(first: RunReport, stack: StackAddresses):
    assert first.files
    expected: dict[tuple[str, str], dict[str, Decimal]] = {}
    for name, *_ in sorted(PRICES, key=lambda feed: str(parse_file_name(feed[0]).published_at)):
        with (FEEDS / name).open("rb") as source:
            reader = FeedReader(source, name)
            items = [item for block in reader for item in block.rows]
        store = (reader.header.chain_id or "", normal_store_id(reader.header.store_id or ""))
        if "PriceFull" in name:
            expected[store] = {}
        expected.setdefault(store, {}).update({item.item_code: item.price for item in items})  # type: ignore[union-attr]
    found: dict[tuple[str, str], dict[str, Decimal]] = {}
    query = "SELECT chain_id, store_id, item_code, price FROM prices JOIN stores USING (store_key) WHERE ended_at IS NULL"
    for chain_id, store_id, item_code, price in rows(stack, query):
        found.setdefault((chain_id, store_id), {})[item_code] = price
    found.pop(("7290058108879", "340"))  # the file that was cut short
    assert found == expected


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


def test_offsets_stand_at_what_is_done(first: RunReport, stack: StackAddresses):
    assert first.files
    assert lag(stack.kafka, "gogobe-ingest", DISCOVERED) == 0


STATE = """
    SELECT (SELECT md5(string_agg(p::text, '|' ORDER BY store_key, item_code)) FROM prices p),
           (SELECT count(*) FROM price_changes), (SELECT count(*) FROM batches),
           (SELECT count(*) FROM promotions), (SELECT count(*) FROM masters)
"""


def test_a_second_run_changes_no_row(first: RunReport, stack: StackAddresses, var: Path):
    assert first.newly_loaded > 30_000
    before = rows(stack, STATE)
    second = load_bundled_feeds(stack, var, lambda _: None)
    assert all(file.ended for file in second.files)
    assert second.newly_loaded == 0
    assert rows(stack, STATE) == before
