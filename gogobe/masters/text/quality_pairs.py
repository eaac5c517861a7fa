"""Comparison of the qualities of two names: which contradict, and which only one name states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.text.qualities import QUALITIES, USUAL, bits_of

Bools = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint16]


def _near_bits() -> list[tuple[int, int, int]]:
    """Column, bit and near bit of all values that are near each other, in both directions."""
    pairs = []
    for column, quality in enumerate(QUALITIES):
        for one, other in quality.near:
            a, b = bits_of(column, [one]), bits_of(column, [other])
            pairs += [(column, a, b), (column, b, a)]
    return pairs


_NEAR_BITS: Final = _near_bits()


@dataclass(frozen=True)
class QualityPairs:
    """n pairs of names by quality, all (n, NAMES): whether the names `contradict` each other; whether their
    values differ but are `near`; whether only one name states it, with a value that is not usual
    (`one_sided`) or is (`usual`), and whether that is the `first` name; and `stated`, the bits that one of
    them states alone."""

    contradict: Bools
    near: Bools
    one_sided: Bools
    usual: Bools
    first: Bools
    stated: Bits


def pair_qualities(ours: Bits, theirs: Bits) -> QualityPairs:
    """Compare the qualities of n names with those of n others, (n, NAMES) each."""
    our_own, their_own = ours & ~theirs, theirs & ~ours
    differ = (our_own != 0) & (their_own != 0)
    once = (our_own != 0) ^ (their_own != 0)
    stated = our_own | their_own
    usual = once & ((stated & ~USUAL) == 0)
    near = np.zeros_like(differ)
    for column, bit, near_bit in _NEAR_BITS:
        near[:, column] |= ((our_own[:, column] & bit) != 0) & ((their_own[:, column] & near_bit) != 0)
    near &= differ
    return QualityPairs(differ & ~near, near, once & ~usual, usual, our_own != 0, stated)
