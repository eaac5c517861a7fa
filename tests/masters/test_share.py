"""The share of a chain's items that have a master, and what it makes of scores."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from gogobe.masters.share import at_share, estimated_share

LEARNED = 0.4


def scores_of_a_chain(share: float, count: int = 20_000) -> npt.NDArray[np.float32]:
    """Scores as a model gives them that was learned where a share of LEARNED has a master: one measurement an
    item, normally distributed about 1 where it has one and about -1 where not."""
    random = np.random.default_rng(11)
    has_master = random.random(count) < share
    measured = random.normal(np.where(has_master, 1.0, -1.0), 1.0)
    logits = 2 * measured + np.log(LEARNED / (1 - LEARNED))
    scores: npt.NDArray[np.float32] = (1 / (1 + np.exp(-logits))).astype(np.float32)
    return scores


@pytest.mark.parametrize("share", [0.1, 0.4, 0.8])
def test_the_share_is_found_without_knowing_which_items_have_a_master(share: float) -> None:
    assert estimated_share(scores_of_a_chain(share), LEARNED) == pytest.approx(share, abs=0.02)


def test_items_that_nothing_resembles_do_not_count() -> None:
    scores = scores_of_a_chain(0.8)
    padded = np.concatenate([scores, np.zeros(50_000, dtype=np.float32)])
    assert estimated_share(padded, LEARNED) == estimated_share(scores, LEARNED)


def test_few_items_change_little_and_none_nothing() -> None:
    assert estimated_share(np.zeros(0, dtype=np.float32), LEARNED) == pytest.approx(LEARNED)
    few = estimated_share(np.ones(5, dtype=np.float32), LEARNED)
    assert LEARNED < few < 0.45


def test_certain_scores_leave_a_share_that_can_be_shifted_to() -> None:
    share = estimated_share(np.ones(100_000, dtype=np.float32), LEARNED)
    assert 0.99 < share < 1
    assert np.isfinite(at_share(np.array([0, 0.5, 1], dtype=np.float32), share, LEARNED)).all()


def test_scores_rise_with_the_share_keep_their_order_and_stay_where_nothing_is_known() -> None:
    scores = np.array([0, 0.1, 0.5, 0.93], dtype=np.float32)
    assert at_share(scores, LEARNED, LEARNED) == pytest.approx(scores, abs=1e-6)
    higher, lower = at_share(scores, 0.8, LEARNED), at_share(scores, 0.1, LEARNED)
    assert higher[0] == lower[0] == 0
    assert (higher[1:] > scores[1:]).all()
    assert (lower[1:] < scores[1:]).all()
    assert (np.diff(higher) > 0).all()
    # Half of the shift: odds of 1 become the square root of (0.8 / 0.2) / (0.4 / 0.6).
    assert higher[2] / (1 - higher[2]) == pytest.approx(6**0.5, rel=1e-5)
