"""The probability that two listings are one product, from their names and their codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters import weights
from gogobe.masters.clusters.pair_features import PAIR_FEATURES
from gogobe.masters.codes.suffixes import CODE_RELATIONS, UNRELATED
from gogobe.masters.models.logistic import Logistic

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

REFUTED_BELOW: Final = -4.0
"""Where names share no word and their log odds are lower, the relation of the codes counts for nothing."""
ACCEPTED: Final = 0.9
"""The score from which clusters are joined, as a probability."""
_ACCEPTED_ODDS: Final = float(np.log(ACCEPTED / (1 - ACCEPTED)))
_WORDS_SHARED: Final = PAIR_FEATURES.index("words_shared")


@dataclass(frozen=True)
class PairModel:
    """A linear model in log odds.

    `names` gives the log odds that two listings are one product, from PAIR_FEATURES. `code_weights`
    (CODE_RELATIONS,) is what the relation of their codes adds. Clusters are joined while the mean over their
    pairs is at least `join_from`, and go to review from `review_from`; both are log odds.
    """

    names: Logistic
    code_weights: Doubles
    join_from: float
    review_from: float

    def odds(self, features: Floats, relations: npt.NDArray[np.int8]) -> Doubles:
        """The log odds that each pair is one product, from its features and the relation of its codes."""
        by_name = self.names.logits(features)
        refuted = (features[:, _WORDS_SHARED] == 0) & (by_name < REFUTED_BELOW)
        return by_name + np.where(refuted, 0.0, self.code_weights[relations])

    def scores(self, odds: Doubles) -> Doubles:
        """Log odds as probabilities, shifted so that clusters are joined from ACCEPTED: joined clusters have
        proved right more often than the odds of a single pair suggest."""
        scores: Doubles = 1 / (1 + np.exp(-np.clip(odds - self.join_from + _ACCEPTED_ODDS, -30, 30)))
        return scores

    @property
    def review_score(self) -> float:
        """`review_from` as a score."""
        return float(self.scores(np.array(self.review_from)))


def learned_pair_model() -> PairModel:
    """The model with the learned weights of `weights.py`."""
    return PairModel(
        Logistic.from_table(PAIR_FEATURES, weights.NAME_WEIGHTS, weights.NAME_INTERCEPT),
        np.array(
            [
                weights.CODE_WEIGHTS[relation] if relation != CODE_RELATIONS[UNRELATED] else 0.0
                for relation in CODE_RELATIONS
            ]
        ),
        weights.JOIN_FROM,
        weights.REVIEW_FROM,
    )
