"""What a person is asked about an item: the few masters that it may be."""

from __future__ import annotations

from decimal import Decimal

import pytest

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.matching.cluster_scores import KEPT
from gogobe.masters.matching.model import learned_model
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.masters.text.facts import Described
from gogobe.records.rows import Item
from tests.masters.catalogues import rows_of

PEPPERS = ("פלפל אדום", "פלפל ירוק", "פלפל צהוב", "פלפל כתום", "פלפל לבן")

SPROUTS = "7290006265548"


def loose(name: str, price: float = 8.0) -> Described:
    return Described(name, price=price, is_weighted=True)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Five clusters of peppers, and packed goods."""
    names = (*PEPPERS, "אבטיח", "מלון קנרי", "חציל")
    rows = [
        CatalogueRow(chain, f"{chain}{place:02d}", loose(name))
        for chain in ("1", "2")
        for place, name in enumerate(names)
    ]
    rows.append(CatalogueRow("1", SPROUTS[-7:], Described("נבטים סיניים", price=5.9)))
    folder = tmp_path_factory.mktemp("peppers") / "s"
    build_snapshot([*rows, *rows_of("2", [f"מגבת רחצה מספר {n}" for n in range(30)])], folder)
    return open_snapshot(folder)


def decisions(snapshot: Snapshot, name: str) -> list[Decision]:
    one = Item(item_code="77", price=Decimal(8), row=1, name=name, is_weighted=True)
    found = Resolver(snapshot).resolve("3", [one])
    assert (found.vector, found.review) == (one.match == "vector", one.match == "review")
    assert one.score == (found.decisions[0].score if found.decisions else 0)
    return found.decisions


def test_an_item_that_may_be_several_clusters_is_asked_about_with_the_best_few(snapshot: Snapshot) -> None:
    asked = decisions(snapshot, "פלפל")
    assert len({one.candidate_id for one in asked}) == len(asked) == KEPT
    assert {one.match for one in asked} == {"review"}
    assert {one.candidate_name for one in asked} <= set(PEPPERS)
    assert [one.score for one in asked] == sorted((one.score for one in asked), reverse=True)
    assert all(one.score >= learned_model().pairs.review_score for one in asked)
    assert all(one.reasons for one in asked)


def test_an_item_that_is_given_to_a_cluster_has_no_other_candidates(snapshot: Snapshot) -> None:
    (given,) = decisions(snapshot, "פלפלים אדומים")
    assert (given.match, given.candidate_name) == ("vector", "פלפל אדום")


def test_an_item_unlike_any_cluster_is_not_asked_about(snapshot: Snapshot) -> None:
    assert decisions(snapshot, "סרדינים בשמן זית") == []


def test_a_barcode_that_ends_in_a_code_of_loose_goods_is_their_number(snapshot: Snapshot) -> None:
    sprouts = Item(item_code=SPROUTS, price=Decimal("5.8"), row=1, name="נבטים סינים יח")
    found = Resolver(snapshot).resolve("3", [sprouts])
    assert (sprouts.match, found.gtin, found.vector) == ("vector", 0, 1)
    assert sprouts.master_id != sprouts.gtin == int(SPROUTS)


def test_a_barcode_of_other_goods_that_ends_so_stays_a_barcode(snapshot: Snapshot) -> None:
    shampoo = Item(item_code=SPROUTS, price=Decimal(30), row=1, name="מרכך כביסה מרוכז סגול")
    found = Resolver(snapshot).resolve("3", [shampoo])
    assert (shampoo.match, shampoo.master_id, found.gtin) == ("gtin", int(SPROUTS), 1)
