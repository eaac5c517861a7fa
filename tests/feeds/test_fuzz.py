"""A small slice of `make fuzz`: broken real feeds end in rows or a reason, the same on every path."""

from collections import Counter

import pytest

from benchmarks.fuzz import run
from benchmarks.mutations import case, seeds

CASES = 400
SEED = 4


@pytest.mark.slow
def test_broken_feeds_end_in_rows_or_a_reason():
    endings: Counter[str] = Counter()
    for number, broken, outcome, faults in run(range(CASES), SEED):
        assert faults == [], f"case {number} of seed {SEED}, {broken.mutations}"
        assert outcome is not None
        endings.update(outcome.problems or ["read whole"])
    # The cases are broken in many ways, and not all so badly that nothing is left to read.
    assert endings.keys() >= {
        "truncated",
        "bad_xml",
        "bad_encoding",
        "bad_container",
        "read whole",
    }


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 7, 123])
def test_a_case_is_always_the_same(number):
    assert case(seeds(), SEED, number) == case(seeds(), SEED, number)
