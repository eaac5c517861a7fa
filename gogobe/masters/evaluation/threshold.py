"""Where to accept: the score from which on acceptances are right as often as is aimed at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

AIM: Final = 0.97
"""The precision of what is accepted. A case that weights are learned from has the masters of a chain fewer than
there are in use, and more of its items have none to find: on chains unseen precision was the higher for it."""


@dataclass(frozen=True)
class OperatingPoint:
    """Accepting from `score` on, of which `right` acceptances are right."""

    score: float
    right: int


def operating_point(
    scores: npt.NDArray[np.float32], right: npt.NDArray[np.bool_], least: int = 1
) -> OperatingPoint | None:
    """The lowest score above 0 from which on at least `least` are accepted, as precisely as is aimed at; None
    where there is none. What scores alike is accepted together."""
    order = np.argsort(-scores, kind="stable")
    scores, rightly = scores[order], np.cumsum(right[order])
    accepted = np.arange(1, len(scores) + 1)
    falls = np.diff(scores, append=np.float32(-np.inf)) < 0
    possible = np.flatnonzero(falls & (scores > 0) & (accepted >= least) & (rightly >= AIM * accepted))
    if not len(possible):
        return None
    return OperatingPoint(float(scores[possible[-1]]), int(rightly[possible[-1]]))
