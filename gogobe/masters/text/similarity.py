"""Word overlap of two names: words that are equal, cut short or inflected."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.text.facts import Facts

Floats = npt.NDArray[np.float32]

_SHORTEST_CUT: Final = 3  # letter pairs, the first letter counting as one
_MIN_SIMILARITY: Final = 0.7  # below this share of letter pairs two words are different words


def words_found(left: Facts, right: Facts) -> tuple[Floats, Floats]:
    """How far each word of one side occurs on the other, including the manufacturer's name: left's words in
    right and right's in left, (pairs, words) each, 0 to 1. Row i of left is compared with row i of right."""
    between = _similarity(left.words, left.shapes, right.words, right.shapes)
    ours: Floats = between.max(axis=2)
    theirs: Floats = between.max(axis=1)
    # A word of the name may be the other side's manufacturer.
    for found, facts, other in ((ours, left, right), (theirs, right, left)):
        named = np.flatnonzero(other.brands[:, 0])
        if len(named):
            alike = _similarity(
                facts.words[named], facts.shapes[named], other.brands[named], other.brand_shapes[named]
            )
            found[named] = np.maximum(found[named], alike.max(axis=2))
    return ours, theirs


def _similarity(
    words: npt.NDArray[np.uint32],
    shapes: npt.NDArray[np.uint64],
    other_words: npt.NDArray[np.uint32],
    other_shapes: npt.NDArray[np.uint64],
) -> Floats:
    """The similarity of each word of one side to each word of the other: (pairs, words, other words), 0 to
    1."""
    words, shapes = words[:, :, None], shapes[:, :, None]
    other_words, other_shapes = other_words[:, None, :], other_shapes[:, None, :]
    shared = np.bitwise_count(shapes & other_shapes).astype(np.float32)
    ours = np.bitwise_count(shapes).astype(np.float32)
    theirs = np.bitwise_count(other_shapes).astype(np.float32)
    dice = shared * (np.float32(1.9) / np.maximum(ours + theirs, 1))
    # All letter pairs of a word that was cut short are in the whole word. Shorter words are excluded: their few
    # bits are contained in a longer word's 64 by chance too often.
    shorter = np.minimum(ours, theirs)
    contained = shared * np.where(
        shorter >= _SHORTEST_CUT, np.float32(0.9) / np.maximum(shorter, 1), np.float32(0)
    )
    alike = np.maximum(dice, contained)
    alike[alike < _MIN_SIMILARITY] = 0
    similarity: Floats = np.where((words == other_words) & (words != 0), np.float32(1), alike)
    return similarity
