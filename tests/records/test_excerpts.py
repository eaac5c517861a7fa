"""Texts are cut by the bytes that they take as JSON, with any characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.records.excerpts import excerpt, json_size, storable


@given(st.text(alphabet=st.characters(), max_size=3000), st.integers(256, 1024))
def test_an_excerpt_never_takes_more(text: str, most: int):
    text = storable(text)
    cut = excerpt(text, most)
    assert json_size(cut) <= most
    assert cut == text or json_size(text) > most


@pytest.mark.parametrize("character", ["a", '"', "\x1f", "א", "🍅"], ids=ascii)
def test_a_text_that_fits_is_kept_and_a_long_one_shows_both_ends(character: str):
    size = json_size(character) - 2
    fits = character * (998 // size)
    assert excerpt(fits, 1000) == fits
    cut = excerpt(f"begin {character * 1000} end", 1000)
    assert cut.startswith("begin ")
    assert cut.endswith(" end")
    assert "characters left out" in cut
    assert json_size(cut) <= 1000


def test_what_no_table_holds_becomes_the_replacement_character():
    assert storable("a\0b\ud800c") == "a\ufffdb\ufffdc"
    assert storable("🍅 א\x1f") == "🍅 א\x1f"
