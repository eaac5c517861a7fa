"""Review pairs: recorded, answered, and answered differently later."""

from __future__ import annotations

import msgspec
import pytest

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.review.known_items import known_items
from gogobe.database.review.merges import BUILDER, active_merges, merge_masters
from gogobe.database.review.pairs import (
    ReviewAnswer,
    UnknownPairError,
    decide,
    decided_pairs,
    record_decisions,
    undecided_pairs,
)
from gogobe.database.views import refresh_views
from gogobe.masters.codes.decisions import Decision
from tests.database.samples import CHAIN, file_batches, item

OWN, TOMATO, THIRD = 10**14 + 55, 10**14 + 1, 10**14 + 3
PAIR = Decision("review", CHAIN, "55", "עגבניה", OWN, TOMATO, "עגבניות", 0.7, ["same words"])
SAME = ReviewAnswer(CHAIN, "55", TOMATO, is_same=True)


def load(dsn: str, hour: float) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("55", "5", master_id=OWN, match="review", name="עגבניה")], hour=hour))


def alias(db: Connection) -> tuple[object, ...] | None:
    return db.execute("SELECT master_id, match, decided_at IS NOT NULL FROM master_aliases").fetchone()


def today(db: Connection) -> object:
    return db.execute("SELECT current_date").fetchone()


def test_a_pair_is_kept_once_with_its_latest_evidence(dsn: str) -> None:
    record_decisions(dsn, [PAIR, PAIR])
    record_decisions(dsn, [msgspec.structs.replace(PAIR, score=0.8)])
    (pair,) = undecided_pairs(dsn)
    assert (pair.candidate_name, pair.reasons, round(pair.score, 3)) == ("עגבניות", ["same words"], 0.8)


def test_the_evidence_of_a_day_does_not_depend_on_the_order_of_stores(dsn: str, db: Connection) -> None:
    """Stores of a chain spell an item differently; the surest evidence is kept, and a later day replaces it."""
    surest = msgspec.structs.replace(PAIR, score=0.9, match="vector", item_name="עגבניה אדומה")
    for order in ([PAIR, surest], [surest, PAIR]):
        begun = ended = None
        while begun is None or begun != ended:  # again where a day ends between the two
            begun = today(db)
            db.execute("DELETE FROM review_pairs")
            for one in order:
                record_decisions(dsn, [one])
            ended = today(db)
        assert db.execute("SELECT match, item_name FROM review_pairs").fetchall() == [
            ("vector", "עגבניה אדומה")
        ]
    db.execute("UPDATE review_pairs SET last_seen_at = last_seen_at - interval '1 day'")
    record_decisions(dsn, [PAIR])
    assert db.execute("SELECT match, item_name FROM review_pairs").fetchall() == [("review", "עגבניה")]


def test_yes_moves_the_alias_for_good(dsn: str, db: Connection) -> None:
    load(dsn, 0)
    record_decisions(dsn, [PAIR])
    decide(dsn, [SAME], by="dana")
    assert alias(db) == (TOMATO, "alias", True)
    with Loader(dsn) as loader:
        rows = [item("55", "5", master_id=OWN, match="review", name="עגבניה אדומה")]
        loader.load(file_batches(rows, hour=24))
    assert alias(db) == (TOMATO, "alias", True)
    record_decisions(dsn, [PAIR, msgspec.structs.replace(PAIR, candidate_id=TOMATO + 1)])
    assert undecided_pairs(dsn) == [], "an item that has its master needs no word on other candidates"
    assert [(pair.is_same, pair.decided_by) for pair in decided_pairs(dsn)] == [(True, "dana")]
    assert db.execute("SELECT name FROM masters WHERE master_id = %s", (TOMATO,)).fetchone() == (
        "עגבניה אדומה",
    )


def test_no_keeps_the_alias_apart_for_good(dsn: str, db: Connection) -> None:
    load(dsn, 0)
    record_decisions(dsn, [PAIR])
    no = msgspec.structs.replace(SAME, is_same=False)
    decide(dsn, [no], by="dana")
    assert alias(db) == (OWN, "new", True)
    with Loader(dsn) as loader:
        rows = [item("55", "5", master_id=TOMATO, match="vector", score=0.9, name="עגבניה")]
        loader.load(file_batches(rows, hour=24))
    assert alias(db) == (OWN, "new", True), "the pipeline does not undo it"
    decide(dsn, [SAME], by="dana")
    assert alias(db) == (TOMATO, "alias", True)
    decide(dsn, [no], by="dana")
    assert alias(db) == (OWN, "new", True)


def test_no_takes_an_item_back_that_the_resolver_had_given(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        rows = [item("55", "5", master_id=TOMATO, match="vector", score=0.9, name="עגבניה")]
        loader.load(file_batches(rows))
    record_decisions(dsn, [msgspec.structs.replace(PAIR, match="vector")])
    assert undecided_pairs(dsn) == []
    assert [pair.candidate_id for pair in undecided_pairs(dsn, match="vector")] == [TOMATO]
    decide(dsn, [msgspec.structs.replace(SAME, is_same=False)], by="dana")
    assert alias(db) == (OWN, "new", True)


def test_after_a_no_the_other_candidates_are_open(dsn: str, db: Connection) -> None:
    load(dsn, 0)
    other = msgspec.structs.replace(PAIR, candidate_id=TOMATO + 1)
    record_decisions(dsn, [PAIR, other])
    decide(dsn, [msgspec.structs.replace(SAME, is_same=False)], by="dana")
    assert [pair.candidate_id for pair in undecided_pairs(dsn)] == [TOMATO + 1]
    decide(dsn, [ReviewAnswer(CHAIN, "55", TOMATO + 1, is_same=True)], by="dana")
    assert alias(db) == (TOMATO + 1, "alias", True)
    decide(dsn, [msgspec.structs.replace(SAME, is_same=False)], by="dana")
    assert alias(db) == (TOMATO + 1, "alias", True), "no to one leaves the yes to another"
    decided = {pair.candidate_id: pair.is_same for pair in decided_pairs(dsn)}
    assert decided == {TOMATO: False, TOMATO + 1: True}


def test_decisions_go_into_the_next_catalogue(dsn: str) -> None:
    rows = [
        item(code, "5", master_id=OWN + n, match="review", name="עגבניה") for n, code in enumerate(("55", "56"))
    ]
    with Loader(dsn) as loader:
        loader.load(file_batches(rows))
    second = msgspec.structs.replace(PAIR, item_code="56", own_master_id=OWN + 1)
    record_decisions(dsn, [PAIR, second])
    decide(dsn, [SAME, ReviewAnswer(CHAIN, "56", TOMATO, is_same=False)], by="dana")
    known = {one.item_code: (one.master_id, one.decided) for one in known_items(dsn)}
    assert known == {"55": (TOMATO, True), "56": (OWN + 1, True)}


def test_an_unknown_pair_undoes_the_whole_call(dsn: str) -> None:
    record_decisions(dsn, [PAIR])
    with pytest.raises(UnknownPairError, match="code 99"):
        decide(dsn, [SAME, msgspec.structs.replace(SAME, item_code="99")], by="dana")
    assert len(undecided_pairs(dsn)) == 1


@pytest.fixture
def clusters(dsn: str) -> str:
    """Two chains' cucumbers that are one master, and a third chain's, which is another: OWN and TOMATO."""
    with Loader(dsn) as loader:
        for number, master in ((1, OWN), (2, OWN), (3, TOMATO)):
            rows = [item(str(number), "5", master_id=master, name=f"מלפפון {number}")]
            loader.load(file_batches(rows, chain=f"c{number}", chain_id=str(number)))
    pair = msgspec.structs.replace(PAIR, chain_id="1", item_code="1")
    record_decisions(dsn, [pair, msgspec.structs.replace(pair, chain_id="2", item_code="2", score=0.8)])
    return dsn


def merged(db: Connection) -> dict[int, int]:
    return dict(
        db.execute("SELECT master_id, merged_into FROM masters WHERE merged_into IS NOT NULL").fetchall()
    )


def test_two_clusters_are_asked_about_once_by_their_likeliest_pair(clusters: str) -> None:
    assert [(pair.item_code, round(pair.score, 3)) for pair in undecided_pairs(clusters)] == [("2", 0.8)]


def test_one_answer_settles_a_cluster_and_can_be_taken_back(clusters: str, db: Connection) -> None:
    yes = ReviewAnswer("2", "2", TOMATO, is_same=True)
    decide(clusters, [yes], by="dana")
    assert merged(db) == {OWN: TOMATO}
    assert undecided_pairs(clusters) == []
    assert {one.master_id for one in known_items(clusters)} == {TOMATO}
    decide(clusters, [yes], by="dana")
    assert merged(db) == {OWN: TOMATO}, "saying it twice changes nothing"
    decide(clusters, [msgspec.structs.replace(yes, is_same=False)], by="dana")
    assert merged(db) == {}
    assert undecided_pairs(clusters) == []
    assert [one.apart_from for one in known_items(clusters)] == [(TOMATO,), (TOMATO,), ()]


def test_a_no_settles_a_cluster(clusters: str, db: Connection) -> None:
    decide(clusters, [ReviewAnswer("2", "2", TOMATO, is_same=False)], by="dana")
    assert undecided_pairs(clusters) == []
    assert merged(db) == {}


def test_a_yes_takes_the_cluster_along_that_a_build_has_made(clusters: str, db: Connection) -> None:
    with Loader(clusters) as loader:
        rows = [item("4", "5", master_id=THIRD, name="מלפפון 4")]
        loader.load(file_batches(rows, chain="c4", chain_id="4"))
    redirect = merge_masters(clusters, OWN, THIRD, reason="one by name", by=BUILDER)
    decide(clusters, [ReviewAnswer("2", "2", TOMATO, is_same=True)], by="dana")
    assert merged(db) == {OWN: TOMATO, THIRD: TOMATO}
    by_whom = {one.from_id: one.merged_by for one in active_merges(clusters)}
    assert by_whom == {OWN: "dana", THIRD: BUILDER}
    assert redirect not in {one.merge_id for one in active_merges(clusters)}


def test_what_is_asked_first_makes_most_prices_comparable(dsn: str) -> None:
    with Loader(dsn) as loader:
        for store in range(3):
            rows = [item("1", "5", master_id=OWN), item("2", "5", master_id=THIRD)][: 2 if store == 0 else 1]
            loader.load(file_batches(rows, chain="c1", chain_id="1", store_id=str(store)))
            rows = [item("3", "5", master_id=TOMATO)]
            loader.load(file_batches(rows, chain="c3", chain_id="3", store_id=str(store)))
    refresh_views(dsn)
    many = msgspec.structs.replace(PAIR, chain_id="1", item_code="1", score=0.6)
    few = msgspec.structs.replace(PAIR, chain_id="1", item_code="2", own_master_id=THIRD, score=0.9)
    record_decisions(dsn, [many, few])
    assert [(pair.item_code, pair.offers) for pair in undecided_pairs(dsn)] == [("1", 3), ("2", 1)]
