"""Search by words, over loaded files and refreshed views."""

from __future__ import annotations

import pytest

from gogobe.database.connection import connect
from gogobe.database.load.loader import Loader
from gogobe.database.search import find_masters
from gogobe.database.views import refresh_views
from tests.database.samples import file_batches, item

SHELF = (
    "חלב תנובה 3% 1 ליטר", "חלב תנובה 1% 1 ליטר", "שוקולד חלב 100 גרם", "חלב קוקוס 400 מל", "גבינה בסגנון חלבי",
    "חלבה שאמית", "סוכר לבן 1 קג", "מסטיק אורביט ללא סוכר", "סוכריות חמאה", "בננה", "דנונה משקה תות בננה",
    "קוקה קולה 1.5 ליטר", "מקלות חמוצים קולה", "פפסי קולה", "שמן זית כתית 750 מל", "טונה בשמן זית",
    "תפוח אדמה אדום", "תפוח עץ מוזהב", "חול מתגבש לחתול 5 קג", "עוגת שוקולד", "קוטג 5% 250 גרם", "קוטג 9% 250 גרם",
    "רד בול 250 מל", "סלק אדום 1 קג", "אגוזי מלך קלופים", "חלב נטול לקטוז 1 ליטר",
)  # fmt: skip


@pytest.fixture
def shelf(dsn: str) -> str:
    """One store that sells all of SHELF; a master's id is its place."""
    rows = [item(str(n), "5", master_id=n, name=name) for n, name in enumerate(SHELF, start=1)]
    with Loader(dsn) as loader:
        loader.load(file_batches(rows))
    refresh_views(dsn)
    return dsn


def found(dsn: str, query: str, limit: int = 10) -> list[str]:
    with connect(dsn) as connection:
        return [SHELF[master_id - 1] for master_id in find_masters(connection, query, limit)]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("חלב", "חלב תנובה 3% 1 ליטר"),
        ("חלב תנובה 1%", "חלב תנובה 1% 1 ליטר"),
        ("סוכר", "סוכר לבן 1 קג"),
        ("בננה", "בננה"),
        ("בננות", "בננה"),
        ("coca cola", "קוקה קולה 1.5 ליטר"),
        ("Pepsi", "פפסי קולה"),
        ("milk", "חלב תנובה 3% 1 ליטר"),  # not what sounds like it: "מלך"
        ("milk chocolate", "שוקולד חלב 100 גרם"),
        ("Olive Oil", "שמן זית כתית 750 מל"),
        ("apples", "תפוח עץ מוזהב"),
        ("red bull", "רד בול 250 מל"),  # a brand with an English word
        ("lactose free milk", "חלב נטול לקטוז 1 ליטר"),
        ("שמן זית", "שמן זית כתית 750 מל"),
        ("תפוחי אדמה", "תפוח אדמה אדום"),
        ("עוגה", "עוגת שוקולד"),
        ("חול לחתולים", "חול מתגבש לחתול 5 קג"),
        ("שוקלד", "שוקולד חלב 100 גרם"),
        ("קוטג 9", "קוטג 9% 250 גרם"),
        ("תנובא חלב", "חלב תנובה 3% 1 ליטר"),
    ],
)
def test_what_is_meant_comes_first(shelf: str, query: str, first: str):
    assert found(shelf, query)[:1] == [first]


def test_the_thing_before_compounds_before_what_only_begins_so(shelf: str):
    names = found(shelf, "חלב")
    assert set(names[2:4]) == {"חלב נטול לקטוז 1 ליטר", "חלב קוקוס 400 מל"}
    assert names[4] == "שוקולד חלב 100 גרם"
    assert set(names[5:]) == {"גבינה בסגנון חלבי", "חלבה שאמית"}


def test_masters_with_most_words_where_none_has_all(shelf: str):
    assert found(shelf, "שמן זית ירושלמי")[0] == "שמן זית כתית 750 מל"
    assert found(shelf, "ירושלמי שלום עולם זית") == []


def test_the_limit_and_what_finds_nothing(shelf: str):
    assert len(found(shelf, "חלב", 2)) == 2
    for query in ("", "  ", "%_%", "\\", "קקקקקקק", "'; DROP TABLE masters"):
        assert found(shelf, query) == []


def test_what_most_chains_sell_first_of_equals(dsn: str):
    with Loader(dsn) as loader:
        for chain in range(4):
            rows = [item("1", "5", master_id=1, name="חלב טרי"), item("2", "5", master_id=2, name="חלב טרי")]
            loader.load(file_batches(rows[1:] if chain else rows, chain=f"c{chain}", chain_id=str(chain)))
    refresh_views(dsn)
    with connect(dsn) as connection:
        assert find_masters(connection, "חלב", 5) == [2, 1]
