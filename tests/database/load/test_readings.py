"""Reprocessing: the newest reading of a file counts, and the older one is undone completely."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from gogobe.database.connection import Connection, connect
from gogobe.database.ledger_files import FileFilter, find_files
from gogobe.database.load.loader import Loader
from gogobe.database.queries import files_report
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Item, Promotion
from tests.database.samples import at, empty, file_batches, item, promotion

SHA = "ab" * 32
STATE = (
    "SELECT item_code, price, unit_price, published_at, first_seen_at, ended_at FROM prices ORDER BY item_code",
    "SELECT item_code, changed_at, old_price, new_price FROM price_changes ORDER BY item_code, changed_at",
    "SELECT promotion_id, description, published_at, first_seen_at, ended_at FROM promotions ORDER BY 1",
    "SELECT promotion_id, item_code FROM promotion_items ORDER BY promotion_id, position",
    "SELECT item_code, name FROM master_aliases ORDER BY item_code",
    "SELECT content_sha256, reader_version, state, loaded + unchanged + stale, refused, ended, problems, "
    "batches_loaded, batches_expected, published_at FROM files ORDER BY content_sha256",
    "SELECT content_sha256, file_row, reason FROM refused_rows ORDER BY 1, 2",
    "SELECT count(*) FROM listed_codes",
    "SELECT prices_full_at, promotions_full_at FROM stores",
)


def state(db: Connection) -> list[list[tuple[Any, ...]]]:
    return [db.execute(statement.encode()).fetchall() for statement in STATE]


def reading(version: int, rows: list[Item] | list[Promotion], **fields: Any) -> list[IngestBatch]:
    return file_batches(rows, content_sha256=SHA, reader_version=version, **fields)


def some_items(draw: random.Random) -> list[Item]:
    """What a reader may make of the same bytes: prices, units and names differ, and rows are missing."""
    codes = [str(7290000000011 + n * 11) for n in range(8)]
    return [
        item(
            code,
            f"{draw.randint(1, 4)}.90",
            name=draw.choice(["חלב", "çìá"]),
            unit_price=Decimal(draw.randint(1, 3)),
        )
        for code in codes
        if draw.random() < 0.7
    ]


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("kind", ["price", "pricefull"])
def test_the_newest_reading_of_prices_is_as_if_it_were_the_only_one(
    dsn: str, db: Connection, seed: int, kind: Any
) -> None:
    draw = random.Random(seed)
    before = file_batches(some_items(draw), kind="pricefull", hour=-2)
    first, second = some_items(draw), some_items(draw)
    hours = (draw.choice([0.0, 0.5]), 0.0)  # the older reader may have taken the file for published later
    older = reading(1, first, kind=kind, hour=hours[0], size=3, complete=draw.random() < 0.7)
    newer = reading(2, second, kind=kind, hour=hours[1], size=3)
    with Loader(dsn) as loader:
        loader.load(before)
        loader.load(newer)
        expected = state(db)
        empty(db)
    with Loader(dsn) as loader:
        loader.load(before)
        loader.load(older[: draw.randint(1, len(older))])
        loader.load([*newer, *older] if draw.random() < 0.5 else newer)
        again = loader.load([*older, *newer])
        assert (again.batches, again.rows) == (0, 0)
    assert _without_aged(state(db)) == _without_aged(expected)


def _without_aged(found: list[list[tuple[Any, ...]]]) -> list[list[tuple[Any, ...]]]:
    """Without what cannot be known again of a row that goes back to an earlier file: when that was published."""
    prices = [(code, price, first, ended) for code, price, _, _, first, ended in found[0]]
    return [prices, *found[1:4], *found[5:]]


def test_promotions_that_only_the_older_reading_had_are_taken_back(dsn: str, db: Connection) -> None:
    kept = promotion("1", "100", description="2 ב-22")
    with Loader(dsn) as loader:
        loader.load(file_batches([kept, promotion("4", "400")], kind="promofull", hour=-1))
        older = [promotion("1", "100", description="2 á-22"), promotion("2", "200"), promotion("3", "300")]
        loader.load(reading(1, older, kind="promofull"))
        newer = [promotion("1", "100", "101", description="2 ב-22"), promotion("3", "300", "301")]
        loader.load(reading(2, newer, kind="promofull"))
    assert db.execute(
        "SELECT promotion_id, description, ended_at IS NULL FROM promotions ORDER BY promotion_id"
    ).fetchall() == [("1", "2 ב-22", True), ("3", None, True), ("4", None, False)]
    assert db.execute("SELECT promotion_id, item_code FROM promotion_items ORDER BY 1, position").fetchall() == [
        ("1", "100"), ("1", "101"), ("3", "300"), ("3", "301"), ("4", "400"),
    ]  # fmt: skip


def test_a_newer_readers_words_replace_the_older_ones(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(reading(1, [item("100", "5", name="áîáä àñí 80 âøí, and much longer than the right one")]))
        loader.load(reading(2, [item("100", "5", name="במבה אסם")]))
    assert db.execute("SELECT name FROM master_aliases").fetchall() == [("במבה אסם",)]


def test_what_a_later_file_wrote_is_left_alone(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(reading(1, [item("100", "5"), item("200", "6")]))
        loader.load(file_batches([item("100", "7")], kind="price", hour=1))
        loader.load(reading(2, [item("100", "4"), item("200", "8")]))
    assert db.execute("SELECT item_code, price FROM prices ORDER BY 1").fetchall() == [("100", 7), ("200", 8)]


def test_a_file_whose_time_is_not_known_overwrites_no_known_price(dsn: str, db: Connection) -> None:
    known = file_batches([item("100", "5.90")], kind="pricefull")
    unknown = file_batches(
        [item("100", "4.90"), item("200", "2.50")], kind="pricefull", hour=9, published_known=False
    )
    for order in ([known, unknown], [unknown, known]):
        empty(db)
        with Loader(dsn) as loader:
            for batches in order:
                loader.load(batches)
        assert db.execute("SELECT item_code, price, ended_at FROM prices ORDER BY 1").fetchall() == [
            ("100", Decimal("5.90"), None),
            ("200", Decimal("2.50"), None),
        ]
    later = file_batches([item("200", "2.70")], kind="price", hour=10, published_known=False)
    with Loader(dsn) as loader:
        loader.load(later)  # two that are not known go by their discovery
    assert db.execute("SELECT price FROM prices WHERE item_code = '200'").fetchall() == [(Decimal("2.70"),)]


def test_the_same_bytes_at_two_addresses_are_both_in_the_ledger(dsn: str, db: Connection) -> None:
    first, second = (
        reading(1, [item("100", "5")], source_url=f"https://{host}.example/Price1.gz", discovered_at=when)
        for host, when in (("a", at(0)), ("b", at(1)))
    )
    with Loader(dsn) as loader:
        loader.load(first)
        loader.load(second)
    lines = files_report(db, ["https://a.example/Price1.gz", "https://b.example/Price1.gz"], at(-1))
    assert [(line.source_url[8], line.state, line.read) for line in lines] == [
        ("a", "loaded", 1),
        ("b", "loaded", 1),
    ]
    assert [
        line.source_url[8] for line in files_report(db, [lines[0].source_url, lines[1].source_url], at(0.5))
    ] == ["b"]


def test_what_the_reader_counted_is_kept_with_the_file(dsn: str, db: Connection) -> None:
    batches = file_batches([item("100", "5")])
    totals = batches[-1].totals
    assert totals is not None
    totals.unknown_elements["Item/Halacha"] = 3
    batches[-1].totals = msgspec.structs.replace(totals, unit_prices_off_basis=2)
    with Loader(dsn) as loader:
        loader.load(batches)
    [file] = find_files(db, FileFilter())
    assert (file.state, file.unknown_elements, file.unit_prices_off_basis) == ("loaded", {"Item/Halacha": 3}, 2)


def test_a_reading_of_one_subject_leaves_what_a_file_of_the_other_ended(dsn: str, db: Connection) -> None:
    """A PriceFull and a PromoFull of the same minute: each ends what is its own, and reopens nothing else."""
    with Loader(dsn) as loader:
        loader.load(file_batches([promotion("1", "100"), promotion("2", "100")], kind="promofull", hour=-1))
        loader.load(file_batches([item("100", "5"), item("200", "6")], kind="pricefull", hour=-1))
        loader.load(file_batches([promotion("1", "100")], kind="promofull", content_sha256="cd" * 32))
        loader.load(reading(1, [item("100", "5")], kind="pricefull"))
        loader.load(reading(2, [item("100", "5")], kind="pricefull"))
        assert _open_codes(db) == [("1",), ("100",)]
        # A file that lists only changes ended nothing, so there is nothing to decide anew.
        loader.load(file_batches([item("100", "5.50")], kind="price", content_sha256="ef" * 32))
        loader.load(
            file_batches([item("100", "5.60")], kind="price", content_sha256="ef" * 32, reader_version=2)
        )
    assert _open_codes(db) == [("1",), ("100",)]


def _open_codes(db: Connection) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT promotion_id FROM promotions WHERE ended_at IS NULL "
        "UNION SELECT item_code FROM prices WHERE ended_at IS NULL ORDER BY 1"
    ).fetchall()


def test_while_a_file_is_read_again_the_full_file_before_it_counts(dsn: str, db: Connection) -> None:
    """The newer reading is not complete, so what is older than the full file before it is still out of date."""
    before = file_batches([item("100", "5")], hour=1)
    older, newer = (
        reading(1, [item("100", "5")], hour=2),
        reading(2, [item("100", "6")], hour=2, complete=False),
    )
    late = file_batches([item("200", "7")], kind="price", hour=0.5)
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "4")], hour=0.1))
        loader.load(before)
        loader.load(older)
        loader.load(newer)
        assert db.execute("SELECT prices_full_at FROM stores").fetchone() == (at(1),)
        assert loader.load(late).stale == 1
    assert _open_codes(db) == [("100",)]
    with Loader(dsn) as loader:
        loader.load(file_batches([promotion("1", "100")], kind="promofull", hour=1))
        again: dict[str, Any] = {"kind": "promofull", "hour": 3, "content_sha256": "cd" * 32}
        loader.load(file_batches([promotion("1", "100")], **again))
        loader.load(file_batches([], **again, reader_version=2, complete=False))
    assert db.execute("SELECT promotions_full_at FROM stores").fetchone() == (at(1),)


@pytest.mark.parametrize("kind", ["pricefull", "price"])
@pytest.mark.parametrize("is_complete", [True, False])
def test_what_a_later_full_file_confirmed_is_not_taken_back(
    dsn: str, db: Connection, kind: Any, is_complete: bool
) -> None:
    """A full file does not write what is unchanged: such a row still bears the file that is read again."""
    later = file_batches([item("100", "5"), item("200", "6")], hour=1, size=1)
    offers = file_batches([promotion("1", "100"), promotion("2", "100")], kind="promofull", hour=1, size=1)
    promo_kind: Any = {"pricefull": "promofull", "price": "promo"}[kind]
    with Loader(dsn) as loader:
        loader.load(reading(1, [item("100", "5")], kind=kind))
        loader.load(file_batches([promotion("1", "100")], kind=promo_kind, content_sha256="cd" * 32))
        loader.load((later + offers) if is_complete else [later[0], offers[0]])
        loader.load(reading(2, [item("100", "50")], kind=kind))
        loader.load(
            file_batches([promotion("1", "200")], kind=promo_kind, content_sha256="cd" * 32, reader_version=2)
        )
        loader.load(later + offers)
    assert db.execute("SELECT item_code, price FROM prices WHERE ended_at IS NULL ORDER BY 1").fetchall() == [
        ("100", 5), ("200", 6),
    ]  # fmt: skip
    assert db.execute(
        "SELECT promotion_id, item_code FROM promotions JOIN promotion_items USING (store_key, promotion_id) "
        "WHERE ended_at IS NULL ORDER BY 1"
    ).fetchall() == [("1", "100"), ("2", "100")]


def test_a_reading_that_names_another_store_locks_stores_before_files(dsn: str, db: Connection) -> None:
    """Else two loaders may wait for each other: one holds the store, the other the file."""
    with Loader(dsn) as loader:
        loader.load(reading(1, [item("100", "5")], store_id="5"))
        loader.load(file_batches([item("100", "5")], kind="price", store_id="6", hour=-1))
    (key,) = db.execute("SELECT store_key FROM stores WHERE store_id = '5'").fetchone() or (None,)

    def read_again() -> None:
        with Loader(dsn) as other:
            other.load(reading(2, [item("100", "6")], store_id="6"))

    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with ThreadPoolExecutor(1) as pool, connect(dsn) as watch:
        with db.transaction():
            db.execute("SELECT 1 FROM stores WHERE store_key = %s FOR NO KEY UPDATE", (key,))
            done = pool.submit(read_again)
            while not watch.execute(waiting).fetchone():
                assert not done.done(), "it did not wait"
            db.execute("SET LOCAL lock_timeout = '2s'")
            db.execute("SELECT 1 FROM files WHERE content_sha256 = %s FOR NO KEY UPDATE", (SHA,))
        done.result()
    assert db.execute(
        "SELECT store_id, price FROM prices JOIN stores USING (store_key) WHERE ended_at IS NULL"
    ).fetchall() == [("6", 6)]
    row = db.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row == (0,)


@pytest.mark.parametrize("seed", range(10))
def test_a_file_read_again_among_others_ends_as_if_read_once(dsn: str, db: Connection, seed: int) -> None:
    """Full files and files of changes before and after it, and the older reading anywhere before the newer."""
    draw = random.Random(seed)
    others = [
        file_batches(some_items(draw), kind=draw.choice(["price", "pricefull"]), hour=hour)
        for hour in (-2, -1, 1, 2)
    ]
    kind = draw.choice(["price", "pricefull"])
    older, newer = reading(1, some_items(draw), kind=kind), reading(2, some_items(draw), kind=kind)
    with Loader(dsn) as loader:
        for batches in (*others[:2], newer, *others[2:]):
            loader.load(batches)
        expected = _current(db)
        empty(db)
    with Loader(dsn) as loader:
        for batches in (*others[:2], older, *others[2:], newer):
            loader.load(batches)
    last_full = max((n for n, one in enumerate(others) if one[0].kind == "pricefull"), default=-1)
    if last_full >= 2:
        assert _current(db) == expected, "the later full file says it all"
    later = {one.item_code for batches in others[2:] for batch in batches for one in batch.items}
    assert {code: price for code, price in _current(db).items() if code in later} == {
        code: price for code, price in expected.items() if code in later
    }


def _current(db: Connection) -> dict[str, Decimal]:
    return dict(db.execute("SELECT item_code, price FROM prices WHERE ended_at IS NULL").fetchall())


def test_one_content_at_two_addresses_in_one_commit_and_read_again_at_one(dsn: str, db: Connection) -> None:
    first, second = "https://a.example/Price1.gz", "https://b.example/Price1.gz"
    with Loader(dsn) as loader:
        result = loader.load(
            [
                *reading(1, [item("100", "5")], source_url=first),
                *reading(1, [item("100", "5")], source_url=second),
            ]
        )
        assert (result.batches, result.duplicate_batches, result.rows) == (1, 1, 1)
        loader.load(reading(2, [item("100", "6")], source_url=second))
        loader.load(reading(1, [item("100", "5")], source_url=first))
    assert [(line.source_url, line.state, line.read) for line in files_report(db, [first, second], at(-1))] == [
        (first, "loaded", 1),
        (second, "loaded", 1),
    ]
    assert _current(db) == {"100": 6}
    assert db.execute("SELECT reader_version FROM files").fetchall() == [(2,)]
