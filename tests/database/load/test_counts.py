"""Files whose Count differs from their rows: a Count that is always wrong is ignored, a single wrong one
makes the file incomplete."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import pytest

from gogobe.database.connection import Connection
from gogobe.database.load.counts import is_whole
from gogobe.database.load.loader import Loader
from gogobe.database.views import refresh_views
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.reader import FeedReader
from gogobe.records.messages import FileDownloaded, FileTotals, IngestBatch
from tests.database.samples import CHAIN, at, file_batches, item, promotion

DAY = 24


def full(hour: float, *codes: str, off: int | None, **fields: Any) -> list[IngestBatch]:
    """A PriceFull whose Count is `off` by so many; None has no Count."""
    announced = None if off is None else len(codes) + off
    return file_batches([item(code, "5") for code in codes], hour=hour, announced=announced, **fields)


def state(db: Connection, batches: Sequence[IngestBatch]) -> str:
    row = db.execute(
        "SELECT state FROM files WHERE content_sha256 = %s", (batches[0].content_sha256,)
    ).fetchone()
    assert row is not None
    return str(row[0])


def last_state(dsn: str, db: Connection, *files: list[IngestBatch]) -> str:
    with Loader(dsn) as loader:
        for batches in files:
            loader.load(batches)
    return state(db, files[-1])


def active(db: Connection) -> set[str]:
    return {code for (code,) in db.execute("SELECT item_code FROM prices WHERE ended_at IS NULL")}


def test_a_count_that_is_always_wrong_in_the_same_way_stops_no_ending(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        states = []
        for hour in range(5):
            batches = full(hour, "100", f"20{hour}", off=3, size=1)
            loader.load(batches)
            states.append(state(db, batches))
    assert states == ["incomplete", "incomplete", "loaded", "loaded", "loaded"]
    assert active(db) == {"100", "204"}
    assert db.execute("SELECT count(*) FROM listed_codes").fetchone() == (0,)
    problems = db.execute("SELECT DISTINCT problems FROM files").fetchall()
    assert problems == [(["count_mismatch"],)], "what the ledger says of the Count stays"


def test_a_count_that_is_wrong_differently_each_day_ends_up_unbelieved(dsn: str, db: Connection) -> None:
    """A Count that is a constant, or counts something else."""
    codes = [str(code) for code in range(100, 110)]
    files = [full(day * DAY, *codes[: 9 - day], off=100 + day * 7) for day in range(5)]
    with Loader(dsn) as loader:
        for batches in files:
            loader.load(batches)
    assert [state(db, batches) for batches in files] == ["incomplete"] * 3 + ["loaded"] * 2
    assert active(db) == set(codes[:5])


def test_more_rows_than_announced_lack_none(dsn: str, db: Connection) -> None:
    assert last_state(dsn, db, full(0, "100", "200", off=0), full(1, "100", "300", off=-1)) == "loaded"
    assert active(db) == {"100", "300"}


@pytest.mark.parametrize(
    "before",
    [
        [],
        [full(0, "100", "200", off=0)],
        [full(0, "100", "200", off=2)],
        [full(hour, "100", f"{hour}", off=2) for hour in (0, 1)] + [full(2, "100", "200", off=0)],
        [full(hour, "100", f"{hour}", off=hour + 5) for hour in range(9)],
        [full(hour, "100", f"{hour}", off=2, chain_id="7", chain="c") for hour in range(9)],
        [full(hour, "100", f"{hour}", off=2, kind="price") for hour in range(9)],
        [full(hour - 8 * DAY, "100", f"{hour}", off=2) for hour in range(9)],
        [full(hour, "100", f"{hour}", off=None) for hour in range(9)],
        [full(hour, "100", f"{hour}", off=2, complete=False) for hour in range(9)],
    ],
    ids=[
        "nothing",
        "right",
        "once",
        "right last",
        "one day",
        "other chain",
        "other kind",
        "long ago",
        "none",
        "cut",
    ],
)
def test_without_the_evidence_a_file_that_lacks_rows_ends_nothing(
    dsn: str, db: Connection, before: list[list[IngestBatch]]
) -> None:
    kept = full(9.5, "100", "200", "300", off=None)
    missing = full(10, "100", off=2)
    assert last_state(dsn, db, *before, kept, missing) == "incomplete"
    assert active(db) >= {"100", "200", "300"}


def test_a_file_that_was_cut_short_never_ends_prices(dsn: str, db: Connection) -> None:
    """However often the Counts were wrong before."""
    habit = [full(hour, "100", f"{hour}", off=2) for hour in range(5)]
    cut = full(10, "100", off=2)
    assert cut[-1].totals is not None
    cut[-1].totals.problems.append("truncated")
    assert last_state(dsn, db, *habit, cut) == "incomplete"
    assert "4" in active(db)


HEAD = f"<Root><ChainId>{CHAIN}</ChainId><SubChainId>1</SubChainId><StoreId>5</StoreId>"
ITEMS = "".join(
    f"<Item><ItemCode>{code}</ItemCode><ItemPrice>5</ItemPrice></Item>"
    for code in range(7290000000, 7290000010)
)
FEED = f"{HEAD}<Items Count='12'>{ITEMS}</Items></Root>"
NAME = "PriceFull7290027600007-5-202508071200.gz"


def totals_of(data: bytes) -> FileTotals | None:
    file = FileDownloaded("shufersal", "x", "0", 1, "https://p.example/x", NAME, at(6), at(6))
    batches = list(cut_batches(FeedReader(BytesIO(data), NAME), file))
    return batches[-1].totals if batches else None


def broken_checksum(data: bytes) -> bytes:
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


@pytest.mark.parametrize(
    ("data", "whole"),
    [
        (FEED.encode(), True),
        (gzip.compress(FEED.encode()), True),
        (FEED.replace("Count='12'", "Count='10'").encode(), True),
        (FEED.replace("Count='12'", "").encode(), True),
        (FEED.replace("</Root>", "").encode(), False),
        (FEED.replace("</Items></Root>", "").encode(), False),
        (broken_checksum(gzip.compress(FEED.encode())), False),
        (gzip.compress(FEED.encode())[:-6], False),
        (FEED.encode().replace(b"<ItemPrice>5<", b"<ItemName>\xff\xfe</ItemName><ItemPrice>5<", 1), False),
    ],
    ids=["plain", "gzip", "right", "none", "root", "items", "checksum", "trailer", "encoding"],
)
def test_a_file_is_whole_by_what_the_reader_met(data: bytes, whole: bool) -> None:
    totals = totals_of(data)
    assert (totals is not None and is_whole(totals)) == whole


def test_of_files_that_never_complete_only_the_newest_keeps_its_lists(dsn: str, db: Connection) -> None:
    """Whichever comes first; the lists of a file still on its way are left alone."""
    files = [full(hour, "100", f"20{hour}", off=9 + hour, size=1) for hour in (2, 0, 3, 1)]
    on_its_way = full(1.5, "100", "200", off=None, size=1)
    with Loader(dsn) as loader:
        loader.load(on_its_way[:1])
        for batches in files:
            loader.load(batches)
        listed = db.execute("SELECT content_sha256, codes FROM listed_codes ORDER BY published_at, sequence")
        assert listed.fetchall() == [
            (on_its_way[0].content_sha256, ["100"]),
            (files[2][0].content_sha256, ["100"]),
            (files[2][0].content_sha256, ["203"]),
        ]
        loader.load(on_its_way[1:])
        assert active(db) == {"100", "200", "202", "203"}, "ended by it: what only older files list"


def test_old_lists_are_dropped_and_their_file_then_ends_nothing(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(full(0, "100", "200", "300", off=None))
        late = full(1, "100", "200", off=None, size=1)
        loader.load(late[:1])
        db.execute("UPDATE listed_codes SET listed_at = listed_at - interval '8 days'")
        refresh_views(dsn)
        assert db.execute("SELECT count(*) FROM listed_codes").fetchone() == (0,)
        loader.load(late[1:])
        assert active(db) == {"100", "200", "300"}
        row = db.execute("SELECT state, problems FROM files ORDER BY published_at DESC LIMIT 1").fetchone()
        assert row == ("loaded", ["lists_dropped"])
        loader.load(full(2, "100", off=None))
    assert active(db) == {"100"}


def test_lists_that_a_loader_holds_are_left_to_the_next_time(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(full(0, "100", "200", off=None, size=1)[:1])
    db.execute("UPDATE listed_codes SET listed_at = listed_at - interval '8 days'")
    with db.transaction():
        db.execute("SELECT 1 FROM listed_codes FOR KEY SHARE")
        refresh_views(dsn)
        assert db.execute("SELECT count(*) FROM listed_codes").fetchone() == (1,)


def test_the_health_of_a_chain_shows_its_counts(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(full(-9 * DAY, "100", off=77))
        for hour, off in enumerate((0, 4, 4, 5, None)):
            loader.load(full(hour, "100", f"{hour}", off=off))
        loader.load(full(6, "100", "7", off=4, complete=False))
        loader.load(file_batches([promotion("1", "100")], kind="promofull", hour=7, announced=1))
    refresh_views(dsn)
    row = db.execute(
        "SELECT incomplete_share, counts_announced, counts_wrong, count_difference FROM chain_health"
    ).fetchone()
    assert row is not None
    assert (round(float(row[0]), 3), *row[1:]) == (0.571, 5, 3, 4)
