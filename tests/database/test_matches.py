"""Match statistics."""

from __future__ import annotations

from gogobe.database.load.loader import Loader
from gogobe.database.matches import ChainMatches, joined_by_name, matches_by_chain
from gogobe.database.review.pairs import record_decisions
from gogobe.database.views import refresh_views
from gogobe.masters.codes.decisions import Decision
from tests.database.samples import file_batches, item

TOMATO, ONION = 10**14 + 1, 10**14 + 2


def test_counts_and_products_joined_by_name(dsn: str) -> None:
    milk = item("7290000042435", "6", master_id=7290000042435, match="gtin", score=1.0, name="חלב")
    chains = {
        "1": [
            item("1", "5", master_id=TOMATO, name="עגבניות"),
            item("2", "4", master_id=ONION, name="בצל"),
            milk,
        ],
        "2": [item("77", "7", master_id=TOMATO, match="vector", score=0.9, name="עגבניה"), milk],
        "3": [
            item("88", "3", master_id=TOMATO, match="vector", score=0.8, name="עגבניה ארוזה"),
            item("89", "3", master_id=ONION, match="vector", score=0.95, name="בצל יבש"),
            item("90", "3", master_id=10**14 + 90, match="review", score=0.5, name="בצל ירוק"),
        ],
    }
    with Loader(dsn) as loader:
        for chain_id, rows in chains.items():
            loader.load(file_batches(rows, chain=f"c{chain_id}", chain_id=chain_id))
    record_decisions(
        dsn, [Decision("vector", "2", "77", "עגבניה", 10**14 + 77, TOMATO, "עגבניות", 0.9, ["same words"])]
    )
    refresh_views(dsn)
    assert matches_by_chain(dsn) == [
        ChainMatches("c1", gtin=1, alias=0, vector=0, review=0, new=2),
        ChainMatches("c2", gtin=1, alias=0, vector=1, review=0, new=0),
        ChainMatches("c3", gtin=0, alias=0, vector=2, review=1, new=0),
    ]
    found = joined_by_name(dsn, 10)
    assert [(one.master_id, one.chain, one.match, str(one.cheapest)) for one in found] == [
        (TOMATO, "c1", "new", "5"),
        (TOMATO, "c2", "vector", "7"),
        (TOMATO, "c3", "vector", "3"),
        (ONION, "c1", "new", "4"),
        (ONION, "c3", "vector", "3"),
    ]
    assert found[1].reasons == ["same words"]
    assert {one.master_id for one in joined_by_name(dsn, 1)} == {TOMATO}
