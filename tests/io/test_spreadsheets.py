"""CSV for spreadsheets: no formulas, and read back exactly."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.spreadsheets import SpreadsheetError, read_csv, write_csv

FORMULAS = [
    '=HYPERLINK("http://127.0.0.1/?x="&A1,"חלב")', "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1",
    "\n=1", " =1", "\u00a0=1", "\ufeff=1", "＝1", "＋1", "－1", "＠x",
]  # fmt: skip


def raw_cells(path: Path) -> list[list[str]]:
    """The file's cells as a spreadsheet program sees them."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_a_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.csv"
    write_csv(path, ["a", "b"], [(text, "c")])
    assert raw_cells(path)[1][0] == f"'{text}"
    assert list(read_csv(path, ["a"])) == [(raw_lines(path), {"a": text, "b": "c"})]


def raw_lines(path: Path) -> int:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        list(reader)
        return reader.line_num


texts = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    st.sampled_from([*FORMULAS, "'", "''", "'=1", "", ",", '"', "a\r\nb", "\0", ";=1"]),
)


@given(st.lists(st.tuples(texts, texts, texts), max_size=5))
def test_any_texts_are_read_back_and_none_is_a_formula(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    columns = ["=a", "b", "'c"]
    assert write_csv(path, columns, rows) == len(rows)
    assert [tuple(row.values()) for _, row in read_csv(path, columns)] == rows
    for cell in (cell for line in raw_cells(path) for cell in line):
        assert cell.lstrip()[:1] not in set("=+-@＝＋－＠")
        assert cell[:1] not in set("\t\r\n")


def test_numbers_stay_numbers(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    write_csv(path, ["a", "b", "c", "d"], [(-5, -0.5, Decimal("-1.50"), None)])
    assert raw_cells(path)[1] == ["-5", "-0.5", "-1.50", ""]


def test_a_line_may_be_short_and_have_other_columns(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("b,a,c\n1\n\n2,3,4,5\n")
    assert list(read_csv(path, ["a", "b"])) == [
        (2, {"b": "1", "a": "", "c": ""}),
        (4, {"b": "2", "a": "3", "c": "4"}),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no column a, b in its first line"),
        (b"a,c\n", "no column b in its first line"),
        (b"a,b\n\xff\n", "cannot be read as CSV in UTF-8"),
    ],
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    with pytest.raises(SpreadsheetError, match=f"x.csv: {said}"):
        list(read_csv(path, ["a", "b"]))
