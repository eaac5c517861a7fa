"""Resolution of items: by GTIN, by known code, by name."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.records.rows import Item
from tests.masters.catalogues import gtin, row, rows_of, sample_rows


def item(code: str, name: str = "חלב", **facts: object) -> Item:
    return Item(item_code=code, price=Decimal("5.9"), row=1, name=name, **facts)  # type: ignore[arg-type]


def test_without_a_snapshot_gtins_resolve_and_the_rest_is_new() -> None:
    items = [item("7290000042435"), item("1595"), item("2000000000008")]
    counts = Resolver().resolve("c", items)
    assert (counts.gtin, counts.new, counts.decisions) == (1, 2, [])
    assert (items[0].gtin, items[0].master_id, items[0].match) == (7290000042435, 7290000042435, "gtin")
    assert (items[1].gtin, items[1].master_id, items[1].match) == (None, computed_master_id("c", "1595"), "new")


def test_short_and_restricted_codes_never_match_across_chains_by_code(snapshot: Snapshot) -> None:
    items = [item("1500", "מברג פיליפס"), item("2000000000008", "מברג שטוח")]
    Resolver(snapshot).resolve("another", items)
    assert [one.master_id for one in items] == [
        computed_master_id("another", "1500"),
        computed_master_id("another", "2000000000008"),
    ]


@pytest.fixture
def decided(tmp_path: Path) -> Snapshot:
    """A chain's code that a person gave to a GTIN's master, and a GTIN that was merged into another."""
    rows = rows_of("a", ["ביצים גדולות 12", "חלב טרי 3% ליטר"])
    described = rows[0].described
    rows += [
        CatalogueRow("b", "12", described, master_id=int(gtin(0)), decided=True),
        CatalogueRow("a", gtin(7), described, master_id=int(gtin(0)), decided=True),
    ]
    build_snapshot(rows, tmp_path / "s")
    return open_snapshot(tmp_path / "s")


def test_what_was_decided_of_a_code_holds_whatever_it_is_called(decided: Snapshot) -> None:
    items = [item("12", "סתם"), item("0012", "סתם")]
    counts = Resolver(decided).resolve("b", items)
    assert counts.alias == 2
    assert [(one.match, one.master_id, one.score) for one in items] == [("alias", int(gtin(0)), 1.0)] * 2


def test_the_same_code_of_another_chain_is_not_that(decided: Snapshot) -> None:
    items = [item("12", "סתם")]
    Resolver(decided).resolve("c", items)
    assert items[0].match == "new"


def test_a_merged_gtin_goes_by_the_master_it_was_merged_into(decided: Snapshot) -> None:
    items = [item(gtin(7)), item(gtin(1)), item("7290000042435")]
    Resolver(decided).resolve("z", items)
    assert [one.master_id for one in items] == [int(gtin(0)), int(gtin(1)), 7290000042435]
    assert [one.match for one in items] == ["gtin"] * 3


def test_decisions_carry_their_evidence_and_do_not_depend_on_the_batch(snapshot: Snapshot) -> None:
    rows = [one for one in sample_rows() if one.chain_id == "7290700100008"]
    items = [
        item(
            str(100_000 + place),
            one.described.name,
            quantity=Decimal(str(one.described.quantity)),
            unit_qty=one.described.unit,
        )
        for place, one in enumerate(rows)
    ]
    for one, of_row in zip(items, rows, strict=True):
        one.price = Decimal(str(of_row.described.price))
    counts = Resolver(snapshot).resolve("7290058140886", items)
    assert counts.vector + counts.review == len(counts.decisions) > 20
    for decision in counts.decisions:
        assert decision.reasons
        assert 0.5 <= decision.score <= 1
    alone = [
        item(items[0].item_code, items[0].name or "", quantity=items[0].quantity, unit_qty=items[0].unit_qty)
    ]
    alone[0].price = items[0].price
    Resolver(snapshot).resolve("7290058140886", alone)
    assert (alone[0].match, alone[0].master_id) == (items[0].match, items[0].master_id)


@pytest.mark.parametrize("name", ["", "%", "7", "\ud800", "א" * 5000, '3*4*5 ק"ג %'])
def test_any_item_is_taken(snapshot: Snapshot, name: str) -> None:
    counts = Resolver(snapshot).resolve("c", [item("9", name), item("", name)])
    assert counts.new + counts.review + counts.vector == 2


hostile_texts = st.lists(
    st.one_of(
        st.text(max_size=12),
        st.text(st.characters(categories=["Nd", "Nl", "No"]), min_size=1, max_size=6),
        st.sampled_from(["9" * 400, "*3 קג", "%", "חלב", "3*", "\ud800", "\x00", "\n", "\u202e", "א" * 300]),
    ),
    max_size=6,
).map("".join)
hostile_numbers = st.one_of(st.none(), st.decimals(), st.sampled_from([Decimal("1e400"), Decimal("1e-400")]))


@pytest.mark.slow
@pytest.mark.filterwarnings("error")
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.builds(
            Item,
            item_code=st.text(max_size=64) | st.sampled_from(["9", "٣٣", "፩", "0" * 64]),
            price=st.decimals(),
            row=st.just(1),
            name=st.none() | hostile_texts,
            manufacturer=st.none() | hostile_texts,
            unit_qty=st.none() | hostile_texts,
            unit_of_measure=st.none() | hostile_texts,
            quantity=hostile_numbers,
            is_weighted=st.none() | st.booleans(),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["c", "a", "7290058140886"]),
)
def test_a_batch_of_hostile_items_is_resolved(snapshot: Snapshot, items: list[Item], chain: str) -> None:
    counts = Resolver(snapshot).resolve(chain, items)
    assert counts.gtin + counts.alias + counts.vector + counts.review + counts.new == len(items)
    assert all(math.isfinite(one.score) for one in items)
    assert all(math.isfinite(decision.score) for decision in counts.decisions)


def test_produce_of_two_chains_is_joined_when_the_snapshot_is_built(snapshot: Snapshot) -> None:
    ids = []
    for chain in ("a", "b"):
        items = [item("1500", "עגבניות שרי תמר אשכולות", is_weighted=True)]
        counts = Resolver(snapshot).resolve(chain, items)
        ids.append(items[0].master_id)
        assert counts.decisions or items[0].match in ("new", "vector", "review")
    assert snapshot.manifest.linked <= 1 or len(set(ids)) == 1


def test_rows_are_described_alike(snapshot: Snapshot) -> None:
    assert row("a", "1", "x").described.name == "x"
    assert snapshot.manifest.names > 1500
