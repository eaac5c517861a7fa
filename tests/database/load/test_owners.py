"""Ownership of ChainIds: a batch of a chain that does not own its ChainId is refused before any row is
loaded."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from gogobe.chains.load import load_chains
from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.load.results import LoadResult
from tests.database.samples import CHAIN, file_batches, item

RAMI_LEVY = "7290058140886"


def load(dsn: str, *sources: tuple[str, str], price: str = "5") -> LoadResult:
    """Loads a price of each chain and ChainId, all together."""
    batches = [
        batch
        for chain, chain_id in sources
        for batch in file_batches([item("1", price)], chain=chain, chain_id=chain_id, hour=float(price))
    ]
    with Loader(dsn, chains=load_chains()) as loader:
        return loader.load(batches)


def loaded(db: Connection) -> list[Any]:
    return db.execute(
        "SELECT s.chain_id, p.price FROM prices p JOIN stores s USING (store_key) ORDER BY 1"
    ).fetchall()


def test_the_first_chain_that_is_loaded_under_an_id_owns_it(dsn: str, db: Connection) -> None:
    assert load(dsn, ("konzum", "1")).failed == []
    result = load(dsn, ("spar", "1"), ("Konzum", "1"), ("spar", "2"), price="6")
    ((failed,), batches) = result.failed, result.batches
    assert (failed.reason, failed.batch.chain, batches) == ("chain_differs", "spar", 2)
    for words in ("spar", "ChainId 1", "konzum", "[chains.spar]"):
        assert words in failed.detail
    assert loaded(db) == [("1", 6), ("2", 6)]
    assert db.execute("SELECT chain_id, name FROM chains ORDER BY 1").fetchall() == [
        ("1", "konzum"),
        ("2", "spar"),
    ]
    # Nothing is entered in the ledger of the chain whose id it is not.
    assert db.execute("SELECT count(*) FROM files WHERE chain = 'spar' AND chain_id = '1'").fetchone() == (0,)


@pytest.mark.parametrize(
    ("chain", "chain_id"), [("shufersal", RAMI_LEVY), ("konzum", RAMI_LEVY), ("shufersal", "1")]
)
def test_listed_chains_and_their_ids_are_as_listed(dsn: str, db: Connection, chain: str, chain_id: str) -> None:
    result = load(dsn, (chain, chain_id), ("rami-levy", RAMI_LEVY), ("shufersal", CHAIN))
    assert [(one.reason, one.batch.chain, one.batch.chain_id) for one in result.failed] == [
        ("chain_differs", chain, chain_id)
    ]
    assert loaded(db) == [(CHAIN, 5), (RAMI_LEVY, 5)]


def test_chains_that_share_an_id_both_load_whoever_was_first(dsn: str, db: Connection) -> None:
    assert load(dsn, ("yeinot_bitan", "7290055700007")).failed == []
    assert load(dsn, ("carrefour", "7290055700007"), price="6").failed == []
    assert loaded(db) == [("7290055700007", 6)]


def test_of_chains_that_claim_an_id_at_once_one_gets_it(dsn: str, db: Connection) -> None:
    results: list[LoadResult] = []
    threads = [
        threading.Thread(target=lambda chain=chain: results.append(load(dsn, (chain, "1")))) for chain in "abcd"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(db.execute("SELECT name FROM chains").fetchall()) == 1
    assert sorted(len(result.failed) for result in results) == [0, 1, 1, 1]
    assert len(loaded(db)) == 1


def test_without_chains_nothing_is_refused(dsn: str) -> None:
    with Loader(dsn) as loader:
        for chain in ("a", "b"):
            assert loader.load(file_batches([item(chain, "5")], chain=chain, hour=1)).failed == []
