"""Query parsing and term expansion."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.search.queries import (
    MOST_WORDS,
    Alternative,
    KnownWord,
    QueryWord,
    distance,
    exact_matches,
    fuzzy_matches,
    is_misspelling,
    prefix_matches,
    read_query,
)


def words(query: str) -> list[tuple[str, bool]]:
    return [(one.word, one.required) for one in read_query(query)]


def test_words_are_required_and_measures_are_not():
    assert words("חלב תנובה 3%") == [("חלב", True), ("תנובה", True), ("3%", False)]
    assert words("קולה 1.5 ליטר") == [("קולה", True), ("1500ml", False)]


def test_a_query_of_measures_alone_requires_them():
    assert words("100%") == [("100%", True)]
    assert words("%_%") == [("_", True)] or words("%_%") == []


def test_a_long_query_is_cut():
    assert len(read_query(" ".join(f"word{chr(97 + n)}" for n in range(20)))) == MOST_WORDS


def same(word: str, *known: str) -> list[str]:
    found = exact_matches(0, QueryWord(word, True), [KnownWord(one, 1) for one in known])
    return [one.word for one in sorted(found, key=lambda one: -one.quality)]


def test_the_word_itself_then_its_other_number_then_the_other_script():
    assert same("בננה", "בננות", "בננה", "banana", "חלב") == ["בננה", "בננות", "banana"]


def test_a_brand_in_both_scripts():
    assert same("cola", "קולה", "חלב", "cola") == ["cola", "קולה"]
    assert same("מולר", "muller", "milk") == ["muller"]


def test_a_number_without_a_unit_may_be_any_measure():
    assert set(same("1.5", "1500ml", "1.5%", "1.5", "150ml")) == {"1500ml", "1.5%", "1.5"}


def test_slips_of_one_letter_in_short_words_and_two_in_long_ones():
    known = [KnownWord(one, 100) for one in ("שוקולד", "סוכר", "אקונומיקה", "חלב")]

    def meant(word: str) -> list[str]:
        return [one.word for one in fuzzy_matches(0, QueryWord(word, True), known)]

    assert meant("שוקלד") == ["שוקולד"]
    assert meant("סוקר") == ["סוכר"]  # sounds the same
    assert meant("אקונומקא") == ["אקונומיקה"]
    assert meant("חל") == []


def test_words_that_begin_so():
    known = [KnownWord(one, 1) for one in ("שוקולד", "שוק", "שוקו")]
    assert [one.word for one in prefix_matches(0, QueryWord("שוקו", True), known)] == ["שוקולד"]
    assert not list(prefix_matches(0, QueryWord("ש", True), known))


def test_only_a_rare_word_is_taken_for_a_slip_of_a_frequent_one():
    def of(masters: int) -> list[Alternative]:
        return [Alternative(0, "x", 0.5, masters)]

    assert is_misspelling([], of(1))
    assert is_misspelling(of(3), of(500))
    assert not is_misspelling(of(40), of(9000))
    assert not is_misspelling(of(3), of(50))
    assert not is_misspelling([], [])


@pytest.mark.parametrize(
    ("one", "other", "steps"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abcd", "abd", 1), ("ab", "cd", 2)],
)
def test_distance(one: str, other: str, steps: int):
    assert distance(one, other, 2) == steps


@given(st.text("abcd", max_size=7), st.text("abcd", max_size=7))
def test_distance_is_symmetric_and_zero_only_for_the_same(one: str, other: str):
    assert distance(one, other, 9) == distance(other, one, 9)
    assert (distance(one, other, 9) == 0) == (one == other)
    assert distance(one, other, 9) <= max(len(one), len(other))


@given(st.text(max_size=80))
def test_any_text_is_a_query(query: str):
    found = read_query(query)
    assert all(one.word for one in found)
    assert not found or any(one.required for one in found)
