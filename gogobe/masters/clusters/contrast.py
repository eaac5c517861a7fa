"""Learns which words distinguish products, from the chains' own lists.

A chain lists a product once. So if it lists two items whose names differ in one word, that word distinguishes
products: "מלון" and "מלון קנרי". A word that occurs with many products and never does so is an origin, a
brand or a counter: a chain that writes "רוסטיק" before its breads lists no bread without it. No labels are
needed.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.snapshot.lexicon import BUCKETS, bucket_of
from gogobe.masters.snapshot.word_costs import WordCosts
from gogobe.masters.text.facts import WORDS, Facts
from gogobe.masters.text.qualities import USUAL

Longs = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float32]

GENERAL_FROM: Final = 2.5
"""A word is general if it occurs with at least this effective number of products (inverse Simpson index)."""
SUBSTITUTED: Final = 0.3
"""The weight of a sibling with another word in its place; a sibling without the word counts 1."""
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)


def learn_word_costs(names: Facts, chains: npt.NDArray[np.uint32], retained: Floats | None = None) -> WordCosts:
    """Learn from the names of goods without a barcode, each with the hash of its chain. `retained` (buckets,)
    is learned from barcodes (`retention.py`), 0 by default."""
    if not len(names):
        return WordCosts.unknown()
    rows, words, tokens = _naming_words(names)
    whole = name_keys(names) + chains.astype(np.uint64) * _MIX
    rest = whole[rows] - tokens
    without = np.isin(rest, whole)
    replaced = _several_words(rest, words)
    buckets = bucket_of(words)
    count = np.maximum(np.bincount(buckets, minlength=BUCKETS), 1)
    contrasts = np.bincount(buckets, np.where(without, 1.0, SUBSTITUTED * replaced), minlength=BUCKETS)
    return WordCosts(
        _effective_heads(names, rows, words) >= GENERAL_FROM,
        np.minimum(contrasts / count, 1).astype(np.float32),
        np.zeros(BUCKETS, dtype=np.float32) if retained is None else retained,
    )


def _mixed(values: Keys) -> Keys:
    """Hashes whose sum identifies a set of values, independent of their order."""
    mixed = values * _MIX
    mixed ^= mixed >> np.uint64(29)
    return mixed * _MIX


def naming_mask(names: Facts) -> npt.NDArray[np.bool_]:
    """Which words of each name name the product itself, (names, 14)."""
    bits = (names.naming[:, None] >> np.arange(names.words.shape[1], dtype=np.uint16)) & np.uint16(1)
    mask: npt.NDArray[np.bool_] = bits.astype(np.bool_) & (names.words != 0)
    return mask


def _naming_words(names: Facts) -> tuple[Longs, npt.NDArray[np.uint32], Keys]:
    """The distinct naming words of all names: the row of each, its form, and its key."""
    mask, forms = naming_mask(names), names.forms()
    for place in range(1, WORDS):
        mask[:, place] &= ~((forms[:, :place] == forms[:, place, None]) & mask[:, :place]).any(axis=1)
    rows, places = np.nonzero(mask)
    words = forms[rows, places]
    return rows, words, _mixed(words.astype(np.uint64))


def name_keys(names: Facts) -> Keys:
    """A key for each name. Two names have the same key if they have the same naming words, numbers, and
    qualities other than the usual ones."""
    rows, _, tokens = _naming_words(names)
    keys = np.zeros(len(names), dtype=np.uint64)
    np.add.at(keys, rows, tokens)
    stated = (names.qualities & ~USUAL).astype(np.uint64)
    columns = np.arange(stated.shape[1], dtype=np.uint64) << np.uint64(40)
    keys += np.where(stated > 0, _mixed(stated | columns | np.uint64(1 << 60)), np.uint64(0)).sum(
        axis=1, dtype=np.uint64
    )
    for tag, numbers in enumerate((names.percents, names.numbers, names.named_amount[:, None]), start=61):
        tenths = np.round(numbers.astype(np.float64) * 10).astype(np.uint64)
        tagged = _mixed(tenths | np.uint64(1 << 60) | np.uint64(tag << 48))
        keys += np.where(tenths > 0, tagged, np.uint64(0)).sum(axis=1, dtype=np.uint64)
    return keys


def _several_words(rest: Keys, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """For each name without one of its words, whether another word occurs with the same rest."""
    _, group = np.unique(rest, return_inverse=True)
    pairs = np.unique(np.column_stack([group, words.astype(np.int64)]), axis=0)
    return np.bincount(pairs[:, 0])[group] > 1


def _effective_heads(names: Facts, rows: Longs, words: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    """For each bucket, the effective number of products that its words occur with. A product is the first
    other naming word of a name; a rare one counts little."""
    first, second = _first_two(names)
    head = np.where(first[rows] == words, second[rows], first[rows])
    with_head = head != 0
    buckets = bucket_of(words[with_head])
    pairs, counts = np.unique(
        np.column_stack([buckets, head[with_head].astype(np.int64)]), axis=0, return_counts=True
    )
    total = np.bincount(pairs[:, 0], counts, minlength=BUCKETS) if len(pairs) else np.zeros(BUCKETS)
    squares = (
        np.bincount(pairs[:, 0], counts.astype(np.float64) ** 2, minlength=BUCKETS) if len(pairs) else total
    )
    effective: npt.NDArray[np.float64] = total**2 / np.maximum(squares, 1)
    return effective


def _first_two(names: Facts) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]:
    """The first and the second naming word of each name; 0 if there is none."""
    mask = naming_mask(names)
    order = np.argsort(~mask, axis=1, kind="stable")[:, :2]
    first_two = np.take_along_axis(names.forms(), order, axis=1) * np.take_along_axis(mask, order, axis=1)
    return first_two[:, 0], first_two[:, 1]
