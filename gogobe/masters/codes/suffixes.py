"""Relations between codes of two chains that are no barcodes: equal numbers and common suffixes.

A chain's short number of five to seven digits is nearly always the end of its supplier's number: 46020 and
7290000046020, or 46020 in two chains. Some chains pad it wrongly, so that only its last six digits remain:
6578778 and 7290000578778. Numbers of four digits or fewer, and such numbers padded, are each chain's own and
mean nothing elsewhere. The weight of each relation is learned (`clusters/pair_model.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.gtin import FIRST_IN_HOUSE

Longs = npt.NDArray[np.int64]

UNRELATED, SAME_NUMBER, PADDED, MISPADDED = range(4)
CODE_RELATIONS: Final = ("none", "same number", "padded", "padded wrongly")
"""How the codes of two items may be related."""
_FIVE_DIGITS: Final = 10**4
_EIGHT_DIGITS: Final = 10**7
_LAST_SIX: Final = 10**6


def code_numbers(codes: Sequence[str]) -> Longs:
    """Codes as numbers; 0 for a code that is not 1 to 18 ASCII digits."""
    return np.array(
        [int(code) if code.isascii() and code.isdecimal() and len(code) <= 18 else 0 for code in codes],
        dtype=np.int64,
    )


def core_numbers(numbers: Longs) -> Longs:
    """The core of each code, the number of five to seven digits that it is or was padded from; 0 where it has
    none."""
    filled = numbers - FIRST_IN_HOUSE
    core = np.where((filled > 0) & (filled < _EIGHT_DIGITS), filled, numbers)
    return np.where((core >= _FIVE_DIGITS) & (core < _EIGHT_DIGITS), core, 0)


def code_relations(first: Longs, second: Longs) -> npt.NDArray[np.int8]:
    """The relation of each pair of codes, as an index of CODE_RELATIONS."""
    ours, theirs = core_numbers(first), core_numbers(second)
    known = (ours > 0) & (theirs > 0)
    same = known & (ours == theirs)
    # Padded wrongly: the first of seven digits is lost.
    wrongly = known & ~same & (ours % _LAST_SIX == theirs % _LAST_SIX) & (ours % _LAST_SIX >= _FIVE_DIGITS)
    wrongly &= ((ours >= _LAST_SIX) & (second > _EIGHT_DIGITS) & (theirs < _LAST_SIX)) | (
        (theirs >= _LAST_SIX) & (first > _EIGHT_DIGITS) & (ours < _LAST_SIX)
    )
    relation = np.where(same, np.where(first == second, SAME_NUMBER, PADDED), UNRELATED)
    return np.where(wrongly, MISPADDED, relation).astype(np.int8)


def related_pairs(numbers: Longs) -> Longs:
    """All pairs of rows whose codes are related, (pairs, 2)."""
    core = core_numbers(numbers)
    rows = np.flatnonzero(core)
    rows = rows[np.argsort(core[rows] % _LAST_SIX, kind="stable")]
    ends = core[rows] % _LAST_SIX
    _, begins, counts = np.unique(ends, return_index=True, return_counts=True)
    members = np.arange(len(rows))
    behind = np.repeat(begins + counts, counts) - members - 1
    left = np.repeat(members, behind)
    right = left + 1 + (np.arange(len(left)) - np.repeat(np.cumsum(behind) - behind, behind))
    pairs = np.column_stack([rows[left], rows[right]])
    related: Longs = pairs[code_relations(numbers[pairs[:, 0]], numbers[pairs[:, 1]]) != UNRELATED]
    return related
