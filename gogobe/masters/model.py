"""The scoring model: two logistic models with fixed weights, one of pairs and one of verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters import weights
from gogobe.masters.pairs import FEATURES
from gogobe.masters.ranking import VERDICT_FEATURES

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Logistic:
    """A logistic model: `weights` (features,) and an intercept."""

    weights: npt.NDArray[np.float64]
    intercept: float

    def logits(self, features: Floats) -> npt.NDArray[np.float64]:
        """The logarithm of the odds for each row of features."""
        odds: npt.NDArray[np.float64] = features.astype(np.float64) @ self.weights + self.intercept
        return odds

    def probabilities(self, features: Floats) -> Floats:
        """The probability for each row of features, 0 to 1."""
        probable: Floats = (1 / (1 + np.exp(-np.clip(self.logits(features), -30, 30)))).astype(np.float32)
        return probable

    @classmethod
    def from_table(cls, names: tuple[str, ...], table: Mapping[str, float], intercept: float) -> Logistic:
        """The model of a table of weights by feature. Raises ValueError where the names do not agree."""
        if set(table) != set(names):
            odd = ", ".join(sorted(set(table) ^ set(names)))
            raise ValueError(f"weights and features do not agree on: {odd}; run `make learn`")
        return cls(np.array([table[name] for name in names]), intercept)


@dataclass(frozen=True)
class Model:
    """`pairs` ranks candidates, `verdicts` says how sure the first is; from `accept_from` on an item is given
    to the candidate's master, from `review_from` on a person is asked."""

    pairs: Logistic
    verdicts: Logistic
    accept_from: float
    review_from: float

    def pair_scores(self, features: Floats) -> Floats:
        """The logits of pairs (pairs, features)."""
        return self.pairs.logits(features).astype(np.float32)

    def probabilities(self, features: Floats) -> Floats:
        """How likely each verdict (items, verdict features) is right, 0 to 1."""
        return self.verdicts.probabilities(features)


def learned_model() -> Model:
    """The model whose weights stand in `weights.py`."""
    return Model(
        Logistic.from_table(FEATURES, weights.PAIR_WEIGHTS, weights.PAIR_INTERCEPT),
        Logistic.from_table(VERDICT_FEATURES, weights.VERDICT_WEIGHTS, weights.VERDICT_INTERCEPT),
        weights.ACCEPT_FROM,
        weights.REVIEW_FROM,
    )


_RIDGE: Final = 1.0
_STEPS: Final = 40


def fit_logistic(features: Floats, labels: npt.NDArray[np.bool_]) -> Logistic:
    """Fit by iteratively reweighted least squares on standardized features, with a small ridge.

    Deterministic. Both labels have to occur; raises ValueError where they do not.
    """
    if labels.all() or not labels.any():
        raise ValueError("a logistic model needs examples of both kinds")
    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 1e-9, spread, 1.0)
    table = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    ridge = np.diag([0.0] + [_RIDGE] * features.shape[1])
    weights_now = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        probable = 1 / (1 + np.exp(-np.clip(table @ weights_now, -30, 30)))
        gradient = table.T @ (labels - probable) - ridge @ weights_now
        curvature = (table * (probable * (1 - probable))[:, None]).T @ table + ridge
        step = np.linalg.solve(curvature, gradient)
        weights_now = weights_now + step
        if np.abs(step).max() < 1e-6:
            break
    slopes = weights_now[1:] / spread
    return Logistic(slopes, float(weights_now[0] - slopes @ mean))
