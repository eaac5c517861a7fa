"""The cost of a word that one name has and the other lacks, for goods without a barcode.

It is learned from the chains' lists (`clusters/contrast.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gogobe.masters.snapshot.lexicon import BUCKETS, bucket_of

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class WordCosts:
    """Costs by bucket of a word's hash.

    `general` (buckets,): the word occurs with many products, as a brand or a way of preparing does, and not
    with one or two, as a variety does. `distinctive` (buckets,): the share of its occurrences, 0 to 1, for
    which the chain lists a sibling that differs in just this word. `retained` (buckets,): the evidence
    against a match if the word is missing, -ln of the share of barcodes for which another chain's name lacks
    it.
    """

    general: npt.NDArray[np.bool_]
    distinctive: Floats
    retained: Floats

    @classmethod
    def unknown(cls) -> WordCosts:
        """The costs without training data: every word distinguishes products."""
        nothing = np.zeros(BUCKETS, dtype=np.float32)
        return cls(np.zeros(BUCKETS, dtype=np.bool_), nothing, nothing)

    def of(self, words: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.bool_], Floats, Floats]:
        """`general`, `distinctive` and `retained` of each word, of the words' shape; False and 0 where there
        is no word."""
        buckets, present = bucket_of(words), words != 0
        return (
            self.general[buckets] & present,
            np.where(present, self.distinctive[buckets], np.float32(0)),
            np.where(present, self.retained[buckets], np.float32(0)),
        )
