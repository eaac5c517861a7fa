"""Learning the pair model without labels."""

from __future__ import annotations

import numpy as np
import pytest

from gogobe.masters.clusters.pair_features import PAIR_FEATURES
from gogobe.masters.codes.suffixes import PADDED, SAME_NUMBER, UNRELATED
from gogobe.masters.evaluation.train_pairs import learn_pairs, learn_pairs_of
from tests.masters.clusters.names import listings_of
from tests.masters.evaluation.test_evaluate_pairs import loose_rows


@pytest.mark.slow
def test_what_real_lists_teach() -> None:
    model = learn_pairs_of(loose_rows())
    weights = dict(zip(PAIR_FEATURES, model.names.weights, strict=True))
    assert weights["same_reading"] > 0
    for against in ("colour_contradicts", "largest_share_missing", "percents_differ", "parts_contradict"):
        assert weights[against] < -2
    assert model.code_weights[UNRELATED] == 0
    assert min(model.code_weights[SAME_NUMBER], model.code_weights[PADDED]) > 3


@pytest.mark.slow
def test_the_same_lists_teach_the_same() -> None:
    some = [row for row in loose_rows() if row.item_code[-1] in "05"]
    first, again = (learn_pairs_of(some).names.weights for _ in range(2))
    assert np.array_equal(first, again)


def test_lists_that_have_nothing_in_common_teach_nothing() -> None:
    with pytest.raises(ValueError, match="no two chains list"):
        learn_pairs(listings_of([("a", "1", "עגבניה"), ("b", "2", "לימון"), ("b", "3", "חציל")]))
