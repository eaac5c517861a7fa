"""Phonetic keys of words in both scripts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.search.sounds import latin, similarity, sound


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("coca", "קוקה"),
        ("cola", "קולה"),
        ("nutella", "נוטלה"),
        ("sprite", "ספריט"),
        ("oreo", "אוראו"),
        ("huggies", "האגיס"),
        ("heineken", "הינקנ"),
        ("vodka", "ודקה"),
        ("muller", "מולר"),
        ("סוקר", "סוכר"),
    ],
)
def test_one_sound_in_two_spellings(one: str, other: str):
    assert sound(one) == sound(other) != ""
    assert similarity(one, other) >= 0.6


def test_other_consonants_are_another_sound():
    assert sound("milka") != sound("muller")
    assert sound("חלב") != sound("חלק")


@pytest.mark.parametrize("word", ["", "a", "א", "1500ml", "3%", "7290", "ל"])
def test_what_says_too_little_has_no_sound(word: str):
    assert sound(word) == ""


@given(st.text(alphabet="abcxyzשלוםקהאbgh 0", max_size=12), st.text(max_size=12))
def test_any_text_has_a_spelling_and_a_likeness(one: str, other: str):
    assert len(latin(one)) <= 2 * len(one)
    assert 0.0 <= similarity(one, other) <= 1.0
    assert similarity(one, one) == 1.0
