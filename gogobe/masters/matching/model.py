"""The scoring models, with fixed weights: the choice among masters, and the probability of the chosen one.

Both are linear. The first is a conditional logit (McFadden, "Conditional Logit Analysis of Qualitative Choice
Behavior", 1974): it learns to distinguish an item's master from the competing masters, not the properties of
a match in general. The second is a logistic model of the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.pair_model import PairModel, learned_pair_model
from gogobe.masters.matching import weights
from gogobe.masters.matching.aggregate import MASTER_FEATURES
from gogobe.masters.matching.features import FEATURES
from gogobe.masters.matching.ranking import VERDICT_FEATURES
from gogobe.masters.models.logistic import Logistic, in_order

Floats = npt.NDArray[np.float32]

_CHOICE_RIDGE: Final = 5.0
_STEPS: Final = 40
_NONE_GRID: Final = (-5.0, 20.0, 0.25)


@dataclass(frozen=True)
class Choice:
    """A choice among the masters that compete for an item: `weights` (MASTER_FEATURES,), and the utility of
    `none` of them."""

    weights: npt.NDArray[np.float64]
    none: float = 0.0

    def utilities(self, features: Floats) -> Floats:
        """The utility of each master (k, MASTER_FEATURES). For two masters, the odds that the first is the
        item's are e to the power of the difference."""
        useful: Floats = (features @ self.weights.astype(np.float32)).astype(np.float32)
        return useful

    def name_utilities(self, features: Floats) -> Floats:
        """The utility that each name (pairs, FEATURES) would give to its master as its only name."""
        names = len(FEATURES)
        weights = self.weights[:names] + self.weights[names : 2 * names]
        useful: Floats = (features @ weights.astype(np.float32)).astype(np.float32)
        return useful

    def chances(self, first: Floats, others: Floats) -> npt.NDArray[np.float64]:
        """The probability of each item's first master, given its utility and the log of the summed odds of the
        others; 0 without a master (-inf)."""
        ahead = np.where(np.isneginf(first), -np.inf, first - np.logaddexp(others, self.none))
        chances: npt.NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(ahead, -50, 50), dtype=np.float64))
        return np.where(np.isneginf(first), 0.0, chances)

    @classmethod
    def from_table(cls, table: Mapping[str, float], none: float) -> Choice:
        """The choice of a table of weights by feature. Raises ValueError if the names of the features
        differ."""
        return cls(in_order(MASTER_FEATURES, table), none)


@dataclass(frozen=True)
class Model:
    """`choice` ranks masters, `verdicts` gives the probability of the first. From `accept_from` an item gets
    the candidate's master, from `review_from` a person is asked. `pairs` is the model of goods without a
    usable barcode."""

    choice: Choice
    verdicts: Logistic
    accept_from: float
    review_from: float
    pairs: PairModel


def learned_model() -> Model:
    """The model with the learned weights of `weights.py`."""
    return Model(
        Choice.from_table(weights.MASTER_WEIGHTS, weights.NONE_UTILITY),
        Logistic.from_table(VERDICT_FEATURES, weights.VERDICT_WEIGHTS, weights.VERDICT_INTERCEPT),
        weights.ACCEPT_FROM,
        weights.REVIEW_FROM,
        learned_pair_model(),
    )


def fit_choice(features: Floats, chosen: npt.NDArray[np.bool_], groups: npt.NDArray[np.int64]) -> Choice:
    """Fit a choice by Newton's method on standardized features, with a small ridge penalty.

    Rows (k, features) of one group are adjacent and compete; one of each is `chosen`. Deterministic. Raises
    ValueError if there is no group.
    """
    if not len(groups):
        raise ValueError("a choice needs examples: no item's master is among its candidates")
    spread = features.std(axis=0, dtype=np.float64)
    spread = np.where(spread > 1e-9, spread, 1.0)
    table = features / spread
    boundary = np.append(True, np.diff(groups) != 0)
    starts, group_of = np.flatnonzero(boundary), np.cumsum(boundary) - 1
    ridge = _CHOICE_RIDGE * np.eye(table.shape[1])
    weights_now = np.zeros(table.shape[1])
    for _ in range(_STEPS):
        utilities = table @ weights_now
        odds = np.exp(utilities - np.maximum.reduceat(utilities, starts)[group_of])
        probable = odds / np.add.reduceat(odds, starts)[group_of]
        weighted = table * probable[:, None]
        expected = np.add.reduceat(weighted, starts, axis=0)
        gradient = table.T @ (chosen - probable) - _CHOICE_RIDGE * weights_now
        step = np.linalg.solve(table.T @ weighted - expected.T @ expected + ridge, gradient)
        weights_now = weights_now + step
        if np.abs(step).max() < 1e-6:
            break
    return Choice(weights_now / spread)


def fit_none(choice: Choice, first: Floats, others: Floats, right: npt.NDArray[np.bool_]) -> Choice:
    """Fit the utility of none of the masters: items of which the first is not `right` have chosen it. The
    utilities are as in `Choice.chances`. The likeliest of a grid; deterministic."""
    best, least = choice, np.inf
    for none in np.arange(*_NONE_GRID):
        tried = Choice(choice.weights, float(none))
        chances = np.clip(tried.chances(first, others), 1e-9, 1 - 1e-9)
        loss = float(-np.log(np.where(right, chances, 1 - chances)).mean())
        if loss < least:
            best, least = tried, loss
    return best
