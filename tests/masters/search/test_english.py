"""English words of a grocery list find Hebrew names."""

from __future__ import annotations

import pytest

from gogobe.masters.search.english import LONGEST_TERM, glossary, translated
from gogobe.masters.search.queries import KnownWord, exact_matches, read_query
from gogobe.masters.text.normal import normalize


def test_every_entry_is_usable():
    for term, words in glossary().items():
        assert term
        assert term.isascii()
        assert len(term.split()) <= LONGEST_TERM
        for alternatives in words:
            assert alternatives
            assert all(word and " " not in word and not word.isascii() for word in alternatives), term
            assert len({*alternatives}) == len(alternatives), term


@pytest.mark.parametrize(
    ("query", "hebrew"),
    [
        ("milk", "חלב"),
        ("chicken breast", "חזה עוף"),
        ("Gluten-Free pasta", "פסטה ללא גלוטן"),
        ("tomatoes", "עגבניות"),
        ("strawberries", "תות"),
        ("potatoes", "תפוח אדמה"),
        ("toilet paper", "נייר טואלט"),
        ("olive oil", "שמן זית"),
        ("soy milk", "משקה סויה"),
    ],
)
def test_a_term_is_found_by_its_hebrew_words(query: str, hebrew: str):
    wanted = [word for word in read_query(query) if word.required]
    known = [KnownWord(word, 100) for word in normalize(hebrew).split()]
    found = [[one.word for one in exact_matches(place, word, known)] for place, word in enumerate(wanted)]
    assert len(wanted) == len(known)
    assert all(found)
    assert {word for words in found for word in words} == {one.word for one in known}


def test_a_translated_word_is_not_searched_by_its_sound_and_a_brand_is():
    (bread,), (nutella,) = read_query("bread"), read_query("nutella")
    assert (bread.sound, nutella.sound != "") == ("", True)
    wine = KnownWord("בורדו", 5)
    assert list(exact_matches(0, bread, [wine])) == []


def test_a_latin_name_is_still_found():
    (baby,) = read_query("baby")
    assert [one.quality for one in exact_matches(0, baby, [KnownWord("baby", 3)])] == [1.0]


def test_hebrew_words_and_unknown_ones_stay_as_they_are():
    assert translated(["חלב", "xyz"]) == [("חלב",), ("xyz",)]
    assert translated([]) == []
