"""What the tables hold depends on the batches in the order of their arrival, never on the commits they shared."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Item, Kind, Promotion
from tests.database.samples import file_batches, item, promotion

# Rows of every table that the loader writes. Taken out: times of the load, keys that the database numbers.
_TABLES: Final[Mapping[str, Sequence[str]]] = {
    "prices": (),
    "price_changes": (),
    "promotions": (),
    "promotion_groups": (),
    "promotion_items": (),
    "files": ("seen_at", "first_loaded_at", "completed_at"),
    "file_addresses": ("seen_at",),
    "batches": ("committed_at",),
    "listed_codes": ("listed_at",),
    "refused_rows": (),
    "stores": ("first_seen_at", "identity_version"),
    "master_aliases": ("first_seen_at",),
    "masters": ("first_seen_at",),
}
_STORE_OF: Final = "concat_ws('/', s.chain_id, s.sub_chain_id, s.store_id)"


def tables(db: Connection) -> dict[str, list[str]]:
    """All rows as text, sorted. A master without an alias is left out: the refresh of the views removes it."""
    found = {}
    for table, left_out in _TABLES.items():
        where = " WHERE EXISTS (SELECT 1 FROM master_aliases a WHERE a.master_id = t.master_id)"
        statement = f"SELECT to_jsonb(t) - %s::text[] FROM {table} t" + where * (table == "masters")
        rows = db.execute(statement.encode(), (["store_key", *left_out],)).fetchall()
        found[table] = sorted(repr(sorted(row.items())) for (row,) in rows)
    keyed = db.execute(
        f"SELECT {_STORE_OF}, p.item_code, p.price::text FROM prices p JOIN stores s USING (store_key)".encode()
    ).fetchall()
    return found | {"prices of stores": sorted(map(repr, keyed))}


KINDS: Final[Sequence[Kind]] = ("price", "pricefull", "promo", "promofull")
CODES: Final = ("100", "200", "לחם")
ITEMS: Final = st.builds(
    lambda code, price, **fields: item(code, str(price), **fields),
    st.sampled_from(CODES),
    st.sampled_from((1, 2, 90)),
    unit_price=st.sampled_from((None, Decimal(7))),
    name=st.sampled_from(("milk", "milk 3%", "fresh milk")),
    manufacturer=st.sampled_from((None, "dairy")),
    is_weighted=st.sampled_from((None, True)),
    master_id=st.sampled_from((11, 12)),
)
PROMOTIONS: Final = st.builds(
    lambda name, code, text: promotion(name, code, description=text),
    st.sampled_from("abc"),
    st.sampled_from(CODES),
    st.sampled_from(("1+1", "2 for 10")),
)


@st.composite
def one_file(draw: st.DrawFn) -> list[IngestBatch]:
    kind = draw(st.sampled_from(KINDS))
    rows: list[Item | Promotion] = draw(
        st.lists(PROMOTIONS if kind.startswith("promo") else ITEMS, max_size=4 if "full" in kind else 3)
    )
    return file_batches(
        rows,
        kind=kind,
        hour=draw(st.integers(0, 5)) * 12,
        size=draw(st.integers(1, 3)),
        complete=draw(st.sampled_from((True, True, True, False))),
        announced=draw(st.sampled_from((None, None, 2, 9))),
        published_known=draw(st.sampled_from((True, True, False))),
        store_id=draw(st.sampled_from("56")),
    )


@st.composite
def arrivals(draw: st.DrawFn) -> list[IngestBatch]:
    """Batches of several files in an order in which they may arrive: of one file in turn, files interleaved
    now and then, and some batches again."""
    files = draw(
        st.lists(one_file(), min_size=2, max_size=6, unique_by=lambda batches: batches[0].content_sha256)
    )
    found = [batch for batches in files for batch in batches]
    if draw(st.booleans()):
        turns = [number for number, batches in enumerate(files) for _ in batches]
        waiting = [iter(batches) for batches in files]
        found = [next(waiting[number]) for number in draw(st.permutations(turns))]
    for batch in draw(st.lists(st.sampled_from(found), max_size=2)):
        found.insert(draw(st.integers(0, len(found))), batch)
    return found


def grouped(batches: Sequence[IngestBatch], cuts: Iterable[int]) -> list[Sequence[IngestBatch]]:
    places = sorted({0, *cuts, len(batches)})
    return [batches[start:end] for start, end in itertools.pairwise(places)]


def test_commits_leave_no_trace(dsn: str, db: Connection) -> None:
    @settings(max_examples=30, deadline=None)
    @given(batches=arrivals(), data=st.data())
    def check(batches: list[IngestBatch], data: st.DataObject) -> None:
        cuts = data.draw(st.lists(st.integers(0, len(batches)), max_size=3), label="cuts")
        one_by_one = after(dsn, db, [[batch] for batch in batches])
        assert after(dsn, db, [batches]) == one_by_one
        assert after(dsn, db, grouped(batches, cuts)) == one_by_one

    check()


def after(dsn: str, db: Connection, commits: Iterable[Sequence[IngestBatch]]) -> dict[str, list[str]]:
    """The tables after these commits into an empty database."""
    with db.transaction():  # TRUNCATE takes ten times as long on tables of some rows
        db.execute("SET LOCAL session_replication_role = replica")
        for table in ("chains", "store_identities", *_TABLES):
            db.execute(f"DELETE FROM {table}".encode())
    with Loader(dsn) as loader:
        for batches in commits:
            assert loader.load(batches).failed == []
    return tables(db)
