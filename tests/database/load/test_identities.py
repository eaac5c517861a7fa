"""Resolution of published store names: the database decides, independent of loader caches and of the order of
files."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.errors import LockNotAvailable

from gogobe.database import connection as postgres
from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.load.stores import StoreKeys
from gogobe.database.migrations import migrate, schema_steps
from gogobe.database.timeouts import Timeouts
from gogobe.records.messages import IngestBatch
from tests.database.samples import CHAIN, at, file_batches, item, promotion, store

NUMBER = "5"


def prices_file(sub_chain_id: str, price: str, hour: float, *codes: str, **fields: Any) -> list[IngestBatch]:
    rows = [item(code, price) for code in codes or ("1",)]
    return file_batches(rows, sub_chain_id=sub_chain_id, hour=hour, **{"store_id": NUMBER, **fields})


def stores_file(hour: float, *sub_chain_ids: str, store_id: str = NUMBER) -> list[IngestBatch]:
    rows = [store(store_id, sub_chain_id=sub, name=f"{sub} at {hour:g}") for sub in sub_chain_ids]
    return file_batches(rows, kind="stores", hour=hour, store_id="0", sub_chain_id="0")


def meanings(db: Connection, store_id: str = NUMBER) -> dict[str, str]:
    """Published sub-chain → sub-chain of the store that it means."""
    return dict(
        db.execute(
            "SELECT i.sub_chain_id, s.sub_chain_id FROM store_identities i JOIN stores s USING (store_key) "
            "WHERE i.store_id = %s",
            (store_id,),
        ).fetchall()
    )


def described(db: Connection, store_id: str = NUMBER) -> dict[str, str | None]:
    """Sub-chain of each store → its name."""
    rows = db.execute("SELECT sub_chain_id, name FROM stores WHERE store_id = %s", (store_id,))
    return dict(rows.fetchall())


def current(db: Connection, store_id: str = NUMBER) -> dict[tuple[str, str], Decimal]:
    """Sub-chain of the store and code → current price."""
    rows = db.execute(
        "SELECT s.sub_chain_id, item_code, price FROM prices JOIN stores s USING (store_key) "
        "WHERE store_id = %s AND ended_at IS NULL",
        (store_id,),
    )
    return {(sub_chain_id, code): price for sub_chain_id, code, price in rows}


def test_a_running_loader_and_a_restarted_one_agree(dsn: str, db: Connection) -> None:
    """Price files say sub-chain 0; Stores files first list the store under 1, then one of that number under 2 too."""
    with Loader(dsn) as running:
        running.load(prices_file("0", "5", 0))
        running.load(stores_file(1, "1"))
        running.load(prices_file("0", "6", 2))
        running.load(stores_file(3, "1", "2"))
        running.load(prices_file("0", "7", 4))
        with Loader(dsn) as restarted:
            restarted.load(prices_file("0", "8", 5))
        running.load(prices_file("0", "9", 6))
    assert current(db) == {("1", "1"): 9}
    assert described(db) == {"1": "1 at 3", "2": "2 at 3"}
    assert meanings(db) == {"0": "1", "1": "1", "2": "2"}


def test_a_name_whose_meaning_cannot_be_told_is_a_store_of_its_own_and_reported(
    dsn: str, db: Connection
) -> None:
    with Loader(dsn) as loader:
        loader.load(stores_file(0, "1", "2"))
        loader.load(prices_file("0", "5", 1))
        loader.load(prices_file("2", "6", 2))
        loader.load(prices_file("0", "7", 3, store_id="6"))
    assert current(db) == {("0", "1"): 5, ("2", "1"): 6}
    assert db.execute(
        "SELECT sub_chain_id, store_id, listed_sub_chain_ids FROM unclear_store_names"
    ).fetchall() == [("0", NUMBER, ["1", "2"])]


def test_a_loader_that_remembers_another_row_asks_again(dsn: str, db: Connection) -> None:
    with Loader(dsn) as first, Loader(dsn) as second:
        first.load(prices_file("0", "5", 0))
        second.load(prices_file("1", "6", 1))
        assert current(db) == {("0", "1"): 5, ("1", "1"): 6}
        second.load(stores_file(2, "1"))
        assert current(db) == {("1", "1"): 6}, "the two are one"
        assert first.load(prices_file("0", "7", 3)).rows == 1
    assert current(db) == {("1", "1"): 7}
    assert described(db) == {"1": "1 at 2"}


def test_a_full_file_on_its_way_completes_under_the_row_that_its_name_means_then(
    dsn: str, db: Connection
) -> None:
    full = prices_file("0", "7", 3, "1", "2", size=1)
    with Loader(dsn) as loader:
        loader.load(prices_file("0", "5", 0, "1", "2", "gone"))
        loader.load(prices_file("1", "6", 1, "2", "gone too"))
        loader.load(full[:1])
        with Loader(dsn) as other:
            other.load(stores_file(2, "1"))
        assert loader.load(full[1:]).ended == 1
    assert current(db) == {("1", "1"): 7, ("1", "2"): 7}
    assert db.execute("SELECT state FROM files WHERE published_at = %s", (at(3),)).fetchall() == [("loaded",)]
    assert db.execute("SELECT count(*) FROM listed_codes").fetchone() == (0,)


def test_a_full_file_on_its_way_completes_although_its_name_leaves_the_row(dsn: str, db: Connection) -> None:
    """A Stores file lists sub-chain 0 itself, so it was another store than 1 all along."""
    full = prices_file("0", "7", 5, "1", "2", size=1)
    with Loader(dsn) as loader:
        loader.load(stores_file(0, "1"))
        loader.load(prices_file("1", "6", 1, "1", "2"))
        loader.load(prices_file("0", "5", 2, "1", "2"))
        loader.load(full[:1])
        with Loader(dsn) as other:
            other.load(stores_file(3, "0", "1"))
        assert loader.load(full[1:]).files_completed == 1
        assert db.execute("SELECT count(*) FROM listed_codes").fetchone() == (0,)
        loader.load(prices_file("0", "8", 6, "1"))
        loader.load(prices_file("1", "9", 7, "1"))
    assert current(db) == {("0", "1"): 8, ("1", "1"): 9}
    assert described(db) == {"0": "0 at 3", "1": "1 at 3"}


def test_a_failed_batch_is_entered_under_the_row_that_its_name_means_by_now(dsn: str, db: Connection) -> None:
    bad = file_batches([item("1", "7", name="\0")], sub_chain_id="0", hour=3)
    with Loader(dsn) as first, Loader(dsn) as second:
        first.load(prices_file("0", "5", 0))
        second.load(prices_file("1", "6", 1))
        second.load(stores_file(2, "1"))
        assert len(first.load(bad).failed) == 1
    row = db.execute(
        "SELECT s.sub_chain_id, state FROM files JOIN stores s USING (store_key) WHERE published_at = %s",
        (at(3),),
    ).fetchone()
    assert row == ("1", "incomplete")


def test_loaders_of_one_chain_take_turns_in_deciding(
    dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "FIRST_PAUSE_SECONDS", 0.0)
    with Loader(dsn, timeouts=Timeouts(lock=0.05)) as loader:
        loader.load(prices_file("0", "5", 0))
        with db.transaction():
            db.execute("SELECT 1 FROM chains FOR NO KEY UPDATE")
            assert loader.load(prices_file("0", "6", 1)).rows == 1, "nothing to decide, nothing to wait for"
            with pytest.raises(LockNotAvailable):
                loader.load(prices_file("0", "7", 2, store_id="6"))


def test_rows_are_joined_after_what_is_being_loaded_into_them(dsn: str, db: Connection) -> None:
    """Else what a loader has written and not committed would be left behind in a row that is no more."""
    with Loader(dsn) as loader:
        loader.load(prices_file("0", "5", 0))
        loader.load(prices_file("1", "6", 1))
    kept, joined = (key for (key,) in db.execute("SELECT store_key FROM stores ORDER BY store_key"))

    def list_stores() -> None:
        with Loader(dsn) as other:
            other.load(stores_file(2, "1"))

    waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with ThreadPoolExecutor(1) as pool, connect(dsn) as watch:
        with db.transaction():
            db.execute("SELECT 1 FROM stores WHERE store_key = %s FOR NO KEY UPDATE", (joined,))
            db.execute(
                "INSERT INTO prices (store_key, item_code, price, published_at, source_row, first_seen_at) "
                "VALUES (%s, 'new', 7, %s, 1, %s)",
                (joined, at(1.5), at(1.5)),
            )
            listed = pool.submit(list_stores)
            while not watch.execute(waiting).fetchone():
                assert not listed.done(), "it did not wait"
        listed.result()
    assert current(db) == {("1", "1"): 6, ("1", "new"): 7}
    assert db.execute("SELECT DISTINCT store_key FROM prices").fetchall() == [(kept,)]


def test_what_a_loader_knows_asks_no_database(dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a second file of a store nor a later list of the chain's stores opens the short transaction."""
    with connect(dsn) as connection:
        keys = StoreKeys()
        first = keys.ensure(connection, [*prices_file("0", "5", 0), *stores_file(1, "1")])
        connection.close()
        again = keys.ensure(connection, [*prices_file("0", "6", 2), *stores_file(3, "1")])
    assert set(first.sold.values()) == set(again.sold.values())
    assert [one.store_key for one in first.identities] == [one.store_key for one in again.identities]


@dataclass(frozen=True)
class Drawn:
    """One file: the sub-chains that it lists, or else the one under which it sells."""

    listed: tuple[str, ...]
    sold: str
    is_full: bool
    rows: tuple[tuple[str, int], ...]


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), unique_by=lambda row: row[0], min_size=1)
SALES = st.builds(Drawn, st.just(()), st.sampled_from(["0", "1", "2"]), st.booleans(), ROWS.map(tuple))
LISTS = st.builds(
    Drawn,
    st.lists(st.sampled_from(["0", "1", "1", "2", "7"]), unique=True, min_size=1, max_size=3).map(tuple),
    st.just(""),
    st.just(False),
    st.just(()),
)


def batches_of(drawn: Drawn, hour: float, store_id: str) -> list[IngestBatch]:
    if drawn.listed:
        return stores_file(hour, *drawn.listed, store_id=store_id)
    rows = [item(code, str(price)) for code, price in drawn.rows]
    kind = "pricefull" if drawn.is_full else "price"
    return file_batches(rows, kind=kind, sub_chain_id=drawn.sold, store_id=store_id, hour=hour)  # type: ignore[arg-type]


def joined_names(db: Connection, store_id: str) -> set[tuple[str, str]]:
    """Pairs of sold names that mean one store."""
    rows = db.execute(
        "SELECT a.sub_chain_id, b.sub_chain_id FROM store_identities a JOIN store_identities b USING (store_key) "
        "WHERE a.store_id = %s AND a.is_sold AND b.is_sold AND a.sub_chain_id < b.sub_chain_id",
        (store_id,),
    )
    return set(rows.fetchall())


def load_in_order(
    db: Connection,
    dsn: str,
    files: Sequence[list[IngestBatch]],
    loaders: Iterable[Loader | None],
    store_id: str,
) -> bool:
    """Loads each file by the given loader, or by a new one; whether two names were joined and separated again."""
    were_joined: set[tuple[str, str]] = set()
    for batches, loader in zip(files, loaders, strict=True):
        if loader is None:
            with Loader(dsn) as fresh:
                fresh.load(batches)
        else:
            loader.load(batches)
        were_joined |= joined_names(db, store_id)
    return were_joined != joined_names(db, store_id)


def test_any_order_of_files_and_any_restart_ends_in_the_same_tables(dsn: str, db: Connection) -> None:
    """Prices too; but where later evidence separates names whose prices had been joined, from the next full file of
    each on."""
    numbers = itertools.count(100)

    @settings(max_examples=30, deadline=None)
    @given(drawn=st.lists(SALES | LISTS, min_size=2, max_size=7), data=st.data())
    def check(drawn: Sequence[Drawn], data: st.DataObject) -> None:
        order = data.draw(st.permutations(range(len(drawn))))
        choices = data.draw(st.lists(st.sampled_from([0, 1, None]), min_size=len(drawn), max_size=len(drawn)))
        ends = []
        separated = False
        for places, chosen in ((range(len(drawn)), [0] * len(drawn)), (order, choices)):
            store_id = str(next(numbers))
            files = [batches_of(drawn[place], place, store_id) for place in places]
            using = [None if number is None else loaders[number] for number in chosen]
            separated |= load_in_order(db, dsn, files, using, store_id)
            ends.append((store_id, meanings(db, store_id), described(db, store_id)))
        (first, *decided), (second, *again) = ends
        assert decided == again
        if separated:
            for store_id in (first, second):
                for hour, sold in enumerate(sorted({one.sold for one in drawn if one.sold})):
                    loaders[0].load(batches_of(Drawn((), sold, True, (("a", 5 + hour),)), 50 + hour, store_id))
        assert current(db, first) == current(db, second)

    with Loader(dsn) as running, Loader(dsn) as other:
        loaders = (running, other)
        check()


def test_loaders_at_once_decide_alike(dsn: str, db: Connection) -> None:
    """Four loaders, with the files of twenty numbers among them: joins, renames and loads at the same time."""
    chance = random.Random(11)
    numbers = [str(number) for number in range(20)]
    files: list[list[IngestBatch]] = []
    for store_id in numbers:
        for hour in range(6):
            sold = chance.choice(["0", "1"])
            codes = chance.sample(["1", "2", "3", "4"], 3)
            files.append(prices_file(sold, str(hour + 1), hour, *codes, store_id=store_id, size=1))
        files.append(
            file_batches(
                [promotion(str(n), "1") for n in range(3)],
                kind="promofull",
                sub_chain_id="0",
                store_id=store_id,
            )
        )
        files.append(prices_file("1", "9", 9, "1", "2", store_id=store_id))
    rows = [store(store_id, sub_chain_id="1", name="דיל") for store_id in numbers]
    files += [
        file_batches(part, kind="stores", hour=hour, store_id="0", sub_chain_id="0")
        for hour, part in enumerate((rows[:12], rows[8:], rows))
    ]
    chance.shuffle(files)

    def load(share: list[list[IngestBatch]]) -> None:
        with Loader(dsn) as loader:
            for batches in share:
                assert loader.load(batches).failed == []

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(load, [files[number::4] for number in range(4)]))
    for store_id in numbers:
        assert set(meanings(db, store_id).values()) == {"1"}
        assert current(db, store_id) == {("1", "1"): 9, ("1", "2"): 9}
    assert db.execute("SELECT count(*), count(DISTINCT store_key) FROM promotions").fetchone() == (60, 20)
    assert db.execute("SELECT DISTINCT state FROM files").fetchall() == [("loaded",)]
    row = db.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert row == (0,)


def test_what_older_loaders_left_is_repaired(empty_dsn: str) -> None:
    """A database in which one published name had come to two rows: both have a current price."""
    before = next(step.number for step in schema_steps() if "store_identities" in step.name) - 1
    migrate(empty_dsn, schema_steps()[:before])
    with connect(empty_dsn) as db:
        db.execute("INSERT INTO chains VALUES (%s, 'shufersal')", (CHAIN,))
        db.execute(
            "INSERT INTO stores (store_key, chain_id, sub_chain_id, store_id, name, described_at, described_row) VALUES "
            "(101, %(chain)s, '1', '5', 'one', %(at)s, 7), (102, %(chain)s, '2', '5', 'two', %(at)s, 8), "
            "(103, %(chain)s, '0', '5', NULL, NULL, NULL), (104, %(chain)s, '3', '5', NULL, NULL, NULL)",
            {"chain": CHAIN, "at": at(1)},
        )
        for number, key in enumerate((101, 103)):
            db.execute(
                "INSERT INTO files (content_sha256, chain, chain_id, sub_chain_id, store_id, store_key, kind, file, "
                "published_at, source_url, discovered_at, downloaded_at, seen_at, first_loaded_at) "
                "VALUES (%s, 'shufersal', %s, '0', '5', %s, 'price', 'f', %s, 'u', now(), now(), now(), now())",
                (str(number), CHAIN, key, at(number)),
            )
            db.execute(
                "INSERT INTO prices (store_key, item_code, price, published_at, source_row, first_seen_at) "
                "VALUES (%s, '1', %s, %s, 1, %s)",
                (key, number + 5, at(number), at(number)),
            )
        migrate(empty_dsn)
        with Loader(empty_dsn) as loader:
            loader.load(prices_file("0", "7", 2))
        # The oldest list known lists 1 and 2: nothing says which of them 0 means, so it is a store of its own.
        assert meanings(db) == {"0": "0", "1": "1", "2": "2", "3": "3"}
        assert current(db)[("0", "1")] == 7
        with Loader(empty_dsn) as loader:
            loader.load(stores_file(0, "1"))
        assert meanings(db) == {"0": "1", "1": "1", "2": "2", "3": "3"}
        assert current(db) == {("1", "1"): 7}
        assert described(db) == {"1": "one", "2": "two", "3": None}
