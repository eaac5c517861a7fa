"""Reading catalogue files."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from gogobe.masters.build.catalogue import COLUMNS, CatalogueError, read_catalogue
from gogobe.masters.text.facts import describe_item
from gogobe.records.rows import Item

HEADER = "extra," + ",".join(COLUMNS)


def test_rows_are_read_whatever_is_missing_in_them(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text(
        f"\ufeff{HEADER}\nx,1,77,חלב,,1.5,1 ליטר,ליטר,6.9,1\nx,1,78,,יצרן,abc,,,inf,0\nx,,79,no chain,,,,,,\n",
        "utf-8",
    )
    first, second = read_catalogue(path)
    assert (first.chain_id, first.item_code, first.described.name) == ("1", "77", "חלב")
    assert (first.described.quantity, first.described.unit, first.described.price) == (1.5, "ליטר", 6.9)
    assert first.described.is_weighted
    assert (second.described.quantity, second.described.price, second.described.manufacturer) == (0, 0, "יצרן")
    assert len(list(read_catalogue(path, limit=1))) == 1


def test_gzip_by_name(tmp_path: Path) -> None:
    path = tmp_path / "items.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\nx,1,77,a,,,,,,0\n".encode()))
    assert [row.item_code for row in read_catalogue(path)] == ["77"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"a,b\n1,2\n"])
def test_what_is_no_catalogue_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "items.csv"
    path.write_bytes(content)
    with pytest.raises(CatalogueError, match=r"items\.csv"):
        list(read_catalogue(path))


def test_an_item_of_a_feed_is_described_alike() -> None:
    item = Item(
        item_code="1", price=Decimal("6.90"), row=1, name="חלב", quantity=Decimal("1.5"), unit_of_measure="ליטר"
    )
    described = describe_item(item)
    assert (described.name, described.quantity, described.unit, described.price) == ("חלב", 1.5, "ליטר", 6.9)
