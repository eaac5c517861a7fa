"""Merges of masters and their undo, as price comparison shows them."""

from __future__ import annotations

import pytest

from gogobe.database.comparisons import compare_prices
from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.review.known_items import known_items
from gogobe.database.review.merges import MergeError, active_merges, merge_masters, undo_merge
from gogobe.database.views import refresh_views
from tests.database.samples import file_batches, item


def merged(db: Connection) -> dict[int, int | None]:
    return dict(db.execute("SELECT master_id, merged_into FROM masters").fetchall())


def chains(dsn: str, query: str) -> list[str]:
    refresh_views(dsn)
    return [price.chain for one in compare_prices(dsn, query)[:1] for price in one.prices]


def test_a_merged_master_is_compared_as_one(three: str) -> None:
    merge_masters(three, 2, 1, reason="the same tomato", by="dana")
    assert chains(three, "2") == ["c1", "c2"]
    assert chains(three, "tomato 2") == ["c1", "c2"]
    aliases = [(one.item_code, one.master_id, one.described.price) for one in known_items(three)]
    assert aliases == [("1", 1, 1.0), ("2", 1, 2.0), ("3", 3, 3.0)]


def test_merges_lead_to_their_end_in_one_step_and_can_be_undone(three: str, db: Connection) -> None:
    first = merge_masters(three, 3, 2, reason="", by="dana")
    second = merge_masters(three, 2, 1, reason="", by="dana")
    assert merged(db) == {1: None, 2: 1, 3: 1}
    listed = [(one.merge_id, one.from_name, one.into_name) for one in active_merges(three)]
    assert listed == [(first, "tomato 3", "tomato 2"), (second, "tomato 2", "tomato 1")]
    undo_merge(three, second, by="dana")
    assert [one.merge_id for one in active_merges(three)] == [first]
    assert merged(db) == {1: None, 2: None, 3: 2}
    undo_merge(three, first, by="dana")
    assert merged(db) == {1: None, 2: None, 3: None}
    assert chains(three, "tomato 2") == ["c2"]


def test_undone_in_another_order(three: str, db: Connection) -> None:
    first = merge_masters(three, 3, 2, reason="", by="dana")
    second = merge_masters(three, 2, 1, reason="", by="dana")
    undo_merge(three, first, by="dana")
    assert merged(db) == {1: None, 2: 1, 3: None}
    undo_merge(three, second, by="dana")
    assert merged(db) == {1: None, 2: None, 3: None}


def test_merges_that_make_no_sense(three: str) -> None:
    number = merge_masters(three, 2, 1, reason="", by="dana")
    for from_id, into_id, message in ((1, 1, "one already"), (1, 2, "one already"), (9, 1, "no master 9")):
        with pytest.raises(MergeError, match=message):
            merge_masters(three, from_id, into_id, reason="", by="dana")
    with pytest.raises(MergeError, match="merged into 1 already"):
        merge_masters(three, 2, 3, reason="", by="dana")
    undo_merge(three, number, by="dana")
    with pytest.raises(MergeError, match=f"no merge {number}"):
        undo_merge(three, number, by="dana")


def test_a_load_into_a_merged_master_keeps_it_merged(three: str, db: Connection) -> None:
    merge_masters(three, 2, 1, reason="", by="dana")
    with Loader(three) as loader:
        loader.load(file_batches([item("2", "7", name="another tomato")], chain="c2", chain_id="2", hour=30))
    assert merged(db) == {1: None, 2: 1, 3: None}
