"""`gogobe replay`: stored files are read again, and the dry run says what that does, and does nothing."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gogobe.backfill.load import Backfill, LoadConfig
from gogobe.backfill.read import BatchReader, ReadConfig
from gogobe.chains.load import load_chains
from gogobe.database.connection import Connection
from gogobe.feeds import batches
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import FileDiscovered
from gogobe.transforms.stored import stored_file
from tests.commands.conftest import Gogobe
from tests.database.samples import at

NAME = "PriceFull7290027600007-001-202508070300.gz"
TABLES = (
    "prices", "price_changes", "promotions", "promotion_items", "master_aliases", "masters", "files", "batches",
    "stores", "store_identities", "dead_letters", "refused_rows", "listed_codes", "chains", "file_addresses",
)  # fmt: skip


def feed(rows: str) -> bytes:
    head = "<ChainId>7290027600007</ChainId><StoreId>1</StoreId>"
    return gzip.compress(f"<Root>{head}<Items>{rows}</Items></Root>".encode())


def item(code: int, name: str, price: str) -> str:
    return f"<Item><ItemCode>{code}</ItemCode><ItemName>{name}</ItemName><ItemPrice>{price}</ItemPrice></Item>"


CONTENT = feed("".join(item(1000 + n, f"milk {n}", "5.90") for n in range(600)))


@pytest.fixture
def loaded(dsn: str, store: ObjectStore, tmp_path: Path) -> None:
    """A file that an older reader has read: it took prices for agorot, and no item of a code above 1598."""
    (tmp_path / NAME).write_bytes(CONTENT)
    path = store.put(f"raw/shufersal/{NAME}", tmp_path / NAME)
    file = stored_file(FileDiscovered("shufersal", f"https://p.example/{NAME}", at(0), NAME, path), store)
    config = ReadConfig(store, SnapshotStore(str(tmp_path / "masters")), load_chains())
    (tmp_path / "old").write_bytes(feed("".join(item(1000 + n, f"m {n}", "0.059") for n in range(599))))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "READER_VERSION", 1)
        with Backfill(BatchReader(config, lambda _: None), LoadConfig(dsn, 20), lambda _: None) as backfill:
            backfill.add(file, tmp_path / "old")


def state(db: Connection) -> dict[str, list[Any]]:
    return {
        table: db.execute(f"SELECT * FROM {table} ORDER BY {table}::text".encode()).fetchall()
        for table in TABLES
    }


@pytest.mark.usefixtures("loaded")
def test_the_dry_run_counts_what_the_replay_does_and_changes_nothing(gogobe: Gogobe, db: Connection):
    before = state(db)
    result = gogobe("replay", "--chain", "shufersal", "--dry-run", "--rows", "3", "--json")
    assert result.exit_code == 0, result.output
    assert state(db) == before
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    counts = {(line["table"], line["kind"]): line["rows"] for line in lines if "rows" in line}
    assert counts["prices", "changed"] == 599
    assert counts["prices", "added"] == 1
    assert counts["master_aliases", "changed"] == 599
    (example, *_) = [line for line in lines if "old" in line]
    assert (example["key"], example["old"], example["new"]) == (
        ["7290027600007", "0", "1", "1000"], {"price": 0.059}, {"price": 5.9},
    )  # fmt: skip
    assert sum("old" in line for line in lines) == 3
    people = gogobe("replay", "--chain", "shufersal", "--dry-run").output
    assert "prices: 599 rows would be changed" in people
    assert "1 file: 1 read" in people
    real = gogobe("replay", "--chain", "shufersal")
    assert (real.exit_code, "1 file: 1 loaded" in real.output) == (0, True), real.output
    prices = db.execute("SELECT count(*), min(price), max(price) FROM prices").fetchone()
    assert prices == (600, Decimal("5.90"), Decimal("5.90"))
    again = gogobe("replay", "--chain", "shufersal", "--dry-run").output
    assert "1 file: 1 unchanged; no row would change" in again


@pytest.mark.usefixtures("loaded")
def test_only_files_of_the_time_are_read(gogobe: Gogobe):
    none = gogobe("replay", "--chain", "shufersal", "--until", "2025-08-01", "--dry-run")
    assert none.exit_code == 2
    assert "no file of chain shufersal was published in this time" in none.output
    some = gogobe(
        "replay", "--chain", "shufersal", "--since", "2025-08-01", "--until", "2025-09-01", "--dry-run"
    )
    assert some.exit_code == 0, some.output


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("flags", [[], ["--dry-run"]])
def test_a_file_that_the_store_lost_is_reported(
    gogobe: Gogobe, store: ObjectStore, db: Connection, flags: list[str]
):
    before = state(db)
    Path(store.path_of(f"raw/shufersal/{NAME}")).unlink()
    result = gogobe("replay", "--chain", "shufersal", *flags)
    assert result.exit_code == 1
    assert f"{NAME}: missing" in result.output
    assert state(db) == before


def test_a_database_out_of_reach_is_a_sentence(gogobe: Gogobe):
    result = gogobe("replay", "--chain", "x", "--database", "postgresql://127.0.0.1:1/none")
    assert result.exit_code == 1
    assert "the database cannot be reached" in result.output
