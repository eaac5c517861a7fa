"""Building, verifying and opening a snapshot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.snapshot.files import INDEX, MANIFEST, SnapshotError, open_snapshot, verify
from gogobe.masters.text.facts import Described
from gogobe.masters.vectors.token_encoder import TokenEncoder
from tests.masters.catalogues import gtin, row, rows_of


def small() -> list[CatalogueRow]:
    names = ["חלב טרי 3% ליטר", "לחם אחיד פרוס", "ביצים גדולות 12"]
    return [*rows_of("a", names), *rows_of("b", names[:2]), row("a", "77", "עגבניות", 6.9, is_weighted=True)]


def test_what_is_built_can_be_opened(tmp_path: Path) -> None:
    manifest = build_snapshot(small(), tmp_path / "s", version="2026")
    snapshot = open_snapshot(tmp_path / "s")
    assert snapshot.manifest == manifest == verify(tmp_path / "s")
    assert (manifest.version, manifest.masters, manifest.names, manifest.gtins, manifest.aliases) == (
        "2026", 4, 6, 3, 1,
    )  # fmt: skip
    assert snapshot.tables.masters.tolist() == [
        *(int(gtin(n)) for n in range(3)),
        computed_master_id("a", "77"),
    ]
    assert np.diff(snapshot.tables.starts).tolist() == [2, 2, 1, 1]
    assert snapshot.tables.label(4) == "ביצים גדולות 12"
    assert 64 <= manifest.dimensions <= 128


def test_the_same_rows_in_any_order_make_the_same_parts(tmp_path: Path) -> None:
    one = build_snapshot(small(), tmp_path / "one", version="1")
    other = build_snapshot(small()[::-1], tmp_path / "other", version="1")
    assert one.parts == other.parts


def test_versions_sort_by_time(tmp_path: Path) -> None:
    first = build_snapshot(small(), tmp_path / "first")
    assert first.version < build_snapshot(small(), tmp_path / "second").version


def test_an_empty_catalogue_is_a_snapshot_too(tmp_path: Path) -> None:
    build_snapshot([], tmp_path / "s")
    assert len(open_snapshot(tmp_path / "s").tables.masters) == 0


def test_of_one_chain_nobody_knows_what_others_sell(tmp_path: Path) -> None:
    build_snapshot([one for one in small() if one.chain_id == "a"], tmp_path / "one")
    tables = open_snapshot(tmp_path / "one").tables
    assert set(tables.chains.tolist()) == {0.5}
    assert len(set(tables.company_across.tolist())) == 1
    assert tables.company_across[0] > 0.1, "neither many nor few: a logarithm near those of the training data"
    build_snapshot(small(), tmp_path / "two")
    assert open_snapshot(tmp_path / "two").tables.chains.tolist() == [1, 1, 0.5, 0.5]


def test_another_encoder_is_saved_with_it(tmp_path: Path) -> None:
    encoder = TokenEncoder({"חלב": 0, "לחמ": 1}, np.eye(2, 8, dtype=np.float32))
    build_snapshot(small(), tmp_path / "s", encoder=encoder)
    opened = open_snapshot(tmp_path / "s")
    assert opened.manifest.encoder == "tokens"
    assert np.array_equal(opened.encoder.encode(["חלב"]), encoder.encode(["חלב"]))


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(SnapshotError, match="not empty"):
        build_snapshot(small(), tmp_path)


@pytest.mark.parametrize("part", [INDEX, "masters_masters.npy", "encoder_weights.npy"])
def test_a_damaged_cut_or_missing_part_is_refused_by_name(tmp_path: Path, part: str) -> None:
    build_snapshot(small(), tmp_path / "s")
    path = tmp_path / "s" / part
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(SnapshotError, match=part):
        open_snapshot(tmp_path / "s")
    path.write_bytes(content[:-1])
    with pytest.raises(SnapshotError, match=part):
        verify(tmp_path / "s")
    path.unlink()
    with pytest.raises(SnapshotError, match="missing"):
        verify(tmp_path / "s")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"format": 99}'])
def test_a_half_written_manifest_is_refused(tmp_path: Path, content: bytes) -> None:
    build_snapshot(small(), tmp_path / "s")
    (tmp_path / "s" / MANIFEST).write_bytes(content)
    with pytest.raises(SnapshotError, match="manifest"):
        open_snapshot(tmp_path / "s")


@pytest.mark.filterwarnings("error")
def test_names_that_mean_harm_are_built_like_others(tmp_path: Path) -> None:
    names = [
        "፩",
        "᧚*3",
        f"{'9' * 400}*3 קג",
        "%" * 50,
        "\u202e",
        "א\nב",
        "",
        "3*" * 30,
        "0*0 קג",
        "٣ יח",
        "א" * 5000,
    ]
    odd = [0.0, 1e12, -5.0, 1e300, float("inf"), float("nan")]
    rows = small() + [
        CatalogueRow(chain, f"{place}", Described(name, name, odd[place % 6], name or "קג", odd[-place % 6]))
        for chain in ("a", "b", "c")
        for place, name in enumerate(names, start=100)
    ]
    manifest = build_snapshot(rows, tmp_path / "s", version="1")
    snapshot = open_snapshot(tmp_path / "s")
    assert (manifest.names, snapshot.manifest) == (6 + 3 * len(names), manifest)
    assert all(np.isfinite(table).all() for table in (snapshot.names.numbers, snapshot.names.amount))
