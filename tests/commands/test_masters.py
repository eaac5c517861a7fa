"""`gogobe masters` as people use it: what it says, what it leaves behind, and what it says when it cannot."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from gogobe.cli import main
from gogobe.database.comparisons import compare_prices
from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.review.known_items import known_items
from gogobe.database.review.pairs import decided_pairs, record_decisions, undecided_pairs
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import COLUMNS
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.published.store import SnapshotStore
from gogobe.masters.snapshot.files import open_snapshot
from tests.conftest import Bucket
from tests.database.samples import CHAIN, file_batches, item
from tests.faults import answering
from tests.masters.samples import VEGETABLES, catalogue

OWN, TOMATO = 10**14 + 55, 10**14 + 1


def run(tmp_path: Path, *arguments: Any, **settings: Any) -> Result:
    flags = [f"--var={tmp_path / 'var'}", *(f"--{name}={value}" for name, value in settings.items())]
    return CliRunner().invoke(main, ["masters", *map(str, arguments), *flags])


def review(tmp_path: Path, dsn: str, *arguments: Any, answers: str = "") -> Result:
    command = ["masters", "review", *map(str, arguments), "--by=dana", f"--var={tmp_path}", f"--database={dsn}"]
    return CliRunner().invoke(main, command, input=answers)


@pytest.fixture
def catalogue_file(tmp_path: Path) -> Path:
    path = tmp_path / "items.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for code, name in enumerate(VEGETABLES, start=101):
            writer.writerow(("1", code, name, "", "1", "", "קילוגרם", "5.90", "1"))
    return path


def test_build_publish_list_and_roll_back(tmp_path: Path, catalogue_file: Path):
    masters = tmp_path / "masters"
    assert "no snapshot in" in run(tmp_path, "list", masters=masters).output
    first = run(tmp_path, "build", catalogue_file, "--publish", masters=masters)
    assert first.exit_code == 0, first.output
    assert f"{len(VEGETABLES)} masters with {len(VEGETABLES)} names" in first.output
    assert list((tmp_path / "var" / "snapshots").iterdir()) == [], "what is published is not kept twice"
    folder = tmp_path / "second"
    second = run(tmp_path, "build", catalogue_file, "--folder", folder, masters=masters)
    assert f"Publish it: gogobe masters publish {folder}" in second.output
    store = SnapshotStore(str(masters))
    before = store.current()
    assert run(tmp_path, "publish", folder, masters=masters).exit_code == 0
    current = store.current()
    assert current != before
    listed = run(tmp_path, "list", masters=masters).output
    assert listed.index(str(current)) < listed.index(str(before))
    (line,) = [line for line in listed.splitlines() if "current" in line]
    assert str(current) in line
    assert f"in use is {before}" in run(tmp_path, "rollback", masters=masters).output
    assert store.current() == before
    assert run(tmp_path, "rollback", current, masters=masters).exit_code == 0
    assert store.current() == current


@pytest.mark.usefixtures("impatient")
def test_an_unreachable_store_is_reported_in_a_line(tmp_path: Path, bucket: Bucket):
    with answering(503) as endpoint:
        settings = {"masters": f"{bucket.url}/masters", "store-endpoint": endpoint}
        result = run(tmp_path, "list", **settings)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "--store-endpoint name the store" in line


def test_check_names_masters_whose_names_are_far_apart(tmp_path: Path):
    masters = tmp_path / "masters"
    assert "no snapshot in" in run(tmp_path, "check", masters=masters).output
    names = [*VEGETABLES, "משחת שיניים לבנה 100 מל"]
    rows = catalogue(names)
    wrong = msgspec.structs.replace(rows[-1], master_id=rows[0].master_id, decided=True)
    build_snapshot([*rows[:-1], wrong], tmp_path / "built", version="v1")
    SnapshotStore(str(masters)).publish(tmp_path / "built")
    checked = run(tmp_path, "check", masters=masters)
    assert checked.exit_code == 0, checked.output
    assert "1 master with names that differ too much" in checked.output
    assert str(rows[0].master_id) in checked.output
    assert "משחת שיניים" in checked.output
    index = masters / "v1" / "index.ann"
    index.write_bytes(index.read_bytes()[:-1] + b"x")
    damaged = run(tmp_path, "check", masters=masters)
    assert damaged.exit_code == 1
    assert "index.ann: its SHA-256" in damaged.output


def test_errors_name_the_file_and_the_remedy(tmp_path: Path, catalogue_file: Path):
    masters = tmp_path / "masters"
    bad = tmp_path / "bad.csv"
    bad.write_text("chain_id,item_code\n1,2\n")
    built = run(tmp_path, "build", bad, "--publish", masters=masters)
    assert built.exit_code == 1
    assert f"{bad}: no column item_name" in built.output
    assert "none.csv" in run(tmp_path, "build", tmp_path / "none.csv", masters=masters).output
    assert "gogobe up" in run(tmp_path, "build", "--publish", masters=masters).output
    missing = run(tmp_path, "publish", tmp_path / "none", masters=masters)
    assert missing.exit_code == 1
    assert "manifest.json: no manifest that can be read" in missing.output
    rolled = run(tmp_path, "rollback", masters=masters)
    assert "no snapshot before the first to roll back to" in rolled.output
    model = run(tmp_path, "build", catalogue_file, "--encoder", tmp_path / "model", masters=masters)
    assert "model.safetensors" in model.output
    assert SnapshotStore(str(masters)).current() is None


def test_an_empty_catalogue_is_not_published(tmp_path: Path, catalogue_file: Path, dsn: str):
    result = run(tmp_path, "build", "--publish", masters=tmp_path / "masters", database=dsn)
    assert result.exit_code == 1
    assert "no items in the database: nothing was published" in result.output
    assert SnapshotStore(str(tmp_path / "masters")).current() is None


@pytest.fixture
def pairs(dsn: str) -> str:
    """A database with a tomato of one chain, and two codes of another that resemble it."""
    with Loader(dsn) as loader:
        tomato = item("1", "5", master_id=TOMATO, match="new", name="עגבניות")
        loader.load(file_batches([tomato], chain="one", chain_id="1"))
        codes = [item(code, "6", master_id=OWN + n, match="review", name=f"עגבניה {code}") for n, code in CODES]
        loader.load(file_batches(codes))
    record_decisions(
        dsn,
        [
            Decision(
                "review",
                CHAIN,
                code,
                f"עגבניה {code}",
                OWN + n,
                TOMATO,
                "עגבניות",
                0.7 - n / 10,
                ["same words"],
            )
            for n, code in CODES
        ],
    )
    return dsn


CODES = ((0, "55"), (1, "56"))


def test_review_in_the_terminal(tmp_path: Path, pairs: str):
    listed = review(tmp_path, pairs, "--list").output
    assert listed.index("עגבניה 55") < listed.index("עגבניה 56")
    assert "same words" in listed
    assert "0.70" in listed
    answered = review(tmp_path, pairs, answers="y\nn\n")
    assert answered.exit_code == 0, answered.output
    assert "1 yes, 1 no: written" in answered.output
    found = {pair.item_code: (pair.is_same, pair.decided_by) for pair in decided_pairs(pairs)}
    assert found == {"55": (True, "dana"), "56": (False, "dana")}
    assert "no pairs to decide" in review(tmp_path, pairs).output
    (tomato,) = [one for one in compare_prices(pairs, "עגבניות") if one.master_id == TOMATO]
    assert len(tomato.prices) == 2, "the views are refreshed at once"


def test_review_skipped_and_left(tmp_path: Path, pairs: str):
    assert "no answers were given: nothing is written" in review(tmp_path, pairs, answers="s\nq\n").output
    assert len(undecided_pairs(pairs)) == 2
    interrupted = review(tmp_path, pairs, answers="y\n")  # the terminal is closed after one
    assert interrupted.exit_code == 1
    assert [pair.item_code for pair in decided_pairs(pairs)] == ["55"], "what was said is kept"


def test_review_by_file(tmp_path: Path, pairs: str):
    path = tmp_path / "pairs.csv"
    assert f"2 pairs written to {path}" in review(tmp_path, pairs, "--export", path).output
    text = path.read_text("utf-8-sig").splitlines()
    path.write_text("\n".join([text[0], text[1].replace(",same words,,", ",same words,yes,"), text[2]]))
    assert "1 yes, 0 no" in review(tmp_path, pairs, "--import", path).output
    assert [pair.item_code for pair in undecided_pairs(pairs)] == ["56"]
    path.write_text("same,chain_id,item_code,candidate_id\nyes,1,99,5\n")
    unknown = review(tmp_path, pairs, "--import", path)
    assert unknown.exit_code == 1
    assert "no pair of chain 1, code 99" in unknown.output
    assert "nothing was decided" in unknown.output


def test_what_was_accepted_can_be_looked_over(tmp_path: Path, pairs: str, db: Connection):
    db.execute("UPDATE review_pairs SET match = 'vector' WHERE item_code = '56'")
    output = review(tmp_path, pairs, "--accepted", "--list").output
    assert "עגבניה 56" in output
    assert "עגבניה 55" not in output


def test_merge_and_unmerge(tmp_path: Path, pairs: str):
    merged = run(tmp_path, "merge", OWN, TOMATO, "--reason=one tomato", "--by=dana", database=pairs)
    assert merged.exit_code == 0, merged.output
    assert "merge 1" in merged.output
    (tomato,) = [one for one in compare_prices(pairs, "עגבניות") if one.master_id == TOMATO]
    assert len(tomato.prices) == 2
    listed = run(tmp_path, "unmerge", database=pairs).output
    assert "one tomato" in listed
    assert "dana" in listed
    again = run(tmp_path, "merge", OWN, TOMATO, "--reason=again", database=pairs)
    assert again.exit_code == 1
    assert "merged into" in again.output
    assert "merge 1 is undone" in run(tmp_path, "unmerge", 1, database=pairs).output
    assert "no masters are merged" in run(tmp_path, "unmerge", database=pairs).output
    assert "there is no merge 1 that could be undone" in run(tmp_path, "unmerge", 1, database=pairs).output


def test_decisions_and_merges_go_into_the_next_snapshot(tmp_path: Path, pairs: str):
    review(tmp_path, pairs, answers="y\nn\n")
    built = run(tmp_path, "build", "--folder", tmp_path / "built", masters=tmp_path / "masters", database=pairs)
    assert built.exit_code == 0, built.output
    assert {one.item_code: one.master_id for one in known_items(pairs)} == {
        "1": TOMATO,
        "55": TOMATO,
        "56": OWN + 1,
    }
    snapshot = open_snapshot(tmp_path / "built")
    assert snapshot.manifest.masters == 2
    assert snapshot.manifest.names == 3
