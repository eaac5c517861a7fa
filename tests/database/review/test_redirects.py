"""Redirects of masters by a build, and people's decisions, which have precedence."""

from __future__ import annotations

from collections.abc import Sequence

from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.review.known_items import known_items
from gogobe.database.review.merges import BUILDER, active_merges, merge_masters, undo_merge
from gogobe.database.review.redirects import Redirected, redirect_masters
from tests.database.samples import file_batches, item

FOUND = 10**14  # what a build calls a cluster


class Build:
    """What a build says of chains' codes; codes that it does not know have no master."""

    def __init__(self, **masters: int) -> None:
        self._masters = {code.removeprefix("code_"): master for code, master in masters.items()}

    def __call__(self, codes: Sequence[tuple[str, str]]) -> list[int]:
        return [self._masters.get(code, 0) for _, code in codes]


def merged(db: Connection) -> dict[int, int]:
    rows = db.execute("SELECT master_id, merged_into FROM masters WHERE merged_into IS NOT NULL").fetchall()
    return dict(rows)


def test_a_cluster_is_redirected_once(three: str, db: Connection) -> None:
    build = Build(code_1=1, code_2=1, code_3=1)
    assert redirect_masters(three, build) == Redirected(merged=2, undone=0, moved=0)
    assert merged(db) == {2: 1, 3: 1}
    assert redirect_masters(three, build) == Redirected(merged=0, undone=0, moved=0)
    assert {one.merged_by for one in active_merges(three)} == {BUILDER}


def test_a_cluster_that_no_file_has_mentioned_yet(three: str, db: Connection) -> None:
    redirect_masters(three, Build(code_1=FOUND, code_2=FOUND))
    assert merged(db) == {1: FOUND, 2: FOUND}
    assert db.execute("SELECT name FROM masters WHERE master_id = %s", (FOUND,)).fetchone() == ("tomato 1",)


def test_codes_that_the_build_does_not_know_stay_as_they_are(three: str, db: Connection) -> None:
    assert redirect_masters(three, Build()) == Redirected(merged=0, undone=0, moved=0)
    assert merged(db) == {}


def test_a_later_build_undoes_what_it_finds_otherwise(three: str, db: Connection) -> None:
    redirect_masters(three, Build(code_1=1, code_2=1, code_3=1))
    done = redirect_masters(three, Build(code_1=1, code_2=1, code_3=3))
    assert done == Redirected(merged=0, undone=1, moved=0)
    assert merged(db) == {2: 1}


def test_a_cluster_changes_its_head(three: str, db: Connection) -> None:
    redirect_masters(three, Build(code_1=1, code_2=1, code_3=1))
    redirect_masters(three, Build(code_1=3, code_2=3, code_3=3))
    assert merged(db) == {1: 3, 2: 3}
    redirect_masters(three, Build(code_1=1, code_2=1, code_3=1))
    assert merged(db) == {2: 1, 3: 1}


def test_codes_of_a_master_that_was_split_are_given_to_another(three: str, db: Connection) -> None:
    with Loader(three) as loader:
        rows = [item("4", "4", master_id=1, name="cucumber")]
        loader.load(file_batches(rows, hour=1, chain="c4", chain_id="4"))
    done = redirect_masters(three, Build(code_1=1, code_2=2, code_3=3, code_4=3))
    assert done == Redirected(merged=0, undone=0, moved=1)
    aliases = db.execute("SELECT item_code, master_id FROM master_aliases ORDER BY item_code").fetchall()
    assert aliases == [("1", 1), ("2", 2), ("3", 3), ("4", 3)]
    assert merged(db) == {}


def test_what_a_person_has_merged_stays_merged(three: str, db: Connection) -> None:
    merge_masters(three, 1, 3, reason="the same tomato", by="dana")
    redirect_masters(three, Build(code_1=1, code_2=1, code_3=1))
    assert merged(db) == {1: 3, 2: 3}, "the cluster follows the person's word"
    assert [one.merged_by for one in active_merges(three)] == ["dana", BUILDER]


def test_what_a_person_has_parted_the_next_build_hears_of(three: str) -> None:
    redirect_masters(three, Build(code_1=1, code_2=1))
    (redirect,) = active_merges(three)
    undo_merge(three, redirect.merge_id, by="dana")
    apart = {one.item_code: one.apart_from for one in known_items(three)}
    assert apart == {"1": (), "2": (1,), "3": ()}


def test_what_a_build_has_undone_keeps_nothing_apart(three: str) -> None:
    redirect_masters(three, Build(code_1=1, code_2=1))
    redirect_masters(three, Build(code_1=1, code_2=2))
    assert [one.apart_from for one in known_items(three)] == [(), (), ()]
    assert [one.decided for one in known_items(three)] == [False, False, False]


def test_what_a_person_has_merged_counts_as_decided(three: str) -> None:
    merge_masters(three, 2, 1, reason="the same tomato", by="dana")
    redirect_masters(three, Build(code_1=1, code_2=1, code_3=1))
    assert [(one.master_id, one.decided) for one in known_items(three)] == [(1, False), (1, True), (1, False)]


def test_services_are_no_products(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "1"), item("2", "2", is_service=True)]))
    assert [one.item_code for one in known_items(dsn)] == ["1"]
    assert redirect_masters(dsn, Build(code_1=1, code_2=1)) == Redirected(merged=0, undone=0, moved=0)
    assert merged(db) == {}
