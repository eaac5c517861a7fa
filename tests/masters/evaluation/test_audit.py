"""Masters with inconsistent names."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.evaluation.audit import FlaggedMaster, flag_inconsistent
from gogobe.masters.snapshot.files import open_snapshot
from tests.masters.catalogues import CREAMS, gtin, row, rows_of


def flagged(rows: list[CatalogueRow], folder: Path) -> list[FlaggedMaster]:
    build_snapshot(rows, folder / "s")
    return flag_inconsistent(open_snapshot(folder / "s"))


def joined(names: list[str], size: float = 50) -> list[CatalogueRow]:
    """One master with a name from each of several chains."""
    return [
        CatalogueRow(f"chain {place}", gtin(1), row("", "", name, size=size).described)
        for place, name in enumerate(names)
    ]


def test_28_creams_in_one_master_are_flagged(tmp_path: Path) -> None:
    (found,) = flagged([*joined(CREAMS), *rows_of("a", ["חלב", "לחם"], first=10)], tmp_path)
    assert (found.master_id, found.names) == (int(gtin(1)), 28)
    assert "names have little in common" in found.reasons


@pytest.mark.parametrize(
    ("one", "other", "reason"),
    [
        (("יוגורט תות", 150), ("יוגורט תות", 500), "sizes differ"),
        (("חלב 1%", 0), ("חלב 3%", 0), "percentages differ"),
        (("מים מוגזים שישיה", 0), ("מים מוגזים תריסר", 0), "numbers of pieces differ"),
    ],
)
def test_sizes_percentages_and_packs(
    tmp_path: Path, one: tuple[str, float], other: tuple[str, float], reason: str
) -> None:
    rows = [*joined([one[0]], one[1]), row("b", gtin(1), other[0], size=other[1])]
    (found,) = flagged(rows, tmp_path)
    assert found.reasons == [reason]
    assert {found.name, found.other_name} == {one[0], other[0]}


def test_several_items_of_one_chain_in_one_master_are_flagged(tmp_path: Path) -> None:
    described = row("", "", "קרם ידיים שקדים", size=50).described
    rows = [CatalogueRow("a", code, described, master_id=int(gtin(1)), decided=True) for code in ("7", "8")]
    (found,) = flagged([*joined(["קרם ידיים שקדים"]), *rows], tmp_path)
    assert found.reasons == ["one chain sells several items as this one"]


def test_names_of_one_product_are_not_flagged(tmp_path: Path) -> None:
    assert flagged(joined(["יוגורט תות 150 גרם", "יוגורט תות", "יוג.תות 150ג"], 150), tmp_path) == []
