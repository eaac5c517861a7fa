"""Character n-grams of words, hashed in numpy, a batch of names at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

SIZES: Final = (2, 3, 4)
BUCKETS: Final = 1 << 16

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_SHIFT: Final = np.uint64(29)


@dataclass(frozen=True, slots=True)
class HashedGrams:
    """The n-grams of a batch of texts: text i has `buckets[starts[i]:starts[i + 1]]`, unordered and with
    repeats. `starts` has one more entry than there are texts."""

    buckets: npt.NDArray[np.int64]
    starts: npt.NDArray[np.int64]


def hash_grams(texts: Sequence[str], sizes: Sequence[int] = SIZES, buckets: int = BUCKETS) -> HashedGrams:
    """Hash the n-grams of each text's words; a word boundary counts as a character.

    Texts are in normal form, words separated by one blank. No n-gram spans two words, so word order does not
    matter, and a word that is cut short keeps the n-grams of its beginning.
    """
    joined = "\n".join(f" {text} " for text in texts)
    points = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    if not texts:
        return HashedGrams(np.zeros(0, np.int64), np.zeros(1, np.int64))
    line_ends = points == ord("\n")
    blanks = (points == ord(" ")) | line_ends
    text_of = np.cumsum(line_ends)
    text_of -= line_ends  # the line end itself belongs to the text before it
    hashes, owners = [], []
    for size in sizes:
        count = len(points) - size + 1
        if count <= 0:
            continue
        # A window may begin or end with a blank; one inside would mean that it spans two words.
        inside = np.zeros(count, dtype=np.bool_)
        for offset in range(1, size - 1):
            inside |= blanks[offset : offset + count]
        keep = ~inside & ~line_ends[:count] & ~line_ends[size - 1 :]
        if size == 2:
            keep &= ~(blanks[:count] & blanks[1:])
        code = np.full(count, size, dtype=np.uint64)
        for offset in range(size):
            code = (code ^ points[offset : offset + count]) * _MULTIPLIER
            code ^= code >> _SHIFT
        places = np.flatnonzero(keep)
        hashes.append(code[places] % np.uint64(buckets))
        owners.append(text_of[places])
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=len(texts)), out=starts[1:])
    return HashedGrams(np.concatenate(hashes)[order].astype(np.int64), starts)
