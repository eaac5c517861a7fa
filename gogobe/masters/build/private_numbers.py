"""Detects in-house numbers that look like barcodes: two chains use one number for different products.

The names of a true barcode may have no word in common ("שמפו", "הד אנד שולדרס"), but both are sold by the
piece and at similar prices. If two chains' names share no word, and one is weighed and the other not, or one
price is more than twice the other, the number is no barcode, with any prefix. The same holds for goods sold by
weight under one number, packed by one name and much dearer than where no name says so.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.text.arrays import places_in_runs
from gogobe.masters.text.facts import Facts
from gogobe.masters.text.qualities import NAMES
from gogobe.masters.text.quality_pairs import pair_qualities
from gogobe.masters.text.similarity import words_found

Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

PRICE_RATIO: Final = 2.0
"""The ratio from which two prices disagree."""
PACKED_PRICE_RATIO: Final = 1.5
"""The same for goods sold by weight of which one name says that they are packed and the other does not."""
_PACKING: Final = NAMES.index("packing")
_MOST_CHAINS: Final = 8  # maximum names of a number that are compared
_AT_ONCE: Final = 4_096


def private_numbers(names: Facts, gtins: Longs, chains: npt.NDArray[np.uint32]) -> Longs:
    """The numbers, ascending, for which most pairs of chains disagree. `gtins` (names,) are 0 for codes that
    are no GTIN."""
    rows = np.flatnonzero(gtins)
    rows = rows[np.lexsort((chains[rows], gtins[rows]))]
    begins = np.flatnonzero(np.append(True, np.diff(gtins[rows]) != 0)) if len(rows) else rows
    counts = np.minimum(np.diff(begins, append=len(rows)), _MOST_CHAINS)
    # Each name of a number with the names after it.
    members = np.repeat(begins, counts) + places_in_runs(counts)
    behind = np.repeat(begins + counts, counts) - members - 1
    left = np.repeat(members, behind)
    right = left + 1 + places_in_runs(behind)
    first, second = rows[left], rows[right]
    across = chains[first] != chains[second]
    first, second = first[across], second[across]
    apart = np.zeros(len(first), dtype=np.bool_)
    for begin in range(0, len(first), _AT_ONCE):
        part = slice(begin, begin + _AT_ONCE)
        apart[part] = _disagree(names.take(first[part]).narrowed(), names.take(second[part]).narrowed())
    numbers, place = np.unique(gtins[first], return_inverse=True)
    pairs = np.bincount(place, minlength=len(numbers))
    private: Longs = numbers[2 * np.bincount(place, apart, len(numbers)) > pairs]
    return private


def _disagree(ours: Facts, theirs: Facts) -> Bools:
    our_words, their_words = words_found(ours, theirs)
    nothing = (our_words.max(axis=1) == 0) & (their_words.max(axis=1) == 0)
    nothing &= (ours.word_counts() > 0) & (theirs.word_counts() > 0)
    priced = (ours.price > 0) & (theirs.price > 0)
    dearer, cheaper = np.maximum(ours.price, theirs.price), np.minimum(ours.price, theirs.price)
    far = priced & (dearer > PRICE_RATIO * cheaper)
    one_packed = pair_qualities(ours.qualities, theirs.qualities).one_sided[:, _PACKING]
    one_packed &= priced & (dearer > PACKED_PRICE_RATIO * cheaper)
    one_packed &= (ours.weighed > 0) & (theirs.weighed > 0)
    disagree: Bools = (nothing & (far | (ours.weighed != theirs.weighed))) | one_packed
    return disagree
