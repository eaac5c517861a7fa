"""Loading of aliases and masters."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import Any

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.review.merges import merge_masters
from gogobe.database.views import refresh_views
from gogobe.records.rows import Item
from tests.database.samples import CHAIN, at, empty, file_batches, item


def test_the_wording_that_wins_does_not_depend_on_the_order(dsn: str, db: Connection) -> None:
    files = [("5", 0.0, "milk"), ("6", 1.0, "milk 3% fresh"), ("7", 0.5, "milk 1% fresh")]
    seen = set()
    for order in itertools.permutations(files):
        empty(db)
        for store_id, hour, name in order:
            with Loader(dsn) as loader:
                loader.load(file_batches([item("100", "5", name=name)], store_id=store_id, hour=hour))
        seen.add(
            db.execute(
                "SELECT a.name, m.name FROM master_aliases a JOIN masters m USING (master_id)"
            ).fetchone()
        )
    assert len(seen) == 1
    assert next(iter(seen)) in {("milk 3% fresh",) * 2, ("milk 1% fresh",) * 2}


def test_masters_without_an_alias_go_so_the_order_of_files_leaves_no_trace(dsn: str, db: Connection) -> None:
    files = [("5", 0, 31), ("6", 1, 32), ("7", 24, 33)]
    for order in itertools.permutations(files):
        empty(db)
        with Loader(dsn) as loader:
            for store_id, hour, master_id in order:
                rows = [item("לחם", "5", master_id=master_id), item("100", "5")]
                loader.load(file_batches(rows, store_id=store_id, hour=hour))
        db.execute("INSERT INTO masters (master_id) VALUES (40), (41)")
        merge_masters(dsn, 40, 41, reason="one product", by="test")
        assert refresh_views(dsn)
        assert db.execute("SELECT master_id FROM masters ORDER BY 1").fetchall() == [
            (33,),
            (40,),
            (41,),
            (100,),
        ]


def test_a_newer_day_has_the_last_word(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5", name="a long old name", quantity=Decimal(1))]))
        loader.load(file_batches([item("100", "5", name="new")], hour=24))
        loader.load(file_batches([item("100", "5", name="late and long, but old")], hour=1, store_id="9"))
    assert db.execute("SELECT name, described_on FROM master_aliases").fetchall() == [("new", at(24).date())]
    assert db.execute("SELECT name, quantity FROM masters").fetchall() == [("new", None)]


def test_a_master_bears_the_most_frequent_then_longest_name(dsn: str, db: Connection) -> None:
    names = ["חלב", "חלב 3% תנובה", "חלב 3%", "חלב 3%"]
    with Loader(dsn) as loader:
        for number, name in enumerate(names):
            rows = [item("7290000042435", "5", name=name, manufacturer="תנובה")]
            loader.load(file_batches(rows, chain=f"chain{number}", chain_id=str(number)))
            if number == 1:
                assert db.execute("SELECT name FROM masters").fetchone() == ("חלב 3% תנובה",)
    assert db.execute("SELECT name, brand FROM masters").fetchall() == [("חלב 3%", "תנובה")]


def test_a_master_is_the_same_whatever_the_order_of_chains_and_the_commits(dsn: str, db: Connection) -> None:
    words: list[dict[str, Any]] = [
        {"name": "חלב", "manufacturer": "א", "quantity": Decimal(1)},
        {"name": "חלב 3% טרי", "manufacturer": None, "unit_of_measure": "ליטר"},
        {"name": "חלב 3%", "manufacturer": "ב"},
        {"name": "חלב", "manufacturer": None},
    ]
    batches = [
        file_batches([item("7290000042435", "5", **one)], chain=f"chain{number}", chain_id=str(number))
        for number, one in enumerate(words)
    ]
    seen = set()
    for order in itertools.permutations(batches):
        for together in (True, False):
            empty(db)
            with Loader(dsn) as loader:
                for commit in [list(itertools.chain(*order))] if together else order:
                    loader.load(commit)
            seen.add(db.execute("SELECT name, brand, quantity, unit_of_measure FROM masters").fetchone())
    assert seen == {("חלב", "א", Decimal(1), "ליטר")}


def test_a_better_match_moves_the_alias(dsn: str, db: Connection) -> None:
    def found(master_id: int, match: str, hour: float) -> Item:
        del hour
        return item("55", "5", master_id=master_id, match=match, score=0.9)

    with Loader(dsn) as loader:
        loader.load(file_batches([found(10**14 + 1, "new", 0)]))
        loader.load(file_batches([found(7290000042435, "vector", 1)], hour=1))
        loader.load(file_batches([found(10**14 + 1, "new", 2)], hour=2))
        assert db.execute("SELECT master_id, match FROM master_aliases").fetchall() == [
            (7290000042435, "vector")
        ]
        loader.load(file_batches([found(10**14 + 1, "new", 24)], hour=24))
    assert db.execute("SELECT master_id, match FROM master_aliases").fetchall() == [(10**14 + 1, "new")]


def test_other_stores_of_a_chain_write_no_alias_again(dsn: str, db: Connection) -> None:
    with Loader(dsn) as one, Loader(dsn) as other:
        one.load(file_batches([item("100", "5")], store_id="1"))
        before = db.execute("SELECT xmin::text FROM master_aliases").fetchall()
        one.load(file_batches([item("100", "6")], store_id="2", hour=1))
        other.load(file_batches([item("100", "7")], store_id="3", hour=2))
    assert db.execute("SELECT xmin::text FROM master_aliases").fetchall() == before
    assert db.execute("SELECT chain_id FROM master_aliases").fetchall() == [(CHAIN,)]


def test_equal_sizes_are_written_alike_whichever_chain_comes_first(dsn: str, db: Connection) -> None:
    sizes = {"1": "130", "2": "130.00", "3": "130.0"}
    seen = set()
    for order in itertools.permutations(sizes):
        empty(db)
        with Loader(dsn) as loader:
            for chain_id in order:
                rows = [item("7290000042435", "5", name="brie", quantity=Decimal(sizes[chain_id]))]
                loader.load(file_batches(rows, chain=chain_id, chain_id=chain_id))
        seen.add(db.execute("SELECT quantity::text FROM masters").fetchone())
    assert len(seen) == 1


def test_a_master_that_loses_an_alias_has_the_words_of_those_it_keeps(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("100", "5", name="a long name", master_id=31)]))
        loader.load(file_batches([item("200", "5", name="short", master_id=31)], store_id="9"))
        assert db.execute("SELECT name FROM masters").fetchall() == [("a long name",)]
        loader.load(file_batches([item("100", "5", name="a long name", master_id=32)], hour=24))
    assert db.execute("SELECT master_id, name FROM masters ORDER BY 1").fetchall() == [
        (31, "short"),
        (32, "a long name"),
    ]
