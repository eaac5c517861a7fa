"""Stemming of Hebrew words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.text.morphology import lemma, skeleton
from gogobe.masters.text.normal import normalize


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("עגבניה", "עגבניות"),
        ("עגבניה", "עגבנייה"),
        ("בננה", "בננות"),
        ("אדום", "אדומים"),
        ("אדום", "אדומות"),
        ("תפוח", "תפוחים"),
        ("לחמניה", "לחמניית"),
        ("נילוס", "הנילוס"),
        ("צימוקים", "וצימוק"),
    ],
)
def test_number_gender_and_article_do_not_matter(one: str, other: str) -> None:
    assert lemma(normalize(one)) == lemma(normalize(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [("סוכר", "סוכריות"), ("עוגה", "עוגיות"), ("שמן", "שמנת"), ("פומלה", "פומלית"), ("מים", "מי")],
)
def test_other_nouns_stay_others(one: str, other: str) -> None:
    assert lemma(normalize(one)) != lemma(normalize(other))


@pytest.mark.parametrize(
    ("one", "other"), [("קישוא", "קשוא"), ("סטרקינג", "סטארקינג"), ("טבורוג", "טוברוג"), ("נעם", "נועם")]
)
def test_vowel_letters_do_not_matter(one: str, other: str) -> None:
    assert skeleton(lemma(normalize(one))) == skeleton(lemma(normalize(other)))


def test_the_last_letter_does_matter() -> None:
    assert skeleton(lemma("פומלה")) != skeleton(lemma("פומלית"))


@given(st.text())
def test_any_word_has_a_form_that_is_no_longer(word: str) -> None:
    assert len(lemma(word)) <= len(word)
    assert len(skeleton(word)) <= len(word)
    assert skeleton(word)[:1] == word[:1]
