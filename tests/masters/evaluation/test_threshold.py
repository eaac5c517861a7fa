"""Choice of the operating point."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from gogobe.masters.evaluation.threshold import AIM, OperatingPoint, operating_point


def accept_from(scores: npt.NDArray[np.float32], right: npt.NDArray[np.bool_]) -> float:
    """The score of the operating point with fifty acceptances or more, 1.0 for none."""
    point = operating_point(scores, right, 50)
    return point.score if point else 1.0


def test_where_to_accept_is_the_least_score_that_is_precise_enough() -> None:
    scores = np.linspace(1, 0, 1000).astype(np.float32)
    right = np.arange(1000) < 300
    lowest = accept_from(scores, right)
    assert right[scores >= lowest].mean() >= AIM
    assert right[scores >= lowest - 0.002].mean() < AIM
    assert accept_from(scores, np.zeros(1000, dtype=np.bool_)) == 1.0


def test_what_scores_alike_is_accepted_together_or_not_at_all() -> None:
    scores = np.concatenate([np.linspace(1, 0.9, 97), np.full(50, 0.8)]).astype(np.float32)
    right = np.arange(147) < 100
    assert accept_from(scores, right) == pytest.approx(0.9)
    ruled_out = np.append(scores[:97], [0, 0, 0]).astype(np.float32)
    assert accept_from(ruled_out, right[:100]) == pytest.approx(0.9)
    assert accept_from(scores[:50], right[:50]) < 1, "fifty are enough"
    assert accept_from(scores[:49], right[:49]) == 1.0


def test_the_point_says_how_many_are_right() -> None:
    scores = np.array([0.9, 0.8, 0.0], dtype=np.float32)
    assert operating_point(scores, np.array([True, False, True])) == OperatingPoint(float(scores[0]), 1)
    assert operating_point(scores[:0], np.zeros(0, dtype=np.bool_)) is None
