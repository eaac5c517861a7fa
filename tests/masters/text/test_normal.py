"""Parsing of names."""

from __future__ import annotations

import math
import sys
import unicodedata

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


@pytest.mark.parametrize("digit", ["፩", "᧚", "𐩀", "༳", "𑁒", "፼"])
def test_a_digit_that_is_no_decimal_is_part_of_a_word(digit: str) -> None:
    """`isdigit()` and `float()` do not agree on them; other chains write the same one or nothing."""
    for name in (digit, f"חלב {digit}", f"חלב{digit}", f"3*{digit} גר", f"% {digit}", f"{digit}%"):
        assert digit in "".join(parse_name(name).words)


@pytest.mark.parametrize("digits", ["٣", "३", "৩", "３", "𝟛"])
def test_decimals_of_all_scripts_are_numbers(digits: str) -> None:
    assert parse_name(f"חלב {digits}%").percents == (3.0,)
    assert parse_name(f'אורז {digits} ק"ג').amount == 3000


@pytest.mark.parametrize(
    "name", ["{}*3 קג", "3*{} קג", "{} יח", "{}", "{}%", "% {}", "{},{}", "0.{}", "{} * {}"]
)
def test_a_number_beyond_all_sizes_is_a_word(name: str) -> None:
    for digits in ("9" * 10, "9" * 40, "9" * 400, "٩" * 400):
        parsed = parse_name(name.format(digits, digits))
        assert all(math.isfinite(number) and number < 1e9 for number in (*parsed.numbers, *parsed.percents))
        assert (parsed.amount <= 50_000) & (parsed.pack <= 1000)
    if not name.startswith("0."):
        assert "9" * 40 in "".join(parse_name(name.format("9" * 40, "9" * 40)).words)


@pytest.mark.slow
def test_every_character_is_taken() -> None:
    """Alone, in a word, as a number, in a product, as a unit and as a percentage."""
    for point in range(sys.maxunicode + 1):
        one = chr(point)
        if unicodedata.category(one) in ("Cn", "Co") and point % 97:
            continue  # a million that are assigned to nothing, or for private use
        parsed = parse_name(f"{one} א{one}ב 1{one} 3*{one} קג {one}% %{one} {one}*{one}")
        assert all(math.isfinite(number) for number in (*parsed.numbers, *parsed.percents, parsed.amount))
        assert all(parsed.words), f"U+{point:04X}"


pieces = st.one_of(
    st.text(max_size=8),
    st.text(st.characters(categories=["Nd", "Nl", "No"]), min_size=1, max_size=12),
    st.sampled_from(
        [
            "*",
            "x",
            "×",
            "%",
            ".",
            ",",
            " ",
            "'",
            '"',
            "9" * 400,
            "0",
            "1e9",
            "inf",
            "nan",
            "קג",
            "יח",
            "מל",
            "שישיה",
        ]
    ),
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_any_text_is_taken_and_stays_normal(name: str) -> None:
    parsed = parse_name(name)
    assert all(parsed.words)
    assert all(not word.isspace() and " " not in word for word in parsed.words)
    assert 1 <= parsed.pack <= 1000
    assert all(
        math.isfinite(number) and number >= 0 for number in (*parsed.numbers, *parsed.percents, parsed.amount)
    )
