"""Export of review pairs as CSV, and import of the answers."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gogobe.database.review.pairs import ReviewAnswer, ReviewPair
from gogobe.database.review.pairs_csv import AnswerFileError, read_answers, write_pairs

PAIRS = [
    ReviewPair(
        "victory", "729", "0055", 'עגבניה "מגי"', 10**14 + 55, 10**14 + 1, "עגבניות", 0.71, ["same words"]
    ),
    ReviewPair("victory", "729", "56", "בצל, יבש", 10**14 + 56, 10**14 + 2, "בצל", 0.6, ["a", "b"]),
    ReviewPair("victory", "729", "57", "גזר", 10**14 + 57, 10**14 + 3, "גזר ארוז", 0.5, []),
]


def fill_in(path: Path, *words: str) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = csv.reader(file)
    for row, word in zip(rows, words, strict=True):
        row[header.index("same")] = word
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def test_written_filled_in_and_read_back(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    assert write_pairs(path, PAIRS) == 3
    assert path.read_bytes().startswith(b"\xef\xbb\xbf"), "spreadsheets recognise UTF-8 by its mark"
    assert read_answers(path) == []
    fill_in(path, " Yes", "", "לא")
    assert read_answers(path) == [
        ReviewAnswer("729", "0055", 10**14 + 1, is_same=True),
        ReviewAnswer("729", "57", 10**14 + 3, is_same=False),
    ]


def test_a_word_that_is_none_is_named_with_its_line(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    write_pairs(path, PAIRS)
    fill_in(path, "yes", "maybe", "")
    with pytest.raises(AnswerFileError, match=r"pairs.csv, line 3: 'maybe' in column same; say yes, no"):
        read_answers(path)


def test_a_number_that_a_spreadsheet_rounded(tmp_path: Path):
    path = tmp_path / "pairs.csv"
    path.write_text("same,chain_id,item_code,candidate_id\nyes,729,55,1E+14\n")
    with pytest.raises(AnswerFileError, match=r"line 2: '1E\+14' in column candidate_id"):
        read_answers(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"same,chain_id\nyes,1\n", "no column item_code, candidate_id"),
        (b"", "no column same"),
        (b"same,chain_id,item_code,candidate_id\n\xff\xfe,1,2,3\n", "cannot be read as CSV in UTF-8"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(AnswerFileError, match=f"other.csv: {message}"):
        read_answers(path)
