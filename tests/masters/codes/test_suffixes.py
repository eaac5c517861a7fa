"""Relations of codes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.codes.suffixes import (
    CODE_RELATIONS,
    code_numbers,
    code_relations,
    core_numbers,
    related_pairs,
)


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("46020", "7290000046020", "padded"),
        ("46020", "46020", "same number"),
        ("0046020", "46020", "same number"),
        ("4194536", "7290004194536", "padded"),
        ("6578778", "7290000578778", "padded wrongly"),
        ("107", "7290000000107", "none"),  # a chain's own number
        ("107", "107", "none"),
        ("2040", "7290000002040", "none"),
        ("17044", "7290008417044", "none"),  # the end by chance
        ("395408", "7290102395408", "none"),
        ("46020", "46021", "none"),
        ("7290102395408", "7290102395408", "none"),  # a barcode is no relation: it is the master
        ("abc", "46020", "none"),
        ("", "", "none"),
    ],
)
def test_what_two_codes_say(one: str, other: str, relation: str) -> None:
    for pair in ((one, other), (other, one)):
        numbers = code_numbers(pair)
        assert CODE_RELATIONS[int(code_relations(numbers[:1], numbers[1:])[0])] == relation
        assert len(related_pairs(numbers)) == (relation != "none")


@given(st.lists(st.integers(0, 7_290_010_000_000) | st.integers(0, 10**7), max_size=12))
def test_all_pairs_that_say_something_are_found(values: list[int]) -> None:
    numbers = np.array(values, dtype=np.int64)
    left, right = np.triu_indices(len(numbers), 1)
    expected = {
        frozenset((int(a), int(b)))
        for a, b, relation in zip(left, right, code_relations(numbers[left], numbers[right]), strict=True)
        if relation
    }
    assert {frozenset(pair) for pair in related_pairs(numbers).tolist()} == expected


def test_numbers_of_any_code() -> None:
    assert code_numbers(["7", "٧", "7a", " 7", "9" * 30, ""]).tolist() == [7, 0, 0, 0, 0, 0]
    assert core_numbers(code_numbers(["7290000009999", "7290000010000", "9999", "10000"])).tolist() == [
        0,
        10000,
        0,
        10000,
    ]
