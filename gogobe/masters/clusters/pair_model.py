"""How sure it is that two listings are one product: by their names and by their codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters import weights
from gogobe.masters.clusters.pair_features import PAIR_FEATURES
from gogobe.masters.codes.tails import NO_SIGN, SIGNS
from gogobe.masters.models.logistic import Logistic

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]
Longs = npt.NDArray[np.int64]

REFUTED_BELOW: Final = -4.0
"""Names that share no word and have lower log odds than this refute any sign of the codes."""
ACCEPTED: Final = 0.9
"""The score from which on clusters are joined, as a probability."""
_ACCEPTED_ODDS: Final = float(np.log(ACCEPTED / (1 - ACCEPTED)))
_WORDS_SHARED: Final = PAIR_FEATURES.index("words_shared")


@dataclass(frozen=True)
class PairModel:
    """`alike` gives the odds that two listings are one product by PAIR_FEATURES; `signs` (SIGNS,) is what each
    sign of their codes adds to the logarithm. Clusters are joined while the mean of their pairs is `join_from`
    or more, and put up for review from `review_from` on, both in the logarithm of odds."""

    alike: Logistic
    signs: Doubles
    join_from: float
    review_from: float

    def odds(self, features: Floats, signs: npt.NDArray[np.int8]) -> Doubles:
        """The logarithm of the odds that each pair is one product, given its features and the sign of
        its codes."""
        by_name = self.alike.logits(features)
        refuted = (features[:, _WORDS_SHARED] == 0) & (by_name < REFUTED_BELOW)
        return by_name + np.where(refuted, 0.0, self.signs[signs])

    def scores(self, odds: Doubles) -> Doubles:
        """Logarithms of odds as probabilities, such that clusters are joined from ACCEPTED on: what is joined
        has proved right more often than the odds of a single pair suggest."""
        scores: Doubles = 1 / (1 + np.exp(-np.clip(odds - self.join_from + _ACCEPTED_ODDS, -30, 30)))
        return scores

    @property
    def review_score(self) -> float:
        """`review_from` as a score."""
        return float(self.scores(np.array(self.review_from)))


def learned_pair_model() -> PairModel:
    """The model with the weights of `weights.py`."""
    return PairModel(
        Logistic.from_table(PAIR_FEATURES, weights.ALIKE_WEIGHTS, weights.ALIKE_INTERCEPT),
        np.array([weights.SIGN_WEIGHTS[sign] if sign != SIGNS[NO_SIGN] else 0.0 for sign in SIGNS]),
        weights.JOIN_FROM,
        weights.REVIEW_FROM,
    )
