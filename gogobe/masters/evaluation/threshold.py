"""Choice of the operating point: the lowest score at which acceptances have the target precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

AIM: Final = 0.97
"""The target precision. Training cases have one chain's masters fewer than there are in use, so more of their
items have no master to find; on unseen chains precision was higher."""


@dataclass(frozen=True)
class OperatingPoint:
    """Accepting from `score`, with `right` correct acceptances."""

    score: float
    right: int


def operating_point(
    scores: npt.NDArray[np.float32], right: npt.NDArray[np.bool_], least: int = 1, *, aim: float = AIM
) -> OperatingPoint | None:
    """The lowest score above 0 from which at least `least` are accepted with the precision `aim`; None if there
    is none. Equal scores are accepted together."""
    order = np.argsort(-scores, kind="stable")
    scores, rightly = scores[order], np.cumsum(right[order])
    accepted = np.arange(1, len(scores) + 1)
    falls = np.diff(scores, append=np.float32(-np.inf)) < 0
    possible = np.flatnonzero(falls & (scores > 0) & (accepted >= least) & (rightly >= aim * accepted))
    if not len(possible):
        return None
    return OperatingPoint(float(scores[possible[-1]]), int(rightly[possible[-1]]))
