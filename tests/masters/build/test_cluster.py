"""Clustering of goods without a usable barcode during a build: one master per product."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.masters.text.facts import Described
from gogobe.records.rows import Item
from tests.masters.catalogues import gtin, row, rows_of
from tests.masters.evaluation.test_evaluate_pairs import loose_rows

VEGETABLES = {
    "a": {"100": "עגבניה", "101": "מלפפון", "102": "לימון", "103": "לימון ליים", "104": "פלפל אדום"},
    "b": {"2036": "עגבנייה ישראל", "2028": "מלפפון ישראל", "2027": "לימון ישראל", "2061": "פלפל אדום ישראל"},
    "c": {"13008": "עגבניות", "12865": "מלפפונים", "14296": "לימון במשקל", "13001": "פלפל כתום"},
}


def vegetable(chain: str, code: str, name: str, **facts: object) -> CatalogueRow:
    return CatalogueRow(chain, code, Described(name, price=7.0, is_weighted=True), **facts)  # type: ignore[arg-type]


def rows(**facts: object) -> list[CatalogueRow]:
    return [
        vegetable(chain, code, name, **facts)
        for chain, sold in VEGETABLES.items()
        for code, name in sold.items()
    ]


def built(folder: Path, listed: list[CatalogueRow]) -> Snapshot:
    others = rows_of("d", [f"מגבת רחצה מספר {number}" for number in range(40)])
    build_snapshot([*listed, *others], folder, version="1")
    return open_snapshot(folder)


def resolve(snapshot: Snapshot, chain: str, code: str, name: str = "") -> Item:
    item = Item(item_code=code, price=1, row=1, name=name)  # type: ignore[arg-type]
    Resolver(snapshot).resolve(chain, [item])
    return item


def master(snapshot: Snapshot, chain: str, code: str) -> int:
    return resolve(snapshot, chain, code).master_id


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return built(tmp_path_factory.mktemp("clusters") / "s", rows())


def test_one_vegetable_of_three_chains_is_one_master(snapshot: Snapshot) -> None:
    for codes in (("100", "2036", "13008"), ("101", "2028", "12865"), ("102", "2027", "14296")):
        ids = {master(snapshot, chain, code) for chain, code in zip("abc", codes, strict=True)}
        assert len(ids) == 1
        assert ids <= {computed_master_id(chain, code) for chain, code in zip("abc", codes, strict=True)}


def test_varieties_and_colours_are_not(snapshot: Snapshot) -> None:
    assert master(snapshot, "a", "103") != master(snapshot, "a", "102")
    assert master(snapshot, "a", "104") == master(snapshot, "b", "2061") != master(snapshot, "c", "13001")


def test_why_an_item_is_in_its_cluster(snapshot: Snapshot) -> None:
    item = Item(item_code="2036", price=1, row=1)  # type: ignore[arg-type]
    counts = Resolver(snapshot).resolve("b", [item])
    assert (item.match, counts.vector) == ("vector", 1)
    (decision, *_) = counts.decisions
    assert decision.match == "vector"
    assert decision.candidate_id == item.master_id
    assert decision.own_master_id == computed_master_id("b", "2036")
    assert decision.reasons[0] == "the names say the same"
    assert decision.score > 0.9


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    listed = rows()
    parts = []
    for number, order in enumerate(list(permutations(range(3)))[:2]):
        mixed = [one for place in order for one in listed if one.chain_id == "abc"[place]]
        snapshot = built(tmp_path / str(number), mixed)
        parts.append({name: part.sha256 for name, part in snapshot.manifest.parts.items()})
    assert parts[0] == parts[1]


def test_ids_outlive_the_next_build_and_a_new_chain(tmp_path: Path, snapshot: Snapshot) -> None:
    before = {(one.chain_id, one.item_code): master(snapshot, one.chain_id, one.item_code) for one in rows()}
    listed = [
        vegetable(chain, code, VEGETABLES[chain][code], master_id=master_id)
        for (chain, code), master_id in before.items()
    ]
    # The new chain's own ids are lower than the known ones.
    newcomers = [vegetable(f"z{number}", "1", "עגבניה") for number in range(6)]
    after = built(tmp_path / "after", [*listed, *newcomers])
    for (chain, code), master_id in before.items():
        assert master(after, chain, code) == master_id
    assert {master(after, f"z{number}", "1") for number in range(6)} == {before["a", "100"]}


def test_what_a_person_has_kept_apart_stays_apart(tmp_path: Path) -> None:
    one = vegetable("a", "100", "עגבניה", apart_from=(computed_master_id("b", "2036"),))
    snapshot = built(tmp_path / "s", [one, vegetable("b", "2036", "עגבניה ישראל"), vegetable("c", "1", "שום")])
    assert master(snapshot, "a", "100") != master(snapshot, "b", "2036")


def test_what_a_person_has_joined_is_one_whatever_it_is_called(tmp_path: Path) -> None:
    leek = computed_master_id("a", "171")
    listed = [
        vegetable("a", "171", "פרסה לוף"),
        vegetable("b", "13244", "כרישה", master_id=leek, decided=True),
        vegetable("c", "9", "כרישה"),
    ]
    snapshot = built(tmp_path / "s", listed)
    assert master(snapshot, "a", "171") == master(snapshot, "b", "13244") == leek
    item = resolve(snapshot, "b", "13244")
    assert (item.match, item.score) == ("alias", 1.0)


def test_goods_weighed_under_a_gtin_are_in_the_cluster(tmp_path: Path) -> None:
    listed = [
        vegetable("a", "7290000964775", "בננה"),
        vegetable("b", "2009", "בננות ישראל"),
        vegetable("c", "14562", "בננה"),
    ]
    snapshot = built(tmp_path / "s", listed)
    assert {master(snapshot, "b", "2009"), master(snapshot, "c", "14562")} == {7290000964775}
    assert master(snapshot, "z", "7290000964775") == 7290000964775


def test_numbers_that_chains_give_themselves_join_nothing(tmp_path: Path) -> None:
    listed = [
        vegetable("a", "7290000000107", "פלפל ירוק כהה"),
        vegetable("b", "7290000000107", "קישוא"),
        vegetable("a", "7290102395408", "חלבה פיסטוק"),
        CatalogueRow("b", "7290102395408", Described("מברג חשמלי", price=99.0)),
    ]
    snapshot = built(tmp_path / "s", listed)
    for number in ("7290000000107", "7290102395408"):
        assert master(snapshot, "a", number) != master(snapshot, "b", number)
        assert master(snapshot, "z", number) == computed_master_id("z", number)
        assert resolve(snapshot, "z", number).gtin is None
    assert snapshot.tables.private.tolist() == [7290102395408]


def test_rows_that_are_no_goods_are_nobody_s_master(tmp_path: Path) -> None:
    delivery = computed_master_id("a", "7")
    listed = [CatalogueRow("a", "7", Described("דמי משלוח", price=29.9)), vegetable("b", "1", "שום")]
    assert delivery not in built(tmp_path / "s", listed).tables.masters


def test_a_listing_does_not_take_the_barcode_that_it_was_linked_to_before(tmp_path: Path) -> None:
    """An earlier build has linked a code to a barcode of packed goods: that is no evidence in the next build."""
    packed = CatalogueRow("b", "7290000066318", Described("קפה נמס עלית", price=20.0))
    linked = CatalogueRow("a", "55", Described("מברג חשמלי", price=99.0), master_id=7290000066318)
    snapshot = built(tmp_path / "s", [packed, linked])
    assert master(snapshot, "a", "55") == computed_master_id("a", "55")
    assert not snapshot.tables.loose[snapshot.tables.masters.searchsorted(7290000066318)]


@pytest.mark.slow
def test_a_cluster_of_a_code_and_another_of_names_meet(tmp_path: Path) -> None:
    listed = [one for one in loose_rows() if one.item_code in ("46020", "7290000046020", "900230")]
    snapshot = built(tmp_path / "s", listed)
    assert len({master(snapshot, one.chain_id, one.item_code) for one in listed}) == 1


def test_a_new_item_meets_the_cluster(snapshot: Snapshot) -> None:
    items = [
        Item(item_code=str(900 + place), price=8, row=1, name=name, is_weighted=True)  # type: ignore[arg-type]
        for place, name in enumerate(["עגבניות מובחרות", "מלפפון טרי", "לימון ליים", "אננס"])
    ]
    counts = Resolver(snapshot).resolve("e", items)
    assert items[0].master_id == master(snapshot, "a", "100")
    assert items[2].master_id == master(snapshot, "a", "103")
    assert items[3].match == "new"
    assert counts.vector + counts.review + counts.new == 4


def test_of_two_new_items_one_is_the_cluster_s(snapshot: Snapshot) -> None:
    items = [
        Item(item_code=code, price=8, row=1, name=name, is_weighted=True)  # type: ignore[arg-type]
        for code, name in (("1", "עגבניה טריה"), ("2", "עגבניה"))
    ]
    Resolver(snapshot).resolve("e", items)
    tomato = master(snapshot, "a", "100")
    assert (items[1].master_id, items[1].match) == (tomato, "vector")
    assert items[0].master_id == computed_master_id("e", "1")


def test_a_row_that_is_no_goods_is_not_matched_by_its_name(snapshot: Snapshot) -> None:
    item = Item(item_code="1", price=8, row=1, name="עגבניה", is_weighted=True, is_service=True)  # type: ignore[arg-type]
    counts = Resolver(snapshot).resolve("e", [item])
    assert (item.match, counts.new, counts.decisions) == ("new", 1, [])


def test_small_lists_of_packed_goods_are_no_clusters(tmp_path: Path) -> None:
    snapshot = built(tmp_path / "s", [row("a", "5", "מגבת רחצה לבנה")])
    assert snapshot.tables.loose.sum() == 1


def test_a_barcode_that_one_chain_calls_packed_is_packed_in_every_chain(tmp_path: Path) -> None:
    """The names "tomato" and "packed tomato" of one barcode; another chain sells loose ones at half the price."""
    listed = [
        vegetable("a", gtin(900), "עגבניה מגי"),
        vegetable("b", gtin(900), "עגבניה מגי ארוזה"),
        vegetable("c", "2034", "עגבניות מגי"),
        vegetable("a", "2035", "עגבניות מגי בתפזורת"),
    ]
    found = built(tmp_path / "s", listed)
    packed, loose = master(found, "a", gtin(900)), master(found, "c", "2034")
    assert master(found, "b", gtin(900)) == packed != loose
    assert master(found, "a", "2035") == loose
