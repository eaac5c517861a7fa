"""Blocking: the pairs of listings worth comparing."""

from __future__ import annotations

import numpy as np

from gogobe.masters.clusters import listings as module
from gogobe.masters.clusters.listings import neighbours
from tests.masters.clusters.names import listings_of

LISTED = [
    ("a", "1", "עגבניה"),
    ("b", "2", "עגבניות ישראל"),
    ("b", "3", "עגבניה מגי"),
    ("a", "46020", "גבינת גלבוע"),
    ("c", "7290000046020", "צהובה חריץ"),
]


def pairs(found: module.Pairs) -> set[tuple[int, int]]:
    return set(zip(found.first.tolist(), found.second.tolist(), strict=True))


def test_words_and_codes_make_candidates_where_vectors_do_not(monkeypatch) -> None:
    monkeypatch.setattr(module, "NEAREST", 0)
    assert pairs(neighbours(listings_of(LISTED))) == {(0, 1), (0, 2), (1, 2), (3, 4)}


def test_neighbours_by_vector_do(monkeypatch) -> None:
    monkeypatch.setattr(module, "MAX_WITH_WORD", 0)
    assert pairs(neighbours(listings_of(LISTED))) == {(a, b) for b in range(5) for a in range(b)}


def test_a_word_that_too_many_have_makes_none(monkeypatch) -> None:
    monkeypatch.setattr(module, "NEAREST", 0)
    monkeypatch.setattr(module, "MAX_WITH_WORD", 2)
    assert pairs(neighbours(listings_of(LISTED))) == {(3, 4)}


def test_what_is_one_already_is_not_compared() -> None:
    listed = listings_of(LISTED)
    one = module.Listings(
        listed.facts, listed.vectors, listed.chains, listed.numbers, np.zeros(5, dtype=np.int64), listed.keys
    )
    assert len(neighbours(one)) == 0
    assert len(neighbours(listings_of([]))) == 0
