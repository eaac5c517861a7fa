"""Writes learned weights as Python modules of this package, with their training files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.pair_features import PAIR_FEATURES
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.codes.suffixes import CODE_RELATIONS, UNRELATED
from gogobe.masters.matching.aggregate import MASTER_FEATURES
from gogobe.masters.matching.model import Model
from gogobe.masters.matching.ranking import VERDICT_FEATURES


def learned_from(paths: Sequence[Path]) -> dict[str, str]:
    """The names of the training files with their SHA-256, as the version of the weights. Raises OSError."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def choice_weights(model: Model, source: dict[str, str]) -> str:
    """The module `matching/weights.py`."""
    return _module(
        "The weights of the choice among masters and of the verdict, as `make learn` wrote them.",
        source,
        [
            *_table("MASTER_WEIGHTS", MASTER_FEATURES, model.choice.weights),
            f"NONE_UTILITY: Final = {model.choice.none:.4f}",
            *_table("VERDICT_WEIGHTS", VERDICT_FEATURES, model.verdicts.weights),
            f"VERDICT_INTERCEPT: Final = {model.verdicts.intercept:.4f}",
            f"ACCEPT_FROM: Final = {model.accept_from:.4f}",
            f"REVIEW_FROM: Final = {model.review_from:.4f}",
        ],
    )


def pair_weights_of(model: PairModel, source: dict[str, str]) -> str:
    """The module `clusters/weights.py`."""
    return _module(
        "The weights of two listings of goods without a barcode, as `make learn` wrote them.",
        source,
        [
            *_table("NAME_WEIGHTS", PAIR_FEATURES, model.names.weights),
            f"NAME_INTERCEPT: Final = {model.names.intercept:.4f}",
            *_table("CODE_WEIGHTS", CODE_RELATIONS[UNRELATED + 1 :], model.code_weights[UNRELATED + 1 :]),
            f"JOIN_FROM: Final = {model.join_from:.4f}",
            f"REVIEW_FROM: Final = {model.review_from:.4f}",
        ],
    )


def _module(title: str, source: dict[str, str], lines: Iterable[str]) -> str:
    files = [f'    "{name}": "{digest}",' for name, digest in source.items()]
    head = [f'"""{title}"""', "", "from __future__ import annotations", "", "from typing import Final", ""]
    sources = ["LEARNED_FROM: Final[dict[str, str]] = {", *files, "}", '"""Files, and their SHA-256."""']
    return "\n".join([*head, *sources, *lines]) + "\n"


def _table(name: str, features: Sequence[str], weights: npt.NDArray[np.float64]) -> list[str]:
    rows = [f'    "{feature}": {weight:.4f},' for feature, weight in zip(features, weights, strict=True)]
    return [f"{name}: Final[dict[str, float]] = {{", *rows, "}"]
