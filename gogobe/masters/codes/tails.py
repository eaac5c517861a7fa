"""Codes of two chains that point to one product although neither is a barcode.

A chain's short number of five to seven digits is nearly always the end of the number that its supplier gave:
46020 and 7290000046020, or 46020 in two chains. Some chains fill it up wrongly, so that only its last six
digits are left: 6578778 and 7290000578778. Numbers of four digits or fewer, and what is filled up from them,
are each chain's own and mean nothing elsewhere. How much each of the signs is worth is learned
(`clusters/pair_model.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.gtin import FIRST_IN_HOUSE

Longs = npt.NDArray[np.int64]

NO_SIGN, SAME_NUMBER, FILLED_UP, FILLED_UP_WRONGLY = range(4)
SIGNS: Final = ("none", "same number", "filled up", "filled up wrongly")
"""What the codes of two items may indicate."""
_FIVE_DIGITS: Final = 10**4  # five digits
_END: Final = 10**7  # eight
_LAST_SIX: Final = 10**6


def code_numbers(codes: Sequence[str]) -> Longs:
    """Codes as numbers, 0 where one is no number of at most 18 ASCII digits."""
    return np.array(
        [int(code) if code.isascii() and code.isdecimal() and len(code) <= 18 else 0 for code in codes],
        dtype=np.int64,
    )


def core_numbers(numbers: Longs) -> Longs:
    """The number of five to seven digits that each code has or was filled up from, 0 where it has none."""
    filled = numbers - FIRST_IN_HOUSE
    core = np.where((filled > 0) & (filled < _END), filled, numbers)
    return np.where((core >= _FIVE_DIGITS) & (core < _END), core, 0)


def signs(first: Longs, second: Longs) -> npt.NDArray[np.int8]:
    """The sign of each two codes, by its place in SIGNS."""
    ours, theirs = core_numbers(first), core_numbers(second)
    known = (ours > 0) & (theirs > 0)
    same = known & (ours == theirs)
    # Filled up with one digit too many lost: the last six digits of seven.
    wrongly = known & ~same & (ours % _LAST_SIX == theirs % _LAST_SIX) & (ours % _LAST_SIX >= _FIVE_DIGITS)
    wrongly &= ((ours >= _LAST_SIX) & (second > _END) & (theirs < _LAST_SIX)) | (
        (theirs >= _LAST_SIX) & (first > _END) & (ours < _LAST_SIX)
    )
    sign = np.where(same, np.where(first == second, SAME_NUMBER, FILLED_UP), NO_SIGN)
    return np.where(wrongly, FILLED_UP_WRONGLY, sign).astype(np.int8)


def tails_of(numbers: Longs) -> Longs:
    """All pairs of rows whose codes have a sign, (pairs, 2)."""
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
    signed: Longs = pairs[signs(numbers[pairs[:, 0]], numbers[pairs[:, 1]]) != NO_SIGN]
    return signed
