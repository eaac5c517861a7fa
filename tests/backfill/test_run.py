"""A backfill into a real database: what is loaded, what is reported, and that a second run changes nothing."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from pathlib import Path

import psycopg
import pytest

from gogobe.backfill.load import LoadConfig
from gogobe.backfill.read import BatchReader, ReadConfig
from gogobe.backfill.run import Choices, FileResult, load_files, print_files
from gogobe.backfill.sources import Source, find_sources
from gogobe.chains.load import load_chains
from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.load.results import LoadResult
from gogobe.demo.published import FEEDS
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import IngestBatch, decoder
from tests.conftest import Bucket

FIRST = "PriceFull7290058140886-003-202507131800.gz"
SECOND = "PriceFull7290058140886-003-202507151200.gz"
SMALL = "Price7290058140886-001-202506110900.gz"
PROMOTIONS = "PromoFull7290058140886-011-202506120011.gz"
STORES = "Stores7290058140886-000-20250724-050500.xml"
SAPIR = "StoresFull7290058156016-000-202508071028.xml"
FILES = (SECOND, FIRST, SMALL, PROMOTIONS, STORES, SAPIR)
STATE = """
    SELECT (SELECT md5(string_agg(p::text, '/' ORDER BY store_key, item_code)) FROM prices p),
           (SELECT md5(string_agg(c::text, '/' ORDER BY store_key, item_code, changed_at)) FROM price_changes c),
           (SELECT string_agg(batch_id, '/' ORDER BY batch_id) FROM batches),
           (SELECT count(*) FROM promotions), (SELECT count(*) FROM masters), (SELECT count(*) FROM stores)
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name in FILES:
        shutil.copy(FEEDS / name, folder / name)
    return folder


@pytest.fixture
def read_config(tmp_path: Path) -> ReadConfig:
    return ReadConfig(
        store=ObjectStore(str(tmp_path / "store")),
        snapshots=SnapshotStore(str(tmp_path / "masters")),
        chains=load_chains(),
    )


class Run:
    """Backfills into one database; `shown` has the files and rows of its progress."""

    def __init__(self, dsn: str, config: ReadConfig) -> None:
        self.shown: list[str | int] = []
        self._database = dsn
        self._config = config

    def __call__(
        self, addresses: Sequence[object], choices: Choices | None = None, commit_batches: int = 4
    ) -> dict[str, FileResult]:
        choices = choices or Choices()
        sources = find_sources([str(one) for one in addresses], choices.endpoint, every_name=True).sources
        reader = BatchReader(self._config, self.shown.append)
        config = LoadConfig(self._database, commit_batches)
        return {one.file: one for one in load_files(sources, reader, config, choices, self._show)}

    def _show(self, source: Source) -> None:
        self.shown.append(source.name)


@pytest.fixture
def run(dsn: str, read_config: ReadConfig) -> Run:
    return Run(dsn, read_config)


def state(db: Connection) -> tuple[object, ...] | None:
    return db.execute(STATE).fetchone()


def test_an_archive_is_loaded_in_the_order_of_publication_and_once(run: Run, archive: Path, db: Connection):
    first = run([archive])
    assert [one for one in run.shown if isinstance(one, str)] == [
        SMALL,
        PROMOTIONS,
        FIRST,
        SECOND,
        STORES,
        SAPIR,
    ]
    assert run.shown[:2] == [SMALL, 303]
    assert {one.state for one in first.values()} == {"loaded"}
    counts = {name: (one.kind, one.chain, one.read, one.refused) for name, one in first.items()}
    assert counts[SECOND] == ("pricefull", "rami_levy", 4107, 9)
    assert counts[STORES] == ("stores", "rami_levy", 67, 0)
    assert first[SECOND].loaded < 500, "most prices are those of the file before, which was loaded first"
    assert db.execute("SELECT count(*) FROM master_chain_prices").fetchone() != (0,), "the views are refreshed"
    before = state(db)
    del run.shown[:]
    second = run([archive])
    assert {one.state for one in second.values()} == {"unchanged"}
    assert [one for one in run.shown if isinstance(one, int)] == [], "nothing is read again"
    assert state(db) == before


def test_what_an_older_reader_loaded_is_read_again(run: Run, archive: Path, db: Connection):
    run([archive / SMALL])
    db.execute("UPDATE files SET reader_version = reader_version - 1")
    db.execute("UPDATE batches SET reader_version = reader_version - 1, batch_id = 'older'")
    del run.shown[:]
    assert run([archive / SMALL])[SMALL].state == "loaded"
    assert run.shown == [SMALL, 303]
    assert db.execute("SELECT count(*) FROM prices").fetchone() == (303,)


def test_files_are_kept_in_the_store_unless_they_stay_in_place(run: Run, archive: Path, tmp_path: Path):
    run([archive / SMALL], Choices(in_place=True))
    assert not (tmp_path / "store").exists()
    run([archive / PROMOTIONS])
    (kept,) = [one for one in (tmp_path / "store").rglob("*") if one.is_file()]
    assert kept.read_bytes() == (archive / PROMOTIONS).read_bytes()


def test_what_is_wrong_with_a_file_is_its_own(run: Run, archive: Path, db: Connection):
    whole = gzip.decompress((archive / FIRST).read_bytes())
    (archive / "PriceFull7290058140886-004-202507131800.gz").write_bytes(gzip.compress(whole)[:40_000])
    (archive / "PriceFull7290058140886-005-202507131800.gz").write_bytes(b"<html><body>log in</body></html>")
    (archive / "PriceFull9999999999999-001-202507131800.gz").write_bytes(whole)
    (archive / "Price7290027600007-001-202507131800.xml").write_bytes(whole)
    shutil.copy(archive / SMALL, archive / "again.gz")
    found = run([archive])
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(FILES, "loaded") | {
        "again.gz": "loaded",
        SMALL: "duplicate",
        "PriceFull7290058140886-004-202507131800.gz": "incomplete",
        "PriceFull7290058140886-005-202507131800.gz": "refused",
        "PriceFull9999999999999-001-202507131800.gz": "unreadable",
        "Price7290027600007-001-202507131800.xml": "refused",
    }
    reasons = {
        name: [problem.reason for problem in one.problems] for name, one in found.items() if one.problems
    }
    assert reasons == {
        "PriceFull7290058140886-004-202507131800.gz": ["truncated"],
        "PriceFull7290058140886-005-202507131800.gz": ["html_page"],
        "PriceFull9999999999999-001-202507131800.gz": ["unreadable"],
        "Price7290027600007-001-202507131800.xml": ["chain_differs"],
    }
    letters = db.execute("SELECT reason, file FROM dead_letters ORDER BY reason").fetchall()
    assert [reason for reason, _ in letters] == ["chain_differs", "html_page", "truncated"]


def test_an_unforeseen_error_is_the_file_s_dead_letter_and_the_next_goes_on(
    run: Run, archive: Path, monkeypatch: pytest.MonkeyPatch
):
    def broken(self: object, *_: object) -> object:
        raise RecursionError("unexpected")

    monkeypatch.setattr("gogobe.feeds.batches._Cutter._final_totals", broken)
    found = run([archive / SMALL, archive / STORES])
    assert {(one.state, one.problems[0].reason) for one in found.values()} == {("refused", "internal_error")}


def test_an_archive_in_a_bucket(run: Run, archive: Path, bucket: Bucket, db: Connection):
    source = ObjectStore(f"{bucket.url}/archive", bucket.endpoint)
    for name in (SMALL, STORES):
        source.put(name, archive / name)
    found = run([source.url], Choices(endpoint=bucket.endpoint))
    assert {one.state for one in found.values()} == {"loaded"}
    before = state(db)
    on_disk = run([archive / SMALL, archive / STORES])
    assert {one.state for one in on_disk.values()} == {"unchanged"}, "the same bytes from elsewhere"
    assert state(db) == before


def test_a_database_out_of_reach_ends_the_run_and_the_next_does_the_rest(
    run: Run, archive: Path, db: Connection, monkeypatch: pytest.MonkeyPatch
):
    calls = iter([None, psycopg.OperationalError("gone")])

    def commit(self: Loader, batches: Sequence[IngestBatch]) -> LoadResult:
        if (error := next(calls, None)) is not None:
            raise error
        return original(self, batches)

    original = Loader.load
    monkeypatch.setattr(Loader, "load", commit)
    with pytest.raises(psycopg.OperationalError):
        run([archive / FIRST, archive / SECOND])
    assert db.execute("SELECT count(*) FROM batches").fetchone() == (4,)
    monkeypatch.setattr(Loader, "load", original)
    found = run([archive / FIRST, archive / SECOND], commit_batches=20)
    assert {one.state for one in found.values()} == {"loaded"}
    assert (found[FIRST].read, found[SECOND].read) == (4041, 4107)


def test_batches_are_printed_as_their_topic_has_them_and_nothing_is_loaded(
    read_config: ReadConfig, archive: Path, tmp_path: Path
):
    (archive / "PriceFull7290058140886-005-202507131800.gz").write_bytes(b"<html></html>")
    sources = find_sources([str(archive)]).sources
    lines: list[bytes] = []
    reader = BatchReader(read_config, lambda _rows: None)
    found = {
        one.file: one
        for one in print_files(sources, reader, lines.append, Choices(in_place=True), lambda _: None)
    }
    batches = [decoder(IngestBatch).decode(line) for line in lines]
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)
    assert {batch.file for batch in batches} == set(FILES)
    assert [len(batch.items) for batch in batches if batch.file == FIRST] == [500] * 8 + [32]
    assert all(item.master_id for batch in batches for item in batch.items)
    assert {name: one.state for name, one in found.items()} == dict.fromkeys(FILES, "read") | {
        "PriceFull7290058140886-005-202507131800.gz": "refused"
    }
    assert (found[FIRST].chain, found[FIRST].read) == ("rami_levy", 4041)
    assert not (tmp_path / "store").exists()
