"""`gogobe masters export-catalogue` and what `gogobe masters review` shows of both masters of a pair."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from click.testing import CliRunner

from gogobe.cli import main
from gogobe.database.load.loader import Loader
from gogobe.database.review.known_items import known_items
from gogobe.database.review.pairs import record_decisions
from gogobe.database.views import refresh_views
from gogobe.masters.build.catalogue import read_catalogue
from gogobe.masters.codes.decisions import Decision
from tests.commands.conftest import Gogobe
from tests.database.samples import CHAIN, file_batches, item

OWN, CANDIDATE = 10**14 + 55, 7290000000015


def load(dsn: str) -> None:
    rows = [
        item("55", "5.90", name='עגבניה, "שרי"', master_id=OWN, is_weighted=True, match="new"),
        item(str(CANDIDATE), "6.50", name="=1+1", quantity=Decimal("0.5"), unit_of_measure='ק"ג', match="gtin"),
    ]
    with Loader(dsn) as loader:
        loader.load(file_batches(rows))
    refresh_views(dsn)


def test_a_catalogue_is_read_back_as_it_was(gogobe: Gogobe, dsn: str, tmp_path: Path):
    load(dsn)
    file = tmp_path / "items.csv"
    result = gogobe("masters", "export-catalogue", str(file))
    assert (result.exit_code, result.output) == (0, f"2 items written to {file}\n")
    written = {row.item_code: row.described for row in read_catalogue(file)}
    known = {row.item_code: row.described for row in known_items(dsn)}
    assert written.pop(str(CANDIDATE)).name.lstrip("'") == known.pop(str(CANDIDATE)).name
    assert written == known


def test_a_folder_that_is_not_there_is_a_sentence(gogobe: Gogobe, tmp_path: Path):
    result = gogobe("masters", "export-catalogue", str(tmp_path / "none" / "items.csv"))
    assert result.exit_code == 1
    assert "cannot be written" in result.output


def test_a_pair_is_shown_with_both_sides_and_no_answer_writes_nothing(gogobe: Gogobe, dsn: str, tmp_path: Path):
    load(dsn)
    decision = Decision("review", CHAIN, "55", "שרי", OWN, CANDIDATE, "עגבניות שרי", 0.7, ["words"])
    record_decisions(dsn, [decision])
    listed = gogobe("masters", "review", "--list").output
    for said in (
        "5.90 ILS in 1 store",
        "codes 55",
        "6.50 ILS in 1 store",
        '0.5 ק"ג',
        f"codes {CANDIDATE}",
        "shufersal",
    ):
        assert said in listed
    arguments = ["masters", "review", "--database", dsn, "--var", str(tmp_path)]
    asked = CliRunner().invoke(main, arguments, input="s\n")
    assert asked.exit_code == 0, asked.output
    assert "5.90 ILS in 1 store" in asked.output
    assert "no answers were given: nothing is written" in asked.output
