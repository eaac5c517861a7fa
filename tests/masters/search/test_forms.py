"""Forms of Hebrew words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.search.forms import (
    CONSTRUCT,
    INFLECTED,
    NUMBER,
    WITH_PREPOSITION,
    form_quality,
    lemmas,
)
from gogobe.masters.text.morphology import lemma


@pytest.mark.parametrize(
    ("word", "other", "quality"),
    [
        ("בננה", "בננה", 1.0),
        ("בננה", "בננות", NUMBER),
        ("תפוחימ", "תפוח", NUMBER),
        ("אדומה", "אדומ", INFLECTED),
        ("תפוחי", "תפוח", CONSTRUCT),
        ("עוגה", "עוגת", CONSTRUCT),
        ("ביצימ", "ביצי", CONSTRUCT),
        ("לחתולימ", "חתול", WITH_PREPOSITION),
        ("חתולימ", "לחתול", WITH_PREPOSITION),
        ("סוכר", "סוכריה", 0.0),
        ("סוכר", "סוכריות", 0.0),
        ("חלב", "לחמ", 0.0),
        ("בצל", "צל", 0.0),
    ],
)
def test_how_well_a_form_stands_for_a_word(word: str, other: str, quality: float):
    assert form_quality(word, other) == quality


HEBREW = st.text(alphabet="אבגדהוזחטיכלמנסעפצקרשת", min_size=1, max_size=9)


@given(HEBREW, HEBREW, st.sampled_from(["", "ה", "ות", "ימ", "ית", "י", "ת"]), st.sampled_from(["", *"בלמ"]))
def test_every_form_is_among_the_lemmas_that_are_looked_up(stem: str, noise: str, end: str, before: str):
    for other in (before + stem + end, noise, stem + noise):
        if form_quality(stem, other):
            assert lemma(other) in lemmas(stem)
