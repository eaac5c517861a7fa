"""Descriptions of stores: the newest value of each field, for any order of the files and of their readings."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe.database.connection import Connection, connect
from gogobe.database.load.loader import Loader
from gogobe.database.migrations import migrate, schema_steps
from gogobe.records.messages import IngestBatch
from tests.database.samples import CHAIN, at, file_batches, store


def stores_file(rows: Mapping[str, Mapping[str, str | None]], hour: float, **fields: Any) -> list[IngestBatch]:
    """A Stores file: by store id, what it says of the store."""
    listed = [store(number, sub_chain_id="1", **said) for number, said in rows.items()]
    return file_batches(listed, kind="stores", hour=hour, store_id="0", sub_chain_id="0", **fields)


def described(db: Connection, store_id: str) -> tuple[Any, ...] | None:
    return db.execute(
        "SELECT name, address, city FROM stores WHERE store_id = %s AND described_at IS NOT NULL", (store_id,)
    ).fetchone()


TEXTS = st.sampled_from([None, None, "a", "b"])
SAID = st.fixed_dictionaries({"name": TEXTS, "address": TEXTS, "city": TEXTS})
FILES = st.lists(st.tuples(SAID, st.sampled_from([True, True, False])), min_size=2, max_size=5)


def test_any_order_of_partly_filled_files_ends_the_same(dsn: str, db: Connection) -> None:
    numbers = itertools.count(100)

    @settings(max_examples=60, deadline=None)
    @given(drawn=FILES, data=st.data())
    def check(drawn: Sequence[tuple[dict[str, str | None], bool]], data: st.DataObject) -> None:
        number = str(next(numbers))
        files = [
            stores_file({number: said}, hour, published_known=is_known)
            for hour, (said, is_known) in enumerate(drawn)
        ]
        order = data.draw(st.permutations(files))
        for batches in [list(itertools.chain(*order))] if data.draw(st.booleans()) else order:
            loader.load(batches)
        newest_first = sorted(enumerate(drawn), key=lambda one: (one[1][1], one[0]), reverse=True)
        expected = tuple(
            next((said[field] for _, (said, _) in newest_first if said[field] is not None), None)
            for field in ("name", "address", "city")
        )
        assert described(db, number) == expected

    with Loader(dsn) as loader:
        check()


def test_a_newer_reading_takes_back_what_only_the_older_one_says(dsn: str, db: Connection) -> None:
    where: dict[str, Any] = {"hour": 1, "content_sha256": "ab" * 32}
    with Loader(dsn) as loader:
        loader.load(stores_file({"5": {"name": "דיל", "city": "חיפה"}, "6": {"name": "שש"}}, 0))
        loader.load(stores_file({"5": {"name": "ãéì", "address": "äøöì"}, "6": {"name": "ùù"}}, **where))
        loader.load(stores_file({"5": {"city": "עכו"}}, **where, reader_version=2))
    assert described(db, "5") == ("דיל", None, "עכו")
    assert described(db, "6") == ("שש", None, None)


def test_what_another_file_says_too_outlives_the_older_reading(dsn: str, db: Connection) -> None:
    where: dict[str, Any] = {"hour": 1, "content_sha256": "ab" * 32}
    with Loader(dsn) as loader:
        loader.load(stores_file({"5": {"name": "same", "address": "same"}}, 0))
        loader.load(stores_file({"5": {"name": "same", "address": "same"}}, **where))
        loader.load(stores_file({"5": {"name": "other"}}, **where, reader_version=2))
        assert described(db, "5") == ("other", "same", None)
        loader.load(stores_file({"5": {"name": "same", "address": "same"}}, 2))
        loader.load(stores_file({"5": {"name": "third"}}, **where, reader_version=3))
    assert described(db, "5") == ("same", "same", None)


def test_descriptions_from_before_they_were_kept_by_file_count_on(empty_dsn: str) -> None:
    before = next(step.number for step in schema_steps() if "offers_in_one_unit" in step.name) - 1
    migrate(empty_dsn, schema_steps()[:before])
    with connect(empty_dsn) as db:
        db.execute("INSERT INTO chains VALUES (%s, 'shufersal')", (CHAIN,))
        db.execute(
            "INSERT INTO stores (store_key, chain_id, sub_chain_id, store_id, name, city, described_at, described_row) "
            "VALUES (1, %s, '1', '5', 'old', 'old', %s, 7)",
            (CHAIN, at(1)),
        )
        db.execute(
            "INSERT INTO store_identities VALUES (%s, '5', '1', 1, true, %s, 0), (%s, '5', '0', 1, true, NULL, NULL)",
            (CHAIN, at(1), CHAIN),
        )
        migrate(empty_dsn)
        with Loader(empty_dsn) as loader:
            loader.load(stores_file({"5": {"name": "older", "address": "older"}}, 0))
            assert described(db, "5") == ("old", "older", "old")
            loader.load(stores_file({"5": {"name": "new"}}, 2))
        assert described(db, "5") == ("new", "older", "old")
