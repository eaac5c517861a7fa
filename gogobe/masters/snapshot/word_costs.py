"""The cost of a word that one name has and another lacks, for goods without a barcode.

Learned from the lists of the chains (`clusters/contrast.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogobe.masters.snapshot.lexicon import BUCKETS, bucket_of

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WordCosts:
    """By bucket of a word's hash: `general` (buckets,) whether the word occurs with many things, as a brand or
    a way of preparing does, and not with one or two, as a variety does; `distinctive` (buckets,) in what part
    of its places a chain lists a sibling that differs in just this word, 0 to 1; `retained` (buckets,) the
    evidence against one product when the word is missing: -ln of the part of barcodes for which another chain's
    name lacks the word."""

    general: npt.NDArray[np.bool_]
    distinctive: Floats
    retained: Floats

    @classmethod
    def unknown(cls) -> WordCosts:
        """What is known where there is nothing to learn from: every word distinguishes products."""
        nothing = np.zeros(BUCKETS, dtype=np.float32)
        return cls(np.zeros(BUCKETS, dtype=np.bool_), nothing, nothing)

    def of(self, words: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
        """Whether each word is general, how distinctive it is and how surely it is retained: of the words'
        shape, False and 0 for no word."""
        buckets, present = bucket_of(words), words != 0
        return (
            self.general[buckets] & present,
            np.where(present, self.distinctive[buckets], np.float32(0)),
            np.where(present, self.retained[buckets], np.float32(0)),
        )
