"""The weights of the second look and of the verdict, learned by `gogobe masters learn`."""

from __future__ import annotations

from typing import Final

PAIR_WEIGHTS: Final[dict[str, float]] = {}
PAIR_INTERCEPT: Final = 0.0
VERDICT_WEIGHTS: Final[dict[str, float]] = {}
VERDICT_INTERCEPT: Final = 0.0
ACCEPT_FROM: Final = 0.9
REVIEW_FROM: Final = 0.5
