"""The search index follows names, merges and sales, and rewrites only changed masters."""

from __future__ import annotations

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.review.merges import merge_masters
from gogobe.database.search import find_masters
from gogobe.database.search_index import update_search_index
from gogobe.database.views import refresh_views
from tests.database.samples import file_batches, item


def load(dsn: str, hour: float, *names: str) -> None:
    """One store that lists these names as items 1, 2, … from that hour on."""
    rows = [item(str(n), "5", master_id=n, name=name) for n, name in enumerate(names, start=1)]
    with Loader(dsn) as loader:
        loader.load(file_batches(rows, hour=hour))


def vocabulary(db: Connection) -> dict[str, int]:
    return dict(db.execute("SELECT word, masters FROM search_vocabulary").fetchall())


def counted(db: Connection) -> dict[str, int]:
    return dict(db.execute("SELECT word, count(*) FROM search_words GROUP BY 1").fetchall())


def test_a_refresh_without_changes_writes_nothing(dsn: str, db: Connection) -> None:
    load(dsn, 0, "חלב תנובה 3%", "לחם אחיד")
    refresh_views(dsn)
    before = db.execute("SELECT master_id, xmin::text FROM master_search ORDER BY 1").fetchall()
    assert update_search_index(db) == 0
    load(dsn, 1, "חלב תנובה 3%", "לחם אחיד")
    refresh_views(dsn)
    assert db.execute("SELECT master_id, xmin::text FROM master_search ORDER BY 1").fetchall() == before


def test_only_a_master_with_another_name_is_written(dsn: str, db: Connection) -> None:
    load(dsn, 0, "חלב תנובה 3%", "לחם אחיד")
    refresh_views(dsn)
    load(dsn, 30, "חלב טרה 3%", "לחם אחיד")
    db.execute("REFRESH MATERIALIZED VIEW master_chain_prices")
    assert update_search_index(db) == 1
    assert find_masters(db, "טרה", 5) == [1]
    assert find_masters(db, "תנובה", 5) == []
    assert vocabulary(db) == counted(db)


def test_what_is_no_longer_sold_is_found_no_longer(dsn: str, db: Connection) -> None:
    load(dsn, 0, "חלב תנובה", "לחם אחיד")
    refresh_views(dsn)
    load(dsn, 5, "חלב תנובה")
    refresh_views(dsn)
    assert find_masters(db, "לחם", 5) == []
    assert vocabulary(db) == counted(db) == {"חלב": 1, "תנובה": 1}
    load(dsn, 9, "חלב תנובה", "לחם אחיד")
    refresh_views(dsn)
    assert find_masters(db, "לחם", 5) == [2]


def test_a_merged_master_is_found_by_the_names_of_both(dsn: str, db: Connection) -> None:
    load(dsn, 0, "עגבניה", "Tomato")
    merge_masters(dsn, 2, 1, reason="for the test", by="dana")
    refresh_views(dsn)
    assert find_masters(db, "tomato", 5) == find_masters(db, "עגבניות", 5) == [1]


def test_counts_follow_without_new_words(dsn: str, db: Connection) -> None:
    def sell(stores: range) -> None:
        with Loader(dsn) as loader:
            for number in stores:
                rows = [item("1", "5", master_id=1, name="חלב")]
                loader.load(file_batches(rows, store_id=str(number)))
        refresh_views(dsn)

    sell(range(100))
    before = db.execute("SELECT xmin::text FROM search_words").fetchall()
    sell(range(100, 102))
    assert db.execute("SELECT stores FROM master_search").fetchone() == (102,)
    assert db.execute("SELECT xmin::text FROM search_words").fetchall() == before


def test_long_words_and_strange_names_are_no_obstacle(dsn: str, db: Connection) -> None:
    names = ["א" * 300 + " חלב", "", "%%% ---", "1" * 50, "\u202eחלב\u200f"]
    load(dsn, 0, *names)
    refresh_views(dsn)
    assert set(find_masters(db, "חלב", 5)) == {1, 5}
