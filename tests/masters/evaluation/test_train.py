"""Learning weights with GTINs as labels."""

from __future__ import annotations

import numpy as np
import pytest

from gogobe.masters.clusters.pair_features import PAIR_FEATURES
from gogobe.masters.evaluation.train import learn
from gogobe.masters.evaluation.weights_files import choice_weights, learned_from, pair_weights_of
from gogobe.masters.matching.aggregate import MASTER_FEATURES
from gogobe.masters.matching.model import fit_choice, learned_model
from gogobe.masters.matching.ranking import VERDICT_FEATURES
from tests.masters.catalogues import SAMPLE, sample_rows


def test_a_choice_finds_the_odds_that_made_its_examples() -> None:
    random = np.random.default_rng(5)
    features = random.standard_normal((20_000, 2)).astype(np.float32)
    groups = np.repeat(np.arange(5_000), 4)
    # What is largest with noise of Gumbel's distribution is chosen by a softmax (McFadden 1974).
    wanted = 2 * features[:, 0] - features[:, 1] + random.gumbel(size=20_000)
    chosen = (wanted.reshape(-1, 4) == wanted.reshape(-1, 4).max(axis=1, keepdims=True)).ravel()
    assert np.allclose(fit_choice(features, chosen, groups).weights, [2, -1], atol=0.1)
    # What all of a group share decides nothing between them.
    shared = np.column_stack([features, np.repeat(random.standard_normal(5_000), 4)]).astype(np.float32)
    assert abs(fit_choice(shared, chosen, groups).weights[2]) < 1e-6


def test_nothing_to_choose_from_teaches_nothing() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="needs examples"):
        fit_choice(np.zeros((0, 1), dtype=np.float32), nothing.astype(np.bool_), nothing)


@pytest.mark.slow
def test_learning_and_writing_weights() -> None:
    model = learn(sample_rows())
    weights = dict(zip(MASTER_FEATURES, model.choice.weights, strict=True))
    assert weights["largest_cosine"] > 0
    assert weights["mean_numbers_differ"] < 0
    source = learned_from([SAMPLE])
    written: dict[str, object] = {}
    exec(compile(choice_weights(model, source), "weights.py", "exec"), written)
    assert written["ACCEPT_FROM"] == pytest.approx(model.accept_from, abs=1e-4)
    assert list(written["MASTER_WEIGHTS"]) == list(MASTER_FEATURES)  # type: ignore[call-overload]
    assert list(written["LEARNED_FROM"]) == [SAMPLE.name]  # type: ignore[call-overload]
    exec(compile(pair_weights_of(model.pairs, source), "weights.py", "exec"), written)
    assert list(written["NAME_WEIGHTS"]) == list(PAIR_FEATURES)  # type: ignore[call-overload]


def test_two_chains_are_too_few_to_learn_from() -> None:
    rows = [row for row in sample_rows() if row.chain_id < "7290600000000"]
    with pytest.raises(ValueError, match="needs three"):
        learn(rows)


def test_the_weights_that_are_built_in_are_few_and_mean_what_they_say() -> None:
    model = learned_model()
    assert 0.85 < model.accept_from < 1
    verdicts = dict(zip(VERDICT_FEATURES, model.verdicts.weights, strict=True))
    assert verdicts["utility"] > 0
    # What a chain's other items say at best is a bound only as long as these keep their signs.
    assert verdicts["second_ahead_of_chain"] < 0
    assert verdicts["ahead_of_all"] > 0
    assert verdicts["ahead_of_all_free"] > 0
