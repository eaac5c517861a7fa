"""Linking of masters without a GTIN during a build."""

from __future__ import annotations

import numpy as np

from gogobe.masters.build.link import _link_in_order
from gogobe.masters.codes.decisions import Decision


def decision(score: float, match: str = "vector") -> Decision:
    return Decision(match, "c", "1", "x", 1, 2, "y", score, [])  # type: ignore[arg-type]


def test_two_masters_never_go_by_each_other() -> None:
    joined = _link_in_order([(0, 1, decision(0.95)), (1, 0, decision(0.97))], np.arange(3), 3)
    assert joined.canonical.tolist() == [0, 0, 2]
    assert list(joined.decisions) == [1]


def test_nobody_goes_by_a_master_that_goes_by_another() -> None:
    joined = _link_in_order(
        [(0, 1, decision(0.99)), (2, 0, decision(0.98)), (1, 2, decision(0.97))], np.arange(3), 3
    )
    assert joined.canonical.tolist() == [1, 1, 2]


def test_the_surest_is_first_and_a_review_joins_nothing() -> None:
    joined = _link_in_order([(0, 2, decision(0.93)), (1, 2, decision(0.6, "review"))], np.arange(3), 3)
    assert joined.canonical.tolist() == [2, 1, 2]
    assert sorted(joined.decisions) == [0, 1]
