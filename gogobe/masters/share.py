"""The share of a chain's items that have a master to find, estimated from scores, and scores put right by it.

Scores are learned on chains that have a master for a certain share of their items. Of a chain for which others
sell nearly everything the same score is right more often; of one with many products of its own, less often.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

_PRIOR: Final = 100.0  # as many items as it takes to believe a chain's scores rather than what was learned
_PART: Final = (
    0.5  # of the shift that is applied: all of it overdoes it on chains that nothing was learned from
)
_STEPS: Final = 100
_SMALLEST: Final = 1e-6


def estimated_share(scores: Floats, learned: float) -> float:
    """The share of a chain's items whose first candidate is their master, 0 to 1, not included.

    `scores` (n,) say how likely that is of each, 0 where nothing resembles the item (these are left out),
    given that it is so of the share `learned`. Few items tell little: without any it is `learned`.

    Expectation maximization over the scores of one chain: M. Saerens, P. Latinne and C. Decaestecker,
    "Adjusting the Outputs of a Classifier to New a Priori Probabilities: A Simple Procedure", Neural
    Computation 14 (2002).
    """
    logits = _logits(scores[scores > 0])
    share = learned
    for _ in range(_STEPS):
        expected = _probabilities(logits + _logit(share) - _logit(learned))
        share = (float(expected.sum()) + _PRIOR * learned) / (len(logits) + _PRIOR)
    return share


def at_share(scores: Floats, share: float, learned: float) -> Floats:
    """Scores given that a share of the items have a master, rather than the share `learned`; 0 remains 0."""
    shift = _PART * (_logit(share) - _logit(learned))
    shifted: Floats = np.where(scores > 0, _probabilities(_logits(scores) + shift), 0).astype(np.float32)
    return shifted


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def _logits(scores: Floats) -> Doubles:
    kept = np.clip(scores.astype(np.float64), _SMALLEST, 1 - _SMALLEST)
    logits: Doubles = np.log(kept / (1 - kept))
    return logits


def _probabilities(logits: Doubles) -> Doubles:
    probable: Doubles = 1 / (1 + np.exp(-logits))
    return probable
