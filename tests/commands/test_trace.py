"""`gogobe trace`: back from a price, a batch, a file or an address to the raw row."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from gogobe.backfill.load import Backfill, LoadConfig
from gogobe.backfill.read import BatchReader, ReadConfig
from gogobe.chains.load import load_chains
from gogobe.database.announcements import FileToClaim, claim, mark_published
from gogobe.database.connection import Connection, connect
from gogobe.database.dead_letters import record_dead_letters
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.addresses import identity_of
from gogobe.records.messages import FileDiscovered
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.stored import stored_file
from tests.commands.conftest import Gogobe
from tests.database.samples import at
from tests.masters.samples import small_snapshot

FIRST = "PriceFull7290027600007-001-202508060300.gz"
SECOND = "PriceFull7290027600007-001-202508070300.gz"
COUNT = 700


def feed(prices: dict[int, str]) -> bytes:
    rows = "\n".join(
        f"<Item><ItemCode>{code}</ItemCode><ItemName>חלב {code}</ItemName><ItemPrice>{price}</ItemPrice></Item>"
        for code, price in prices.items()
    )
    return gzip.compress(
        f"<Root><ChainId>7290027600007</ChainId><StoreId>001</StoreId><Items>{rows}</Items></Root>".encode()
    )


def url_of(name: str) -> str:
    return f"https://portal.example/{name}"


@pytest.fixture
def loaded(dsn: str, db: Connection, store: ObjectStore, tmp_path: Path) -> None:
    """Two full files of a store, a day apart, matched by a snapshot; the second was announced by an agent."""
    snapshots = SnapshotStore(str(tmp_path / "masters"))
    small_snapshot(tmp_path / "v7", "v7")
    snapshots.publish(tmp_path / "v7")
    listed = FileToClaim(
        identity_of("shufersal", url_of(SECOND), SECOND),
        "shufersal",
        url_of(SECOND),
        SECOND,
        1,
        None,
        None,
        False,
    )
    batch_id = claim(db, "agent-1", {}, [listed]).batch_id
    assert batch_id is not None
    mark_published(db, [batch_id])
    today = {1000 + n: "5.90" for n in range(COUNT)}
    config = ReadConfig(store, snapshots, load_chains())
    with Backfill(BatchReader(config, lambda _: None), LoadConfig(dsn, 20), lambda _: None) as backfill:
        for name, prices in ((FIRST, today), (SECOND, today | {1600: "6.40"})):
            (tmp_path / name).write_bytes(feed(prices))
            path = store.put(f"raw/shufersal/{name}", tmp_path / name)
            file = stored_file(FileDiscovered("shufersal", url_of(name), at(0), name, path), store)
            backfill.add(file, Path(path))


def traced(gogobe: Gogobe, *arguments: str) -> list[dict[str, Any]]:
    result = gogobe("trace", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()]


@pytest.mark.usefixtures("loaded")
def test_a_price_goes_back_to_the_row_that_wrote_it(gogobe: Gogobe, store: ObjectStore):
    (found,) = traced(gogobe, "shufersal/001", "1600")
    price, batch, file = found["price"], found["batch"], found["file"]
    assert (price["price"], price["row"], price["name"]) == (6.4, 601, "חלב 1600")
    assert [(one["old_price"], one["new_price"]) for one in price["changes"]] == [(5.9, 6.4)]
    assert (batch["sequence"], batch["first_row"], batch["last_row"]) == (1, 501, COUNT)
    assert (batch["reader_version"], batch["masters_version"]) == (file["reader_version"], "v7")
    assert (file["file"], file["state"], file["object_path"]) == (
        SECOND,
        "loaded",
        store.path_of(f"raw/shufersal/{SECOND}"),
    )
    (row,) = found["rows"]
    assert row["row"] == 601
    assert (
        row["text"]
        == "<Item><ItemCode>1600</ItemCode><ItemName>חלב 1600</ItemName><ItemPrice>6.40</ItemPrice></Item>"
    )
    (address,) = found["addresses"]
    assert (address["source_url"], address["agent"], address["version"]) == (url_of(SECOND), "agent-1", 1)


@pytest.mark.usefixtures("loaded")
def test_a_price_that_did_not_change_names_the_file_that_confirmed_it(gogobe: Gogobe):
    (found,) = traced(gogobe, "7290027600007/0/1", "1000")
    assert found["file"]["file"] == FIRST
    assert found["confirmed_by"]["file"] == SECOND
    assert found["price"]["last_seen_at"] > found["price"]["published_at"]


@pytest.mark.usefixtures("loaded")
def test_files_are_found_by_hash_name_address_object_and_batch(gogobe: Gogobe):
    (by_name,) = traced(gogobe, SECOND)
    sha, path = by_name["file"]["content_sha256"], by_name["file"]["object_path"]
    assert [row["row"] for row in by_name["rows"]] == [1, 2, 3]
    assert [batch["first_row"] for batch in by_name["batches"]] == [1, 501]
    for text in (sha, sha[:8], url_of(SECOND), f"{url_of(SECOND)}?sv=1&sig=secret", path):
        assert [one["file"] for one in traced(gogobe, text)] == [by_name["file"]], text
    (by_batch,) = traced(gogobe, by_name["batches"][1]["batch_id"], "--rows", "1")
    assert (by_batch["batch"]["sequence"], [row["row"] for row in by_batch["rows"]]) == (1, [501])


@pytest.mark.usefixtures("loaded")
def test_people_see_it_from_the_row_to_the_announcement(gogobe: Gogobe):
    text = gogobe("trace", "shufersal/1", "1600").output
    places = [
        text.index(f"\n{part}\n" if part != "price" else "price\n")
        for part in ("price", "batch", "file", "announcement", "raw rows")
    ]
    assert places == sorted(places)
    for said in ("5.90 ILS → 6.40 ILS", "v7", "agent-1", "<ItemCode>1600</ItemCode>", "by new"):
        assert said in text


@pytest.mark.usefixtures("loaded")
def test_a_lost_object_is_said_and_the_rest_is_shown(gogobe: Gogobe, store: ObjectStore):
    Path(store.path_of(f"raw/shufersal/{SECOND}")).unlink()
    (found,) = traced(gogobe, SECOND)
    assert found["rows"] == []
    assert "is not in the store" in found["rows_error"]


def test_an_address_that_never_came_shows_its_letters(gogobe: Gogobe, dsn: str, store: ObjectStore):
    message = FileDiscovered("shufersal", url_of(FIRST), at(0))
    record_dead_letters(dsn, [DeadLetters("download", store).letter(message, "not_found", "404")])
    (found,) = traced(gogobe, url_of(FIRST))
    assert (found["file"], [letter["reason"] for letter in found["letters"]]) == (None, ["not_found"])


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([], 2, "Missing argument 'WHAT'"),
        (["shufersal", "9"], 2, "a price is named by CHAIN/STORE CODE"),
        (["a/b/c/d", "9"], 2, "a price is named by CHAIN/STORE CODE"),
        (["a.gz"], 1, "nothing is known of 'a.gz'"),
        (["0" * 64 + "-1-0"], 1, "no batch"),
        (["x/1", "9"], 1, "no price of code 9 in store 1 of x"),
    ],
)
def test_what_is_not_known_is_said(gogobe: Gogobe, arguments: list[str], code: int, said: str):
    result = gogobe("trace", *arguments)
    assert result.exit_code == code
    assert said in result.output


def test_rows_of_before_the_lineage_was_kept_are_traced_without_a_batch(gogobe: Gogobe, loaded: None, dsn: str):
    with connect(dsn) as connection:
        connection.execute("UPDATE batches SET first_row = NULL, last_row = NULL, masters_version = NULL")
        connection.execute("UPDATE files SET object_path = NULL")
    (found,) = traced(gogobe, "shufersal/1", "1600")
    assert (found["batch"], found["price"]["row"]) == (None, 601)
