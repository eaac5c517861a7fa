"""Learns which words chains retain when they name one product, from barcodes that several chains sell.

Chains leave out the brand, the origin or the grade; none leaves out the soda of "apple soda". So a word that
two chains' names of one barcode nearly always share is evidence against a match if it is missing.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.snapshot.lexicon import BUCKETS, bucket_of
from gogobe.masters.text.arrays import evenly, places_in_runs, run_starts
from gogobe.masters.text.facts import Facts
from gogobe.masters.text.similarity import words_found

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]

_NAMES: Final = 40_000
"""Maximum names to learn from, evenly chosen."""
_OTHER_NAMES: Final = 8  # maximum names of its barcode that a name is compared with
_PRIOR: Final = 4.0  # pseudo-counts of the mean of all words
_CHUNK: Final = 4096


def learn_retention(names: Facts, gtins: Longs) -> Floats:
    """-ln of the smoothed share of other names of the same barcode that lack a word, by bucket of the word's
    form: (buckets,). `gtins` (names,) are 0 for names without a barcode. All 0 if no barcode has two
    names."""
    rows = np.flatnonzero(gtins)
    rows = rows[np.argsort(gtins[rows], kind="stable")]
    begins = run_starts(gtins[rows])
    sizes = np.diff(begins, append=len(rows))
    run_of = np.repeat(np.arange(len(begins)), sizes)
    asked = evenly(np.flatnonzero(sizes[run_of] > 1), _NAMES) if len(rows) else rows
    others = np.minimum(sizes[run_of[asked]], _OTHER_NAMES)
    left = np.repeat(asked, others)
    right = begins[run_of[left]] + places_in_runs(others)
    left, right = rows[left[left != right]], rows[right[left != right]]
    missing, all_of_them = np.zeros((2, BUCKETS))
    for begin in range(0, len(left), _CHUNK):
        ours = names.take(left[begin : begin + _CHUNK]).narrowed()
        found, _ = words_found(ours, names.take(right[begin : begin + _CHUNK]).narrowed())
        present = ours.words != 0
        buckets = bucket_of(ours.forms()[present])
        missing += np.bincount(buckets, found[present] == 0, BUCKETS)
        all_of_them += np.bincount(buckets, minlength=BUCKETS)
    if not all_of_them.any():
        return np.zeros(BUCKETS, dtype=np.float32)
    overall = max(missing.sum(), 1.0) / all_of_them.sum()
    retained: Floats = -np.log((missing + _PRIOR * overall) / (all_of_them + _PRIOR)).astype(np.float32)
    return retained
