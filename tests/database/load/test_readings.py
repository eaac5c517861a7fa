"""A file read again by a newer reader: the newest reading counts, and the older one leaves no trace."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from gogobe.database.connection import Connection
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


def test_unknown_elements_are_kept_with_the_file(dsn: str, db: Connection) -> None:
    batches = file_batches([item("100", "5")])
    totals = batches[-1].totals
    assert totals is not None
    totals.unknown_elements["Item/Halacha"] = 3
    with Loader(dsn) as loader:
        loader.load(batches)
    assert db.execute("SELECT state, unknown_elements FROM files").fetchone() == ("loaded", {"Item/Halacha": 3})


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
