"""Candidate clusters for items without a usable barcode: by vector, word and code."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.contrast import naming_mask
from gogobe.masters.codes.suffixes import core_numbers
from gogobe.masters.matching.queries import Queries
from gogobe.masters.snapshot.files import Masters
from gogobe.masters.text.arrays import places_in_runs
from gogobe.masters.text.facts import Facts
from gogobe.masters.vectors.encoder import unit_rows
from gogobe.masters.vectors.item_vectors import SIZE_AND_PRICE_DIMENSIONS

Floats = npt.NDArray[np.float32]
Longs = npt.NDArray[np.int64]

COMPARED: Final = 12
"""Maximum clusters that an item is compared with, those with the most similar names."""
WORD_SHARED: Final = 0.5
"""What a shared word counts, added to the cosine of the names."""
MAX_WITH_WORD: Final = 60
"""Clusters that share a word are candidates if at most so many have it."""


def cluster_candidates(
    masters: Masters, items: Queries, vectors: Floats, nearest: Longs
) -> tuple[Longs, Longs]:
    """Pairs of items and rows of clusters to compare, at most COMPARED per item, sorted by item and row.
    `nearest` are the rows that the index found for each item, -1 for none."""
    places, column = np.nonzero((nearest >= 0) & masters.tables.loose[nearest])
    by_code = _by_code(masters, items.numbers)
    by_word = _by_word(masters, items.facts)
    by_vector = np.column_stack([places, nearest[places, column]])
    pairs, first = np.unique(np.concatenate([by_code, by_word, by_vector]), axis=0, return_index=True)
    name = slice(None, -SIZE_AND_PRICE_DIMENSIONS)
    ours, theirs = vectors[pairs[:, 0], name], np.asarray(masters.index.vectors[pairs[:, 1], name])
    alike = np.einsum("ij,ij->i", unit_rows(ours), unit_rows(theirs))
    # The vector of a rare word says little: clusters that have the word come before the ones that do not.
    alike[first < len(by_code) + len(by_word)] += WORD_SHARED
    alike[first < len(by_code)] = 2  # the candidates by code come first
    order = np.lexsort((pairs[:, 1], -alike, pairs[:, 0]))
    _, counts = np.unique(pairs[:, 0], return_counts=True)
    kept = np.sort(order[places_in_runs(counts) < COMPARED])
    return pairs[kept, 0], pairs[kept, 1]


def _by_word(masters: Masters, facts: Facts) -> Longs:
    """Items and clusters that share a naming word of few clusters."""
    tables = masters.tables
    items, places = np.nonzero(naming_mask(facts))
    words = facts.forms()[items, places]
    begins = np.searchsorted(tables.words, words)
    counts = np.searchsorted(tables.words, words, side="right") - begins
    counts[counts > MAX_WITH_WORD] = 0
    rows = tables.word_masters[np.repeat(begins, counts) + places_in_runs(counts)]
    return np.column_stack([np.repeat(items, counts), rows])


def _by_code(masters: Masters, numbers: Longs) -> Longs:
    """Items and clusters whose codes are related."""
    tables = masters.tables
    cores = core_numbers(numbers)
    begins = np.searchsorted(tables.cores, cores)
    counts = np.where(cores > 0, np.searchsorted(tables.cores, cores, side="right") - begins, 0)
    rows = tables.core_masters[np.repeat(begins, counts) + places_in_runs(counts)]
    return np.column_stack([np.repeat(np.arange(len(numbers)), counts), rows])
