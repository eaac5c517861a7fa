"""Names taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.text.normal import normalize, parse_name


@pytest.mark.parametrize(
    ("written", "also_written"),
    [
        ("חָלָב", "חלב"),
        ('250 מ"ל', "250 מ״ל"),
        ("צ'יפס", "צ׳יפס"),
        ("ג`ילט", "ג'ילט"),
        ("חלווה", "חלוה"),
        ("MILKA", "milka"),
        ("פסטה־ביתית", "פסטה ביתית"),
        ("\u200fחלב\u200e", "חלב"),
    ],
)
def test_one_spelling_for_many(written: str, also_written: str) -> None:
    assert normalize(written) == normalize(also_written)


@pytest.mark.parametrize(
    ("name", "amount", "dimension", "pack"),
    [
        ("חלב 3% 1 ליטר", 1000, "volume", 1),
        ("חלב 1ל'", 1000, "volume", 1),
        ("גבינה 250ג", 250, "mass", 1),
        ('אורז 1.5 ק"ג', 1500, "mass", 1),
        ("ספרייט זירו 6*1.5 ליטר", 1500, "volume", 6),
        ("טונה 4*160 גר", 160, "mass", 4),
        ("טונה 160*4 גר", 160, "mass", 4),
        ("שישיית מים 1.5 ליטר", 1500, "volume", 6),
        ("קפסולות 10 יח'", 0, "pieces", 10),
        ("דבש5יח", 0, "pieces", 5),
        ("חלב", 0, "", 1),
    ],
)
def test_sizes_and_packs(name: str, amount: float, dimension: str, pack: int) -> None:
    parsed = parse_name(name)
    assert (parsed.amount, parsed.dimension, parsed.pack) == (amount, dimension, pack)


def test_percentages_and_bare_numbers_are_told_apart() -> None:
    parsed = parse_name("צבע לשיער 7/1 חלב 3% שלב 2")
    assert parsed.percents == (3.0,)
    assert parsed.numbers == (7.0, 1.0, 2.0)


def test_abbreviations_are_written_out() -> None:
    assert parse_name('תפו"א').words == parse_name("תפוח אדמה").words
    assert parse_name("יוג.עיזים").words[0] == parse_name("יוגורט").words[0]


@given(st.text(max_size=60))
def test_any_text_is_taken_and_stays_normal(name: str) -> None:
    parsed = parse_name(name)
    assert all(word for word in parsed.words)
    assert parsed.pack >= 1
