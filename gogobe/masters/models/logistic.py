"""Logistic regression with sign constraints, fitted deterministically."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

_RIDGE: Final = 1.0
_STEPS: Final = 40


@dataclass(frozen=True)
class Logistic:
    """A logistic model: `weights` (features,) and an intercept."""

    weights: npt.NDArray[np.float64]
    intercept: float

    def logits(self, features: Floats) -> npt.NDArray[np.float64]:
        """The log odds of each row of features."""
        odds: npt.NDArray[np.float64] = features.astype(np.float64) @ self.weights + self.intercept
        return odds

    def probabilities(self, features: Floats) -> Floats:
        """The probability for each row of features, 0 to 1."""
        probable: Floats = (1 / (1 + np.exp(-np.clip(self.logits(features), -30, 30)))).astype(np.float32)
        return probable

    @classmethod
    def from_table(cls, names: tuple[str, ...], table: Mapping[str, float], intercept: float) -> Logistic:
        """The model of a table of weights by feature. Raises ValueError if the names of the features
        differ."""
        return cls(in_order(names, table), intercept)


def fit_logistic(
    features: Floats,
    labels: npt.NDArray[np.bool_],
    weights: npt.NDArray[np.float64] | None = None,
    *,
    ridge: float = _RIDGE,
    directions: npt.NDArray[np.int8] | None = None,
) -> Logistic:
    """Fit by iteratively reweighted least squares on standardized features, with a small ridge penalty.

    `weights` (n,) are those of the examples, 1 by default. `directions` (features,) constrains the signs of
    the slopes: 1 for at least 0, -1 for at most 0, 0 for no constraint. A feature whose slope violates it is
    dropped, and the others are fitted again. Deterministic. Raises ValueError unless both labels occur.
    """
    if labels.all() or not labels.any():
        raise ValueError("a logistic model needs examples of both kinds")
    counts = np.ones(len(features)) if weights is None else weights
    used = np.ones(features.shape[1], dtype=np.bool_)
    while True:
        model = _fit(features[:, used], labels, counts, ridge)
        slopes = np.zeros(len(used))
        slopes[used] = model.weights
        wrong = np.zeros(len(used), dtype=np.bool_) if directions is None else slopes * directions < 0
        if not wrong.any():
            return Logistic(slopes, model.intercept)
        used &= ~wrong


def _fit(
    features: Floats, labels: npt.NDArray[np.bool_], counts: npt.NDArray[np.float64], ridge: float
) -> Logistic:
    mean, spread = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 1e-9, spread, 1.0)
    table = np.column_stack([np.ones(len(features)), (features - mean) / spread])
    penalty = np.diag([0.0] + [ridge] * features.shape[1])
    weights_now = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        probable = 1 / (1 + np.exp(-np.clip(table @ weights_now, -30, 30)))
        gradient = table.T @ (counts * (labels - probable)) - penalty @ weights_now
        curvature = (table * (counts * probable * (1 - probable))[:, None]).T @ table + penalty
        step = np.linalg.solve(curvature, gradient)
        weights_now = weights_now + step
        if np.abs(step).max() < 1e-6:
            break
    slopes = weights_now[1:] / spread
    return Logistic(slopes, float(weights_now[0] - slopes @ mean))


def in_order(names: tuple[str, ...], table: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """A table of weights by feature as an array in the features' order. Raises ValueError if the names
    differ."""
    if set(table) != set(names):
        odd = ", ".join(sorted(set(table) ^ set(names)))
        raise ValueError(f"weights and features do not agree on: {odd}; learn the weights again")
    return np.array([table[name] for name in names])
