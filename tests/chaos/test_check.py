"""The checker finds what it is made to find: each kind of wrong row, file, object and letter."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from chaos.check import Findings, Left, check_files, check_rows, lagging_views, read_left
from chaos.published import PublishedFile, publish, read_published
from chaos.reading import ReadFile, expected_prices, expected_promotions, read_file
from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.views import refresh_views
from gogobe.feeds.batches import cut_batches
from gogobe.feeds.reader import FeedReader
from gogobe.masters.matching.resolver import Resolver
from gogobe.records.messages import FileDownloaded
from tests.database.samples import at


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published")
    publish(folder, 80, seed=3)
    return folder


@pytest.fixture(scope="module")
def read(folder: Path) -> list[ReadFile]:
    return [read_file(folder, one) for one in read_published(folder)]


@pytest.mark.slow
def test_a_seed_gives_the_same_files_and_each_has_its_rows(
    folder: Path, read: Sequence[ReadFile], tmp_path: Path
):
    assert publish(tmp_path, 80, seed=3) == read_published(folder)
    assert len({one.file.path for one in read}) == 80
    assert {one.file.end for one in read} == {"loaded", "incomplete", "not_found", "html_page"}
    generated = [one for one in read if "20250808" in one.file.name]
    assert len(generated) > 50
    assert all(40 <= one.rows <= 30_000 for one in generated)


def test_files_of_a_store_appear_in_their_order(read: Sequence[ReadFile]):
    seen: dict[Any, str] = {}
    for one in read:
        if "20250808" in one.file.name:
            assert one.published >= seen.get(one.store, "")
            seen[one.store] = one.published


@pytest.fixture
def left(dsn: str, db: Connection, folder: Path, read: Sequence[ReadFile]) -> Left:
    """What the loader leaves of all files, without a pipeline around it; letters are made by hand."""
    with Loader(dsn) as loader:
        for one in read:
            if one.file.end in ("loaded", "incomplete"):
                load(loader, folder, one)
    refresh_views(dsn)
    letters = [
        (one.file.name, one.file.end, True) for one in read if one.file.end in ("not_found", "html_page")
    ]
    return dataclasses.replace(read_left(db), letters=letters)


def load(loader: Loader, folder: Path, one: ReadFile) -> None:
    path = folder / one.file.path
    file = FileDownloaded(
        one.file.chain, str(path), one.sha256, path.stat().st_size, f"http://p/{one.file.path}", one.file.name,
        at(100), at(101),
    )  # fmt: skip
    with path.open("rb") as source:
        batches = list(cut_batches(FeedReader(source, file.file_name), file))
    for batch in batches:
        Resolver().resolve(batch.chain_id, batch.items)
    loader.load(batches)


def found(read: Sequence[ReadFile], left: Left) -> Findings:
    findings = Findings()
    check_files(read, left, findings)
    check_rows(read, left, findings)
    return findings


@pytest.mark.slow
def test_what_was_loaded_is_clean_and_each_fault_is_found(read: Sequence[ReadFile], left: Left, db: Connection):
    assert found(read, left).lines == []
    assert lagging_views(db) == []
    assert sum(map(len, expected_prices(read).values())) > 20_000
    assert sum(map(len, expected_promotions(read).values())) > 1_000

    def counts(**changed: Any) -> tuple[int, int, int]:
        findings = found(read, dataclasses.replace(left, **changed))
        assert findings.lines
        return findings.lost, findings.duplicated, findings.unaccounted

    first, *others = left.prices
    assert counts(prices=others) == (1, 0, 0), "a price is lost"
    assert counts(prices=[*left.prices, first]) == (0, 1, 0), "a price is there twice"
    assert counts(prices=[(*first[:3], Decimal("0.01")), *others]) == (1, 0, 0), "a price is an older one"
    assert counts(prices=[*left.prices, (*first[:2], "none", first[3])]) == (0, 0, 1), "a price is of no file"
    assert counts(promotions=left.promotions[1:]) == (1, 0, 0)
    assert counts(promotions=[*left.promotions, left.promotions[0]]) == (0, 1, 0)
    assert counts(history=[*left.history, left.history[0]]) == (0, 1, 0), "a change is written twice"
    change = left.history[0]
    assert counts(history=[(*change[:5], Decimal(999)), *left.history[1:]]) == (0, 0, 1), "a change of no file"
    name, sha256, _, rows, counted, path = next(one for one in left.files if one[2] == "loaded" and one[3])
    kept = [one for one in left.files if one[0] != name]
    assert counts(files=kept) == (0, 0, 1), "a file has no end"
    assert counts(files=[*kept, (name, sha256, "loading", rows, counted, path)]) == (0, 0, 1)
    assert counts(files=[*kept, (name, sha256, "loaded", rows - 1, counted - 1, path)]) == (1, 0, 0)
    assert counts(letters=left.letters[1:]) == (0, 0, 1), "a letter is missing"
    assert counts(letters=[*left.letters, (name, "internal_error", True)]) == (0, 0, 1)
    assert found(read, dataclasses.replace(left, letters=[*left.letters, (name, "too_slow", False)])).is_clean
    db.execute("UPDATE prices SET price = price + 1")
    assert "master_chain_prices" in lagging_views(db)


def test_an_unknown_file_is_found():
    findings = Findings()
    file = PublishedFile("c", "Price1-1-202501010000.gz", at(0))
    line = ("other", "x", "loaded", 1, 1, "p")
    check_files([ReadFile(file, "y", 1)], Left([line], [], [], [], []), findings)
    assert findings.unaccounted == 2
