"""Learns the weight of a shared or missing word from a catalogue's own masters.

Some words are in every chain's name of a product and in few of its neighbours' ("mango"); others are optional
("fresh"). How often a word recurs in another name of the same master (m), and in the names of nearby masters
(u), gives its weight: log(m/u) if it is found, log((1 - m)/(1 - u)) if it is missing. These are the weights
of Fellegi & Sunter, "A Theory for Record Linkage" (1969), per word.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.snapshot.lexicon import BUCKETS, WordOdds, bucket_of
from gogobe.masters.text.arrays import evenly, places_in_runs
from gogobe.masters.text.facts import Facts
from gogobe.masters.text.similarity import words_found
from gogobe.masters.vectors.index import VectorIndex

Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]

_NAMES: Final = 20_000
"""Names to learn from: all of a small catalogue, evenly chosen ones of a large one."""
_NEIGHBOURS: Final = 12
_OTHER_NAMES: Final = 32  # maximum names of its master that a name is compared with
_CHUNK: Final = 4096
_PRIOR: Final = 20.0  # pseudo-counts of the mean of all words
_MIN_PART, _MAX_PART = 0.02, 0.98


def learn_word_odds(names: Facts, starts: Longs, index: VectorIndex) -> WordOdds:
    """Learn from masters whose names are `names[starts[i]:starts[i + 1]]` and whose vectors are in the index.

    All 0 if no master has two names, or if there is only one master.
    """
    row_of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    same = _found_again(names, _pairs_of_masters(starts, row_of))
    nearby = _found_again(names, _pairs_nearby(starts, row_of, index))
    if same is None or nearby is None:
        return WordOdds.unknown()
    return WordOdds(
        np.log(same / nearby).astype(np.float32), np.log((1 - same) / (1 - nearby)).astype(np.float32)
    )


def _pairs_of_masters(starts: Longs, row_of: Longs) -> tuple[Longs, Longs]:
    """Pairs of names of one master."""
    counts = np.diff(starts)
    asked = evenly(np.flatnonzero(counts[row_of] > 1), _NAMES)
    others = np.minimum(counts[row_of[asked]], _OTHER_NAMES)
    left = np.repeat(asked, others)
    right = places_in_runs(others) + starts[row_of[left]]
    return left[left != right], right[left != right]


def _pairs_nearby(starts: Longs, row_of: Longs, index: VectorIndex) -> tuple[Longs, Longs]:
    """Pairs of a name and the first name of a nearby master."""
    asked = evenly(np.arange(len(row_of)), _NAMES)
    nearest = index.search(index.vectors[row_of[asked]], _NEIGHBOURS + 1).rows
    left, masters = np.repeat(asked, _NEIGHBOURS + 1), nearest.ravel()
    others = (masters >= 0) & (masters != row_of[left])
    return left[others], starts[masters[others]]


def _found_again(names: Facts, pairs: tuple[Longs, Longs]) -> Doubles | None:
    """For each bucket, the smoothed share of its words in left names that recur in right ones; None without
    pairs."""
    found, all_of_them = np.zeros((2, BUCKETS))
    for left, right in _chunks(names, pairs):
        again, _ = words_found(left, right)
        present = left.words != 0
        buckets = bucket_of(left.words[present])
        found += np.bincount(buckets, weights=again[present], minlength=BUCKETS)
        all_of_them += np.bincount(buckets, minlength=BUCKETS)
    if not all_of_them.any():
        return None
    overall = found.sum() / all_of_them.sum()
    part: Doubles = np.clip((found + _PRIOR * overall) / (all_of_them + _PRIOR), _MIN_PART, _MAX_PART)
    return part


def _chunks(names: Facts, pairs: tuple[Longs, Longs]) -> Iterator[tuple[Facts, Facts]]:
    left, right = pairs
    for begin in range(0, len(left), _CHUNK):
        yield (
            names.take(left[begin : begin + _CHUNK]).narrowed(),
            names.take(right[begin : begin + _CHUNK]).narrowed(),
        )
