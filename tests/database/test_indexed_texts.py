"""Every text column of an index has a maximum length in the code that a B-tree accepts."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

from gogobe.database.connection import Connection
from gogobe.database.indexed_texts import BTREE_BYTES, BYTES_A_CHARACTER, INDEXED_TEXTS, UNBOUNDED
from gogobe.database.load.loader import Loader
from gogobe.database.review.pairs import record_decisions
from gogobe.database.views import refresh_views
from gogobe.feeds.values import LONGEST_CODE, LONGEST_TEXT
from gogobe.masters.codes.decisions import Decision
from gogobe.records.rows import PromotionGroup
from tests.database.samples import MORNING, file_batches, item, promotion, store

# A line for each column of each index; the expression of an index on one is a column of the index itself.
_INDEXED: Final = """
    SELECT ix.relname, t.relname, coalesce(a.attname, 'expression'), ty.typcategory, am.amname, oc.opcname
    FROM pg_index i
    JOIN pg_class ix ON ix.oid = i.indexrelid
    JOIN pg_am am ON am.oid = ix.relam
    JOIN pg_class t ON t.oid = i.indrelid AND NOT t.relispartition
    JOIN pg_namespace n ON n.oid = t.relnamespace AND n.nspname = 'public'
    CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY AS k (attnum, place)
    JOIN pg_attribute own ON own.attrelid = i.indexrelid AND own.attnum = k.place
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
    LEFT JOIN pg_opclass oc ON oc.oid = (i.indclass::oid[])[k.place - 1]
    JOIN pg_type ty ON ty.oid = coalesce(a.atttypid, own.atttypid)
"""
_TEXTS: Final = ("S", "A")  # pg_type.typcategory: strings and arrays
Column = tuple[str, ...]


def bounded_columns(db: Connection) -> list[Column]:
    """The columns of indexes whose entries have a longest length."""
    return [row for row in db.execute(_INDEXED).fetchall() if row[4:] not in UNBOUNDED]


def texts_without_bound(db: Connection) -> list[Column]:
    return [row for row in bounded_columns(db) if row[3] in _TEXTS and row[2] not in INDEXED_TEXTS]


def test_every_indexed_text_has_a_bound(db: Connection) -> None:
    assert texts_without_bound(db) == [], "add a line to INDEXED_TEXTS, and a check where the value comes in"
    used = {column for _, _, column, category, *_ in bounded_columns(db) if category in _TEXTS}
    assert set(INDEXED_TEXTS) <= used, "a line for a column that no index has"


def test_no_entry_of_a_b_tree_can_be_too_long(db: Connection) -> None:
    sizes: dict[str, int] = defaultdict(int)
    for index, _, column, category, *_ in bounded_columns(db):
        # 16: other types' values, and a text's own length and padding.
        sizes[index] += 16 + (INDEXED_TEXTS[column].characters * BYTES_A_CHARACTER if category in _TEXTS else 0)
    assert {index: size for index, size in sizes.items() if size > BTREE_BYTES} == {}


@pytest.mark.parametrize(
    ("definition", "columns"),
    [
        ("ON stores (city)", {"city"}),
        ("ON stores (store_key) INCLUDE (address, updated_at)", {"address"}),
        ("ON stores (lower(name))", {"expression"}),
        ("ON promotions USING gin (club_ids)", {"club_ids"}),
        ("ON stores USING hash (city)", set()),
        ("ON stores USING gin (city gin_trgm_ops)", set()),
        ("ON stores (latitude)", set()),
    ],
)
def test_a_new_index_on_a_text_without_bound_is_found(
    db: Connection, definition: str, columns: set[str]
) -> None:
    db.execute(f"CREATE INDEX a_new_one {definition}".encode())
    assert {column for index, _, column, *_ in texts_without_bound(db) if index == "a_new_one"} == columns


def test_the_longest_codes_and_texts_are_loaded_and_shown(dsn: str, db: Connection) -> None:
    text = "".join(map(chr, range(0x20000, 0x20000 + LONGEST_TEXT)))
    code = text[:LONGEST_CODE]
    yesterday = (datetime.now(UTC) - MORNING) / timedelta(hours=1) - 24
    where: dict[str, Any] = {"chain_id": code, "sub_chain_id": code, "store_id": code}
    offer = promotion(code, code, groups=[PromotionGroup(code)], club_ids=[code], description=text)
    described = dict.fromkeys(("name", "address", "city", "zip_code", "chain_name", "sub_chain_name"), text)
    with Loader(dsn) as loader:
        for hour, (rows, kind) in enumerate(
            (
                ([item(code, "5", name=text, manufacturer=text)], "pricefull"),
                ([item(code, "6", name=text)], "price"),
                ([offer], "promofull"),
                ([store(code, sub_chain_id=code, **described)], "stores"),
            )
        ):
            result = loader.load(file_batches(rows, kind=kind, hour=yesterday + hour, **where))  # type: ignore[arg-type]
            assert not result.failed
    record_decisions(dsn, [Decision("review", code, code, text, 10**14, 1, text, 0.5)])
    refresh_views(dsn)
    assert db.execute("SELECT chain_id, item_code FROM changed_this_week").fetchall() == [(code, code)]
    assert db.execute("SELECT name, city FROM stores").fetchall() == [(text, text)]
