"""Logistic regression."""

from __future__ import annotations

import numpy as np
import pytest

from gogobe.masters.models.logistic import Logistic, fit_logistic


def test_a_logistic_model_finds_the_odds_that_made_its_examples() -> None:
    random = np.random.default_rng(5)
    features = random.standard_normal((20_000, 2)).astype(np.float32)
    odds = 2 * features[:, 0] - features[:, 1] + 0.5
    labels = random.random(20_000) < 1 / (1 + np.exp(-odds))
    fitted = fit_logistic(features, labels)
    assert np.allclose([*fitted.weights, fitted.intercept], [2, -1, 0.5], atol=0.1)


def test_one_kind_of_example_teaches_nothing() -> None:
    with pytest.raises(ValueError, match="both kinds"):
        fit_logistic(np.zeros((3, 1), dtype=np.float32), np.ones(3, dtype=np.bool_))


def test_an_example_of_weight_two_is_two_examples() -> None:
    random = np.random.default_rng(5)
    features = random.standard_normal((300, 2)).astype(np.float32)
    labels = random.random(300) < 1 / (1 + np.exp(-features[:, 0]))
    twice = fit_logistic(np.concatenate([features, features[:100]]), np.concatenate([labels, labels[:100]]))
    weighted = fit_logistic(features, labels, np.where(np.arange(300) < 100, 2.0, 1.0))
    assert np.allclose(twice.logits(features), weighted.logits(features), atol=0.05)


def test_a_feature_of_the_wrong_direction_is_left_out_and_the_others_are_fitted_again() -> None:
    random = np.random.default_rng(5)
    features = random.standard_normal((5_000, 2)).astype(np.float32)
    labels = random.random(5_000) < 1 / (1 + np.exp(-(2 * features[:, 0] - features[:, 1])))
    free = fit_logistic(features, labels)
    bounded = fit_logistic(features, labels, directions=np.array([1, 1], dtype=np.int8))
    assert free.weights[1] < 0 == bounded.weights[1]
    alone = fit_logistic(features[:, :1], labels)
    assert np.allclose(bounded.weights[0], alone.weights[0])
    assert np.array_equal(free.weights, fit_logistic(features, labels, directions=np.array([1, -1])).weights)


def test_a_table_of_weights_has_the_names_of_the_features() -> None:
    assert Logistic.from_table(("a", "b"), {"b": 2.0, "a": 1.0}, 0.5).weights.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="c"):
        Logistic.from_table(("a", "b"), {"a": 1.0, "c": 1.0}, 0.5)
