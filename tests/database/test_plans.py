"""Query plans of frequent statements: no sequential scan of a large table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from gogobe.database import (
    comparisons,
    dead_letters,
    history,
    maintenance,
    places,
    queries,
    search,
    search_index,
)
from gogobe.database.connection import POSTGRESQL, Connection, connect, copy_rows, staging_table
from gogobe.database.load import (
    aliases,
    batches,
    counts,
    descriptions,
    endings,
    files,
    identities,
    moves,
    prices,
    promotions,
    readings,
    recency,
    store_merge,
    stores,
)
from gogobe.database.load.loader import Loader
from gogobe.database.load.marks import file_row_base
from gogobe.database.load.subjects import TABLES, SubjectTable
from gogobe.database.review import redirects
from gogobe.database.views import refresh_views
from gogobe.local.postgres import PostgresServer
from tests.conftest import new_database
from tests.database.samples import at, file_batches, item, promotion

STORES, ITEMS = 60, 400


@pytest.fixture(scope="module")
def market(postgres: PostgresServer) -> Iterator[Connection]:
    """A database with 44,000 prices, 12,000 changes, 20,000 masters and 6,000 promotions, and statistics of them."""
    with new_database(postgres, "migrated") as dsn:
        fill(dsn)
        with connect(dsn) as connection:
            connection.execute("ANALYZE")
            yield connection


def fill(dsn: str) -> None:
    """Tables large enough for the planner to prefer indexes."""
    load_stores(dsn)
    with connect(dsn) as connection:
        insert_rows(connection)
    refresh_views(dsn)


def load_stores(dsn: str) -> None:
    """Stores with prices, changes and promotions, by the loader."""
    with Loader(dsn) as loader:
        for number in range(STORES):
            where: dict[str, Any] = {
                "store_id": str(number),
                "chain_id": str(number % 3),
                "chain": f"c{number % 3}",
            }
            offers = [promotion(str(n), str(7290000000000 + n)) for n in range(100)]
            batches = file_batches(offers, kind="promofull", **where)
            for hour in (0, 1):
                prices = [f"{code % 90 + 1}.{hour * (code % 2)}" for code in range(ITEMS)]
                rows = [item(str(7290000000000 + code), price) for code, price in enumerate(prices)]
                batches += file_batches(rows, hour=hour, **where)
            loader.load(batches)


def insert_rows(connection: Connection) -> None:
    """Thousands of rows in each table, by SQL."""
    connection.execute(
        "INSERT INTO masters (master_id, name) SELECT n, 'חלב ' || n FROM generate_series(1, 20000) n"
    )
    connection.execute(
        "INSERT INTO master_aliases (chain_id, item_code, master_id, match, score, name, described_on, "
        "description_rank) SELECT '1', n::text, n, 'gtin', 1, 'חלב ' || n, '2025-08-01', 1 "
        "FROM generate_series(1, 20000) n"
    )
    connection.execute(
        "INSERT INTO prices (store_key, published_at, source_row, first_seen_at, price, item_code) "
        "SELECT 2, '2025-08-01', n, '2025-08-01', n, n::text FROM generate_series(1, 20000) n"
    )
    connection.execute(
        "INSERT INTO dead_letters SELECT n::text, 'parse', 'r', 'd', 'o', NULL, 'c1', 'https://' || n, NULL, "
        "NULL, NULL, 1, now() - n * interval '1 minute', now() - n * interval '1 minute' "
        "FROM generate_series(1, 5000) n"
    )
    connection.execute(
        "INSERT INTO files (content_sha256, chain, chain_id, sub_chain_id, store_id, store_key, kind, file, "
        "published_at, source_url, discovered_at, downloaded_at, seen_at, first_loaded_at) "
        "SELECT 'x' || n, 'c1', '1', '1', '1', 1 + n % 60, 'promo', 'f', now(), 'https://' || n, now(), now(), "
        "now(), now() FROM generate_series(1, 5000) n"
    )
    connection.execute(
        "INSERT INTO files (content_sha256, chain, chain_id, sub_chain_id, store_id, store_key, kind, file, "
        "published_at, source_url, discovered_at, downloaded_at, seen_at, first_loaded_at, is_whole, announced, "
        "read) SELECT 'y' || n, 'c1', '1', '1', '1', 1 + n %% 60, 'pricefull', 'f', %s, 'https://y' || n, now(), "
        "now(), now(), now(), true, 5, 5 FROM generate_series(1, 5000) n",
        (at(-0.5),),
    )
    connection.execute(
        "INSERT INTO stores (store_key, chain_id, sub_chain_id, store_id) "
        "SELECT 1000 + n, '1', '1', 's' || n FROM generate_series(1, 5000) n"
    )
    connection.execute(
        "INSERT INTO store_identities (chain_id, store_id, sub_chain_id, store_key, is_sold) "
        "SELECT '1', 's' || n, '1', 1000 + n, true FROM generate_series(1, 5000) n"
    )
    connection.execute(
        "INSERT INTO batches (batch_id, content_sha256, sequence) "
        "SELECT 'x' || n || '-0', 'x' || n, 0 FROM generate_series(1, 5000) n"
    )
    connection.execute(
        "INSERT INTO listed_codes SELECT 'x' || n, 0, 1 + n % 60, 'prices', now(), 0, ARRAY['1', '2'] "
        "FROM generate_series(1, 5000) n"
    )
    connection.execute(
        "INSERT INTO promotions (store_key, promotion_id, published_at, source_row, digest, first_seen_at, "
        "starts_at, club_ids) SELECT 1 + n % 60, 'x' || n, now(), n, n, now(), now() - n * interval '1 hour', "
        "'{}' FROM generate_series(1, 6000) n"
    )
    connection.execute(
        "INSERT INTO price_changes SELECT 1 + n % 60, now() - n * interval '1 minute', 1, 2, 'x' || n "
        "FROM generate_series(1, 6000) n"
    )


def scanned(db: Connection, statement: str, values: Any = None) -> set[str]:
    """The tables of more than 1,000 rows that the statement's plan reads from end to end."""
    lines = [row[0] for row in db.execute(f"EXPLAIN {statement}".encode(), values)]
    found = {match[1] for line in lines if (match := re.search(r"Seq Scan on (\w+)", line))}
    assert lines
    large = db.execute(
        "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND reltuples > 1000", (list(found),)
    )
    return {name for (name,) in large}


EVIDENCE = {"difference": 1, "day": at(0).date(), "chain_id": "1", "kind": "price", "since": at(-1),
            "published_at": at(0), "file": "x66"}  # fmt: skip
BOTH = {
    "one_key": 7,
    "one_at": at(0),
    "one_row": 1,
    "other_key": 8,
    "other_at": at(1),
    "other_row": 1,
    "target": 8,
}
MOVE = {"from": 7, "to": 8, "name": "1"}
PRICES, PROMOTIONS = TABLES.values()

RANKED = {"places": [0, 1], "words": ["חלב", "77"], "qualities": [1.0, 0.9], "required": [True, True],
          "searched": [1], "candidates": 5, "limit": 10}  # fmt: skip
AGAIN = {"discovered_at": at(1), "source_url": "u", "object_path": "o", "address_key": "u", "file": "x77"}
COUNTS = [["x77"], *[[1]] * 8, ["b9"]]
AGAIN_READ = {
    "chain_id": "1",
    "store_key": 7,
    "published_at": at(0),
    "first_row": 1,
    "last_row": 9,
    "sha": "x66",
    "kind": "price",
}
END = {"store_key": 7, "published_at": at(9), "file_row": 0}


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (batches._ENTER, (["a", "b"], ["x1", "x2"], [1, 1], [1, 1], [1, 1], [2, 2], ["m", "m"])),
        (files._COUNT, COUNTS),
        (files._LOCK_FILES, (["x77", "x78"],)),
        (files._ANNOUNCED_AGAIN, AGAIN),
        (files._ADDRESS_AGAIN, AGAIN),
        (recency._NEWER_LISTS, ([7], [at(0)], [0], "prices")),
        (PRICES.fill(endings._END_UNLISTED).decode(), END),
        (PROMOTIONS.fill(endings._END_UNLISTED).decode(), END),
        *[
            (subject.fill(statement).decode(), AGAIN_READ)
            for subject, statements in zip((PRICES, PROMOTIONS), readings._UNDO.values(), strict=True)
            for statement in (*statements, readings._REOPEN)
        ],
        (readings._EARLIER_FULL, AGAIN_READ),
        (promotions._STORED, ([7, 7], ["1", "2"])),
        (promotions._DELETE, ([7, 7], ["1", "2"])),
        (promotions._TOUCH, ([7], ["1"], [at(1)], [1])),
        (endings._DROP_LISTS, (7, "prices", at(1), 1)),
        (endings._DROP_OVERTAKEN_LISTS, (7, "prices")),
        (endings._COUNT_LISTS, ("x77",)),
        (counts._EARLIER_FILES, EVIDENCE),
        (dead_letters._RESOLVE, (["x77", "x78"], ["c1"] * 2, ["https://77", "https://78"], [at(0)] * 2)),
        (maintenance._DROP_OLD_LISTS, (maintenance.LISTS_KEPT,)),
        (identities._READ, (["1", "1"], ["s7", "s8"])),
        (stores._LOCK, ([1007, 1008], ["x66"], [2])),
        (moves._LOCK, ([1007, 1008],)),
        (moves._RENAME, ([1007], ["2"])),
        (moves._MOVE_FILES, MOVE),
        (moves._MOVE_LISTS, MOVE),
        (descriptions._READ, (["1", "1"], ["s7", "s8"])),
        (descriptions._READ_STORES, (["1", "1"], ["s7", "s8"])),
        *[(statement, AGAIN_READ) for statement in descriptions._UNDO],
        (stores._DESCRIBED, (["x66"], [2])),
        (PRICES.fill(store_merge._CHANGE).decode(), BOTH),
        (store_merge._DROP_KNOWN_CHANGES, {"source": 7, "target": 8}),
        *[
            (subject.fill(statement).decode(), BOTH)
            for subject in (PRICES, PROMOTIONS)
            for statement in (
                store_merge._FIRST_SEEN,
                store_merge._DROP_OLDER,
                store_merge._DROP_SAME,
                store_merge._END_UNLISTED,
            )
        ],
        (aliases._LOCK_MASTERS, ([7290000000001, 7290000000002],)),
        (aliases._NAME_MASTERS, ([7290000000001, 7290000000002],)),
        (comparisons._BY_CODE, {"number": 7290000000001, "codes": ["7290000000001"], "limit": 10}),
        (search._EXACT, {"lemmas": ["חלב", "חלבת"], "sound": "lb"}),
        (search._PREFIX, {"prefix": "7%"}),
        (search._MISSPELT, {"word": "7290", "sound": "lb"}),
        (search._RANKED, RANKED),
        (search_index._DROP_WORDS, ([1, 2],)),
        (search_index._DELETE_STATE, ([1, 2],)),
        (places._CITY, ("חיפה",)),
        (places._PRICES, {"ids": [7290000000001, 7290000000002], "city_code": 4000}),
        (history._POINTS, {"master_id": 7290000000001, "city_code": None}),
        ("SELECT * FROM current_prices WHERE master_id = %s", (7290000000001,)),
        ("SELECT * FROM current_prices WHERE store_key = %s AND item_code = '7290000000007'", (7,)),
        ("SELECT * FROM price_history WHERE store_key = %s AND item_code = '7290000000007'", (7,)),
        ("SELECT * FROM store_places WHERE store_key = %s", (7,)),
        (comparisons._WEIGHED, {"ids": [1, 2]}),
        (redirects._OF_MASTER, (7290000000001,)),
        (comparisons._MOST_SOLD, {"limit": 12}),
        (queries._FILES, (["https://77", "https://78"], at(0))),
        (queries._FAILURES, (["https://77", "https://78"], at(0))),
        ("SELECT * FROM item_promotions WHERE item_code = %s AND store_key = 7", ("7290000000007",)),
        ("SELECT * FROM price_changes WHERE store_key = 7 AND item_code = %s", ("7290000000007",)),
        ("SELECT * FROM price_changes WHERE changed_at > %s AND changed_at < %s", (at(20), at(44))),
        ("SELECT * FROM prices WHERE store_key = 7 AND item_code = %s", ("7290000000007",)),
        ("SELECT * FROM master_chain_prices WHERE chain_id = %s AND master_id = 7290000000007", ("1",)),
        ("SELECT * FROM promotions_today WHERE chain_id = %s AND promotion_id = '7'", ("1",)),
        ("SELECT * FROM promotions_today WHERE chain_id = %s", ("1",)),
        ("SELECT * FROM open_promotions WHERE starts_at > now() - interval '1 day'", None),
        ("SELECT * FROM changed_this_week WHERE chain_id = %s AND item_code = '7290000000007'", ("1",)),
        ("SELECT * FROM changed_this_week WHERE chain_id = %s", ("1",)),
        ("SELECT * FROM changed_this_week WHERE last_changed_at > now() - interval '1 hour'", None),
        ("SELECT * FROM dead_letters WHERE last_failed_at > now() - interval '1 hour'", None),
        ("SELECT * FROM files WHERE chain_id = %s AND published_at > now() - interval '1 hour'", ("0",)),
    ],
)
def test_nothing_large_is_read_from_end_to_end(market: Connection, statement: str, values: Any) -> None:
    assert scanned(market, statement, values) == set()


@pytest.mark.parametrize("rows", [20, 400])
def test_the_merges_look_rows_up(market: Connection, rows: int) -> None:
    """For any estimate of the staged rows: a join with all prices or aliases would be read here."""
    with market.transaction(force_rollback=True), market.cursor() as cursor:
        cursor.execute(staging_table(POSTGRESQL, "staged_prices", prices.STAGING))
        cursor.execute(staging_table(POSTGRESQL, "staged_aliases", aliases.STAGING))
        base = file_row_base("x")
        codes = [str(7290000000000 + code) for code in range(rows)]
        copy_rows(
            cursor,
            "staged_prices",
            prices._COLUMNS,
            [(0, 7, code, "5", None, None, None, None, None, at(9), base + 1, True) for code in codes],
        )
        assert scanned(market, prices._MERGE) == set()
        words = [*[None] * (len(aliases._WORDS) - 1), False]
        copy_rows(
            cursor,
            "staged_aliases",
            aliases._COLUMNS,
            [("1", code, at(9).date(), 1, int(code), "gtin", 1.0, *words) for code in codes],
        )
        for statement in (aliases._DROP_KNOWN, aliases._REWORDED, aliases._WRITE_ALIASES):
            assert scanned(market, statement) == set()


def test_a_chains_earlier_files_of_one_kind_are_found_by_an_index(market: Connection) -> None:
    """Of the other kinds nothing is read, however many files a chain has published."""
    plan = "\n".join(
        row[0] for row in market.execute(f"EXPLAIN {counts._EARLIER_FILES}".encode(), EVIDENCE).fetchall()
    )
    assert "files_by_chain_kind" in plan
    condition = next(line for line in plan.splitlines() if "Index Cond" in line)
    assert all(column in condition for column in ("chain_id", "kind", "published_at"))


@pytest.mark.parametrize("subject", [PRICES, PROMOTIONS])
def test_listed_codes_are_hashed_once(market: Connection, subject: SubjectTable) -> None:
    """Else ending compares every price of a store with every listed code: seconds for each full file."""
    for statement, values in ((endings._END_UNLISTED, END), (readings._UNDO[subject.table][0], AGAIN_READ)):
        plan = market.execute(b"EXPLAIN " + subject.fill(statement), values).fetchall()
        assert any("hashed SubPlan" in line for (line,) in plan), plan


def test_every_foreign_key_has_its_index(market: Connection) -> None:
    missing = market.execute(
        """
        SELECT c.conrelid::regclass::text, c.conname FROM pg_constraint c
        WHERE c.contype = 'f' AND NOT EXISTS (
            SELECT 1 FROM pg_index i WHERE i.indrelid = c.conrelid
              AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
        """
    ).fetchall()
    assert missing == []


def test_updates_of_prices_need_no_index_entry(market: Connection) -> None:
    """HOT updates: a changed price writes no index, as long as no column of it is indexed but the key."""
    columns = market.execute(
        "SELECT DISTINCT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid "
        "AND a.attnum = ANY(i.indkey) WHERE i.indrelid = 'prices'::regclass ORDER BY 1"
    ).fetchall()
    assert columns == [("item_code",), ("store_key",)]


@pytest.mark.parametrize(
    "table",
    ["prices", "price_changes_2025_08", "masters", "master_aliases", "promotions", "promotion_items", "files",
     "batches", "listed_codes", "dead_letters", "stores", "store_identities", "master_chain_prices", "master_search",
     "search_words", "search_vocabulary", "open_promotions",
     "recent_changes"],
)  # fmt: skip
def test_the_fixture_is_large_enough_to_tell(market: Connection, table: str) -> None:
    row = market.execute("SELECT reltuples > 4000 FROM pg_class WHERE relname = %s", (table,)).fetchone()
    assert row == (True,)
    assert scanned(market, f"SELECT * FROM {table}") == {table}, "a plan that reads it all is seen"
