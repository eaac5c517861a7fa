"""Loading of prices into a real database."""

from __future__ import annotations

import itertools
import random
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.reader import FeedReader
from gogobe.records.messages import FileDownloaded, IngestBatch
from gogobe.records.rows import RefusedRow
from tests.database.samples import CHAIN, at, empty, file_batches, item


def prices(db: Connection) -> dict[str, tuple[Decimal, bool]]:
    """Code → price and whether it has ended, of the one store."""
    return {
        code: (price, ended)
        for code, price, ended in db.execute("SELECT item_code, price, ended_at IS NOT NULL FROM prices")
    }


def history(db: Connection) -> list[tuple[object, ...]]:
    return db.execute(
        "SELECT item_code, changed_at, old_price, new_price FROM price_changes ORDER BY item_code, changed_at"
    ).fetchall()


def listed(db: Connection) -> int:
    row = db.execute("SELECT count(*) FROM listed_codes").fetchone()
    assert row is not None
    return int(row[0])


def test_a_file_is_loaded_and_complete(dsn: str, db: Connection) -> None:
    batches = file_batches([item("100", "5.90"), item("200", "7.00", name="חלב תנובה 3%")], size=1)
    with Loader(dsn) as loader:
        first = loader.load(batches[:1])
        assert (first.batches, first.rows, first.files_completed) == (1, 1, 0)
        assert db.execute("SELECT state FROM files").fetchone() == ("loading",)
        second = loader.load(batches[1:])
    assert (second.batches, second.rows, second.files_completed) == (1, 1, 1)
    assert prices(db) == {"100": (Decimal("5.90"), False), "200": (Decimal("7.00"), False)}
    assert db.execute(
        "SELECT state, read, loaded, unchanged, stale, refused, batches_loaded, batches_expected FROM files"
    ).fetchall() == [("loaded", 2, 2, 0, 0, 0, 2, 2)]
    assert db.execute(
        "SELECT chain_id, item_code, master_id, name FROM master_aliases ORDER BY 2"
    ).fetchall() == [
        (CHAIN, "100", 100, "item 100"),
        (CHAIN, "200", 200, "חלב תנובה 3%"),
    ]
    assert db.execute("SELECT chain_id, sub_chain_id, store_id FROM stores").fetchall() == [(CHAIN, "1", "5")]
    assert history(db) == []
    assert listed(db) == 0


def test_a_batch_counts_once(dsn: str, db: Connection) -> None:
    batches = file_batches([item("100", "5.90")])
    with Loader(dsn) as loader:
        loader.load(batches)
        before = db.execute("SELECT * FROM files").fetchall()
        again = loader.load([*batches, *batches])
    assert (again.batches, again.duplicate_batches, again.rows) == (0, 2, 0)
    after = db.execute("SELECT * FROM files").fetchall()
    assert [row[:12] for row in before] == [row[:12] for row in after]


def test_a_repeated_announcement_moves_the_files_line(dsn: str, db: Connection) -> None:
    batches = file_batches([item("100", "5.90")])
    with Loader(dsn) as loader:
        loader.load(batches)
        (seen_at,) = db.execute("SELECT seen_at FROM files").fetchone() or (None,)
        batches[0].source_url, batches[0].discovered_at = "https://prices.example/again.gz", at(9)
        loader.load(batches)
    row = db.execute("SELECT source_url, discovered_at, seen_at > %s, loaded FROM files", (seen_at,)).fetchone()
    assert row == ("https://prices.example/again.gz", at(9), True, 1)


def test_only_a_changed_price_writes_history(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5"), item("200", "7")], hour=1))
        result = loader.load(file_batches([item("100", "5"), item("200", "8")], hour=2))
        assert (result.rows, result.unchanged) == (1, 1)
        loader.load(file_batches([item("200", "8", allow_discount=True)], kind="price", hour=3))
    assert history(db) == [("200", at(2), Decimal(7), Decimal(8))]


def test_an_older_file_changes_no_current_price(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5")], hour=2))
        full = loader.load(file_batches([item("100", "4"), item("300", "3")], hour=1))
        partial = loader.load(file_batches([item("100", "3")], hour=1.5, kind="price"))
    assert (full.stale, partial.stale) == (2, 1)
    assert prices(db) == {"100": (Decimal(5), False), "300": (Decimal(3), True)}
    assert history(db) == []


def test_files_of_changes_that_overtake_each_other_end_in_the_newest_prices(dsn: str, db: Connection) -> None:
    """There is no full file that would make the older one outdated as a whole."""
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5"), item("2", "5")], kind="price", hour=2))
        result = loader.load(file_batches([item("1", "7"), item("3", "7")], kind="price", hour=1))
    assert (result.rows, result.stale) == (1, 1)
    rows = db.execute("SELECT item_code, price FROM prices ORDER BY item_code").fetchall()
    assert rows == [("1", Decimal(5)), ("2", Decimal(5)), ("3", Decimal(7))]
    assert db.execute("SELECT count(*) FROM price_changes").fetchall() == [(0,)]


def test_an_older_file_is_stale_for_what_a_full_file_on_its_way_confirms(dsn: str, db: Connection) -> None:
    """The full file's first batch confirms a price without writing it; its last batch is still missing."""
    full = file_batches([item("100", "5"), item("200", "7")], hour=3, size=1)
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5"), item("200", "7")], hour=1))
        loader.load(full[:1])
        late = loader.load(file_batches([item("100", "4"), item("200", "6")], hour=2, kind="price"))
        assert (late.stale, late.rows) == (1, 1)
        loader.load(full[1:])
    assert prices(db) == {"100": (Decimal(5), False), "200": (Decimal(7), False)}


def test_two_files_of_one_moment_end_alike_in_any_order(dsn: str, db: Connection) -> None:
    files = [file_batches([item("100", price)], hour=1, kind="price") for price in ("5", "6", "7")]
    seen = set()
    for order in itertools.permutations(files):
        empty(db)
        with Loader(dsn) as loader:
            for batches in order:
                loader.load(batches)
        seen.add((prices(db)["100"], tuple(history(db))))
    assert len(seen) == 1


def groupings(batches: list[IngestBatch]) -> list[list[list[IngestBatch]]]:
    """All in one commit, one by one, and in pairs."""
    pairs = [batches[start : start + 2] for start in range(0, len(batches), 2)]
    return [[batches], [[batch] for batch in batches], pairs]


@pytest.mark.parametrize("kind", ["price", "pricefull"])
@pytest.mark.parametrize(
    "repeated", [["6"], ["6", "5"], ["5", "6"], ["5", "6", "5"], ["6", "7"], ["6", "5", "7"]]
)
def test_a_repeated_code_ends_alike_however_its_batches_are_committed(
    dsn: str, db: Connection, kind: str, repeated: list[str]
) -> None:
    seen = []
    for number in range(3):
        empty(db)
        first = file_batches([item("100", price) for price in ("4", "5")], hour=1, size=1)
        second = file_batches([item("100", price) for price in repeated], hour=2, size=1, kind=kind)  # type: ignore[arg-type]
        with Loader(dsn) as loader:
            for batches in (first, second):
                for commit in groupings(batches)[number]:
                    loader.load(commit)
        seen.append((prices(db), history(db)))
    last = Decimal(repeated[-1])
    assert seen[0] == ({"100": (last, False)}, [("100", at(2), Decimal(5), last)] if last != 5 else [])
    assert seen[1] == seen[0]
    assert seen[2] == seen[0]


def test_several_files_of_a_store_in_one_commit_each_make_history(dsn: str, db: Connection) -> None:
    files = [file_batches([item("100", price)], hour=hour) for hour, price in enumerate(("5", "6", "7"))]
    with Loader(dsn) as loader:
        loader.load([*files[0], *files[1], *files[2]])
    assert history(db) == [("100", at(1), Decimal(5), Decimal(6)), ("100", at(2), Decimal(6), Decimal(7))]
    assert prices(db) == {"100": (Decimal(7), False)}


def test_a_file_that_comes_after_a_newer_one_makes_no_history(dsn: str, db: Connection) -> None:
    """Not in one commit either: whether files share a commit is chance."""
    files = [file_batches([item("100", price)], hour=hour) for hour, price in enumerate(("5", "6", "7"))]
    with Loader(dsn) as loader:
        result = loader.load([*files[0], *files[2], *files[1]])
    assert (result.rows, result.stale) == (2, 1)
    assert history(db) == [("100", at(2), Decimal(5), Decimal(7))]
    assert prices(db) == {"100": (Decimal(7), False)}


def test_a_complete_full_file_ends_what_it_does_not_list(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item(code, "5") for code in ("100", "200", "300")], hour=1))
        batches = file_batches([item("100", "5"), item("200", "6")], hour=2, size=1)
        loader.load(batches[:1])
        assert prices(db)["300"] == (Decimal(5), False)
        assert loader.load(batches[1:]).ended == 1
        assert db.execute("SELECT ended_at FROM prices WHERE item_code = '300'").fetchone() == (at(2),)
        loader.load(file_batches([item("300", "5")], hour=3, kind="price"))
    assert prices(db)["300"] == (Decimal(5), False)
    assert listed(db) == 0


def test_a_full_file_without_a_row_ends_nothing(dsn: str, db: Connection) -> None:
    """A portal's fault: no store has nothing to sell. The next full file is taken as ever."""
    name = "PriceFull7290027600007-5-202508071200.gz"
    head = f"<ChainId>{CHAIN}</ChainId><SubChainId>1</SubChainId><StoreId>5</StoreId>"
    for number, items in enumerate(("<Items Count='0'/>", "<Items></Items>", "")):
        file = FileDownloaded("shufersal", "x", f"{number}", 1, "https://p.example/x", name, at(6), at(6))
        feed = BytesIO(f"<Root>{head}{items}</Root>".encode())
        with Loader(dsn) as loader:
            loader.load(file_batches([item("100", "5")], hour=1))
            empty_file = loader.load(list(cut_batches(FeedReader(feed, name), file)))
        assert (empty_file.ended, empty_file.files_completed) == (0, 1 if items else 0), items
    assert prices(db) == {"100": (Decimal(5), False)}
    assert (
        db.execute("SELECT state, problems FROM files WHERE file = %s", (name,)).fetchall()
        == [("incomplete", ["empty_pricefull"])] * 2
    )
    with Loader(dsn) as loader:
        loader.load(file_batches([item("200", "5")], hour=8))
    assert prices(db) == {"100": (Decimal(5), True), "200": (Decimal(5), False)}


def test_an_incomplete_or_older_full_file_ends_nothing(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5"), item("200", "5")], hour=2))
        cut = loader.load(file_batches([item("100", "5")], hour=3, complete=False))
        older = loader.load(file_batches([item("200", "5")], hour=1))
        assert (cut.ended, older.ended, cut.files_completed) == (0, 0, 1)
        states = db.execute("SELECT state FROM files ORDER BY published_at").fetchall()
        assert states == [("loaded",), ("loaded",), ("incomplete",)]
        assert listed(db) == 1, "the cut file's list still shows which older prices are out of date"
        loader.load(file_batches([item("100", "5"), item("200", "5")], hour=4))
    assert prices(db) == {"100": (Decimal(5), False), "200": (Decimal(5), False)}
    assert listed(db) == 0


def test_a_full_file_that_comes_after_a_newer_one_ends_nothing(dsn: str, db: Connection) -> None:
    """The newer one has confirmed a row without writing it: the row looks older than the file that comes late."""
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5")], hour=1))
        assert loader.load(file_batches([item("1", "5")], hour=3)).unchanged == 1
        late = loader.load(file_batches([item("2", "5")], hour=2))
    assert (late.stale, late.ended) == (1, 0)
    assert db.execute("SELECT item_code FROM prices WHERE ended_at IS NULL").fetchall() == [("1",)]
    assert db.execute("SELECT DISTINCT problems FROM files").fetchall() == [([],)], "no list of it is missed"


def test_a_refused_row_is_kept_and_does_not_end_its_item(dsn: str, db: Connection) -> None:
    refused = RefusedRow(row=2, line=31, reason="zero_price", item_code="200", detail="0.00")
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5"), item("200", "5")], hour=1))
        result = loader.load(file_batches([item("100", "5")], hour=2, refused=[refused]))
    assert (result.refused, result.ended) == (1, 0)
    assert db.execute("SELECT file_row, line, reason, item_code, detail FROM refused_rows").fetchall() == [
        (2, 31, "zero_price", "200", "0.00")
    ]


def test_any_order_of_commits_ends_in_the_newest_files_prices(dsn: str, db: Connection) -> None:
    """Four files of one store, their batches in any order and grouping: the prices are those of the newest full
    file, with what later ones changed."""
    chance = random.Random(7)
    for _ in range(12):
        empty(db)
        files = [
            file_batches([item(str(code), str(hour + 1)) for code in range(100, 108)], hour=hour, size=3)
            for hour in range(2)
        ]
        files.append(file_batches([item(str(code), "2") for code in range(102, 110)], hour=2, size=3))
        files.append(file_batches([item("103", "9"), item("120", "9")], hour=3, kind="price", size=1))
        batches = [batch for file in files for batch in file]
        chance.shuffle(batches)
        with Loader(dsn) as loader:
            while batches:
                count = chance.randint(1, 4)
                loader.load(batches[:count])
                del batches[:count]
        active = {code: price for code, (price, ended) in prices(db).items() if not ended}
        assert active == {
            **{str(code): Decimal(2) for code in range(102, 110)},
            "103": Decimal(9),
            "120": Decimal(9),
        }
        assert listed(db) == 0
        assert db.execute("SELECT DISTINCT state FROM files").fetchall() == [("loaded",)]


def levels(db: Connection, batches: list[IngestBatch]) -> tuple[Any, ...] | None:
    return db.execute(
        "SELECT state, problems, prices_compared, prices_higher, prices_lower FROM files WHERE content_sha256 = %s",
        (batches[0].content_sha256,),
    ).fetchone()


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("kind", "factor", "notice"),
    [("pricefull", "100", True), ("price", "0.01", True), ("pricefull", "3", False), ("price", "1", False)],
)
def test_prices_on_another_scale_are_noticed(
    dsn: str, db: Connection, kind: Any, factor: str, notice: bool, at_once: bool
) -> None:
    """Counted over the file's batches: none of them has enough prices for a decision."""
    codes = [str(code) for code in range(100, 112)]
    first = file_batches([item(code, "5.90") for code in codes])
    again = file_batches(
        [item(code, str(Decimal("5.90") * Decimal(factor))) for code in [*codes, "999"]],
        kind=kind,
        hour=1,
        size=5,
    )
    with Loader(dsn) as loader:
        loader.load(first)
        for batches in [again] if at_once else [[batch] for batch in again]:
            loader.load(batches)
    counts = (12, 12 if factor == "100" else 0, 12 if factor == "0.01" else 0)
    assert levels(db, again) == ("loaded", ["implausible_price_level"] if notice else [], *counts)
    assert levels(db, first) == ("loaded", [], 0, 0, 0)


def test_few_prices_on_another_scale_among_many_are_not(dsn: str, db: Connection) -> None:
    codes = [str(code) for code in range(100, 130)]
    again = file_batches([item(code, "590" if code < "112" else "5.90") for code in codes], hour=1)
    with Loader(dsn) as loader:
        loader.load(file_batches([item(code, "5.90") for code in codes]))
        loader.load(again)
    assert levels(db, again) == ("loaded", [], 30, 12, 0)


def test_a_newer_reading_counts_price_levels_anew(dsn: str, db: Connection) -> None:
    codes = [str(code) for code in range(100, 112)]
    wrong, right = (
        file_batches(
            [item(code, price) for code in codes], hour=1, content_sha256="ab" * 32, reader_version=version
        )
        for version, price in ((1, "590"), (2, "6.90"))
    )
    with Loader(dsn) as loader:
        loader.load(file_batches([item(code, "5.90") for code in codes]))
        loader.load(wrong)
        assert levels(db, wrong) == ("loaded", ["implausible_price_level"], 12, 12, 0)
        loader.load(right)
    assert levels(db, right) == ("loaded", [], 12, 0, 0)


def test_the_ledger_has_rows_read_taken_and_refused(dsn: str, db: Connection) -> None:
    refused = [RefusedRow(3, 9, "no_price", "300")]
    batches = file_batches([item("100", "5"), item("100", "6"), item("200", "5")], refused=refused, size=2)
    with Loader(dsn) as loader:
        for batch in batches:
            loader.load([batch])
        loader.load(file_batches([item("100", "4"), item("200", "5")], hour=-1))
        loader.load(file_batches([item("100", "6"), item("200", "5")], hour=1))
    assert db.execute("SELECT read, taken, refused FROM files ORDER BY published_at").fetchall() == [
        (2, 2, 0),
        (4, 3, 1),
        (2, 2, 0),
    ]
