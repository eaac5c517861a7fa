"""The vector of an item: its encoded name, its size and its price.

Size and price are encoded as the cosine and sine of their logarithm at several frequencies, so that the
product of two items grows as their sizes get closer, and a missing value contributes 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.text.facts import Facts
from gogobe.masters.vectors.encoder import Encoder, Floats, unit_rows

_SIZE_FREQUENCIES: Final = np.array([1.5, 4.0, 10.0, 25.0])
_PRICE_FREQUENCIES: Final = np.array([1.0, 2.5])
_SIZE_WEIGHT: Final = 0.4  # against 1 for the name
_PRICE_WEIGHT: Final = 0.3
SIZE_AND_PRICE_DIMENSIONS: Final = 2 * (len(_SIZE_FREQUENCIES) + len(_PRICE_FREQUENCIES))
"""Dimensions of a vector in addition to the encoder's."""


def item_vectors(encoder: Encoder, texts: Sequence[str], facts: Facts) -> Floats:
    """Vectors of names in normal form and their facts, (items, encoder.dimensions +
    SIZE_AND_PRICE_DIMENSIONS)."""
    return np.concatenate(
        [
            encoder.encode(texts),
            _on_circles(facts.size(), _SIZE_FREQUENCIES, _SIZE_WEIGHT),
            _on_circles(facts.price, _PRICE_FREQUENCIES, _PRICE_WEIGHT),
        ],
        axis=1,
    )


def _on_circles(values: Floats, frequencies: npt.NDArray[np.float64], weight: float) -> Floats:
    known = values > 0
    angles = np.log(np.where(known, values, 1.0))[:, None] * frequencies
    circles = np.concatenate([np.cos(angles), np.sin(angles)], axis=1) * np.sqrt(weight / len(frequencies))
    placed: Floats = (circles * known[:, None]).astype(np.float32)
    return placed


def master_vectors(vectors: Floats, starts: npt.NDArray[np.int64]) -> Floats:
    """The mean vector of each master, whose names are `vectors[starts[i]:starts[i + 1]]`, at least one."""
    counts = np.diff(starts)
    means: Floats = (np.add.reduceat(vectors, starts[:-1], axis=0) / counts[:, None]).astype(np.float32)
    return means


def centred(vectors: Floats, centre: Floats) -> Floats:
    """The vectors in the form that is indexed and searched: minus their mean, scaled to length 1."""
    return unit_rows(vectors - centre)
