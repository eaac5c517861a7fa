"""Files in any order, of known and of unknown time, give the same current prices and promotions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.records.messages import IngestBatch
from tests.database.samples import empty, file_batches, item, promotion


@dataclass(frozen=True)
class Drawn:
    """A file: whether it is full, whether its time of publication is known, its rows (code, price)."""

    is_full: bool
    published_known: bool
    rows: tuple[tuple[str, int], ...]


ROWS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 3)), unique_by=lambda row: row[0], min_size=1)
FILES = st.builds(Drawn, st.booleans(), st.booleans(), ROWS.map(tuple))


def batches_of(drawn: Drawn, hour: int, subject: str, **fields: Any) -> list[IngestBatch]:
    where: dict[str, Any] = {"hour": hour, "published_known": drawn.published_known, **fields}
    if subject == "promotions":
        offers = [promotion(code, str(price)) for code, price in drawn.rows]
        return file_batches(offers, kind="promofull" if drawn.is_full else "promo", **where)
    items = [item(code, str(price)) for code, price in drawn.rows]
    return file_batches(items, kind="pricefull" if drawn.is_full else "price", **where)


def current(db: Connection, subject: str, store_id: str) -> dict[str, Any]:
    statement = {
        "prices": "SELECT item_code, price::text FROM prices JOIN stores USING (store_key) "
        "WHERE ended_at IS NULL AND store_id = %s",
        "promotions": "SELECT promotion_id, item_code FROM promotions JOIN promotion_items USING "
        "(store_key, promotion_id) JOIN stores USING (store_key) WHERE ended_at IS NULL AND store_id = %s",
    }[subject]
    return dict(db.execute(statement.encode(), (store_id,)).fetchall())


def expected(files: Sequence[Drawn]) -> dict[str, str]:
    """The rule, stated once more: of a code's rows the newest of known time wins, else the newest; it is current
    unless a full file of known time that is published later does not list the code."""
    found = {}
    for code in "abc":
        rows = [
            (drawn.published_known, hour, price)
            for hour, drawn in enumerate(files)
            for listed, price in drawn.rows
            if listed == code
        ]
        if not rows:
            continue
        _, published, price = max(rows)
        if not any(
            drawn.is_full and drawn.published_known and hour > published and code not in dict(drawn.rows)
            for hour, drawn in enumerate(files)
        ):
            found[code] = str(price)
    return found


@pytest.mark.parametrize("subject", ["prices", "promotions"])
def test_any_order_ends_in_the_same_current_rows(dsn: str, db: Connection, subject: str) -> None:
    numbers = itertools.count(100)

    @settings(max_examples=60, deadline=None)
    @given(drawn=st.lists(FILES, min_size=2, max_size=5), data=st.data())
    def check(drawn: Sequence[Drawn], data: st.DataObject) -> None:
        store_id = str(next(numbers))
        files = [batches_of(one, hour, subject, store_id=store_id) for hour, one in enumerate(drawn)]
        order = data.draw(st.permutations(files))
        if data.draw(st.booleans()):
            loader.load([batch for batches in order for batch in batches])
        else:
            for batches in order:
                loader.load(batches)
        assert current(db, subject, store_id) == expected(drawn)

    with Loader(dsn) as loader:
        check()


@pytest.mark.parametrize("subject", ["prices", "promotions"])
def test_a_row_that_a_full_file_ended_stays_newer_than_one_of_unknown_time(
    dsn: str, db: Connection, subject: str
) -> None:
    """Also where the full file comes first, so that the row is out of date when it comes."""
    known = batches_of(Drawn(False, True, (("a", 3),)), 7, subject)
    full = batches_of(Drawn(True, True, (("b", 1),)), 8, subject)
    unknown = batches_of(Drawn(False, False, (("a", 2), ("c", 2))), 9, subject)
    for order in itertools.permutations([known, full, unknown]):
        empty(db)
        with Loader(dsn) as loader:
            for batches in order:
                loader.load(batches)
        assert current(db, subject, "5") == {"b": "1", "c": "2"}


@pytest.mark.parametrize("subject", ["prices", "promotions"])
@pytest.mark.parametrize("at_once", [True, False])
def test_a_row_that_vanishes_and_returns_unchanged_is_current(
    dsn: str, db: Connection, subject: str, at_once: bool
) -> None:
    """The full file that lists it again confirms it, before the one that does not list it is complete."""
    first, last = (
        batches_of(Drawn(True, True, (("a", 1), ("b", 1))), hour, subject, size=1) for hour in (0, 2)
    )
    without = batches_of(Drawn(True, True, (("b", 1), ("c", 1))), 1, subject, size=1)
    with Loader(dsn) as loader:
        loader.load(first)
        for batches in [[*without, *last]] if at_once else [without[:1], last[:1], without[1:], last[1:]]:
            loader.load(batches)
    assert current(db, subject, "5") == {"a": "1", "b": "1"}
