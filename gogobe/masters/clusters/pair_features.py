"""Features of two names of goods without a barcode: what both state, what only one states, what contradicts.

The order of the two does not matter. Words that name the product itself must occur on the other side; the
cost of a missing one depends on the word (`contrast.py`). Qualities contradict each other, or only one name
states one.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.contrast import naming_mask
from gogobe.masters.snapshot.word_costs import WordCosts
from gogobe.masters.text.facts import Facts
from gogobe.masters.text.qualities import PARTS, QUALITIES, WITHOUT_IT
from gogobe.masters.text.quality_pairs import pair_qualities
from gogobe.masters.text.similarity import words_found

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Bits = npt.NDArray[np.uint16]
Rows = npt.NDArray[np.int64]

_OF_WORDS: Final = (
    "words_shared",  # naming words found on the other side, at most 3
    "words_nearly_shared",  # of these, those found in another spelling
    "special_words_missing",  # naming words that the other lacks and that occur with one or two products only
    "general_words_missing",
    "distinctive_words_missing",  # the summed distinctiveness of the general ones
    "missing_on_both_sides",
    "largest_share_missing",  # the share of a name's words that is missing, by cost
    "smallest_share_missing",
    "first_word_missing",
    "retained_words_missing",  # the summed retention of the missing words
)
_OF_NUMBERS: Final = (
    "percents_differ",
    "percents_near",  # at most one apart
    "percent_on_one_side",
    "numbers_differ",
    "number_on_one_side",
    "packs_differ",
    "sizes_differ",
    "weighed_differs",
    "weighed_against_a_size",  # one is weighed, the other has a size
    "price_apart",  # |ln of the ratio|, at most 1.5
    "price_far",  # beyond a factor of 2.5
)
_NEAR: Final = tuple(quality.name for quality in QUALITIES if quality.near)
_USUAL: Final = tuple(quality.name for quality in QUALITIES if quality.usual)
PAIR_FEATURES: Final = (
    *_OF_WORDS,
    *_OF_NUMBERS,
    *(f"{quality.name}_contradicts" for quality in QUALITIES),
    *(f"{quality.name}_on_one_side" for quality in QUALITIES),
    *(f"{name}_near" for name in _NEAR),
    *(f"usual_{name}_on_one_side" for name in _USUAL),
    "qualities_contradict",  # how many; pools the evidence of qualities that are rare
    "qualities_on_one_side",
    "parts_contradict",
    "without_a_part_on_one_side",
    "with_a_part_on_one_side",
    "same_reading",  # neither name states more than the other, and no word is spelled differently
)
"""Features of two names of goods without a barcode."""
FOR: Final = ("words_shared", "same_reading")
DIRECTIONS: Final = np.array([1 if name in FOR else -1 for name in PAIR_FEATURES], dtype=np.int8)
"""1 for a feature that supports a match, -1 for one that contradicts it."""

_SHARE_MISSING: Final = PAIR_FEATURES.index("largest_share_missing")
_FIRST_QUALITY: Final = len(_OF_WORDS) + len(_OF_NUMBERS)
_APART: Final = [
    PAIR_FEATURES.index(name)
    for name in (
        "words_nearly_shared",
        "percents_differ",
        "percent_on_one_side",
        "numbers_differ",
        "number_on_one_side",
        "sizes_differ",
        "weighed_against_a_size",
    )
]

_WEIGHED_DIFFERS: Final = PAIR_FEATURES.index("weighed_differs")
_PRICE_APART: Final = PAIR_FEATURES.index("price_apart")

EXACT: Final = np.float32(0.93)  # from this similarity words are equal, or differ in the spelling of vowels
_CHEAPEST: Final = np.float32(0.25)  # the cost of a general word that distinguishes nothing; other words cost 1
_SAME_SIZE: Final = 0.1  # in the logarithm
_FAR: Final = 0.9
_TWICE: Final = 0.69
_CHUNK: Final = 4096


def compare_names(left: Facts, left_rows: Rows, right: Facts, right_rows: Rows, *, costs: WordCosts) -> Floats:
    """Compare each pair (left[left_rows[i]], right[right_rows[i]]): (pairs, PAIR_FEATURES)."""
    features = np.zeros((len(left_rows), len(PAIR_FEATURES)), dtype=np.float32)
    lengths = left.word_counts()[left_rows] * 16 + right.word_counts()[right_rows]
    by_length = np.argsort(lengths, kind="stable")  # short names together, so that their chunks are narrow
    for begin in range(0, len(left_rows), _CHUNK):
        part = by_length[begin : begin + _CHUNK]
        ours, theirs = left.take(left_rows[part]).narrowed(), right.take(right_rows[part]).narrowed()
        columns = [*_words(ours, theirs, costs), *_numbers(ours, theirs)]
        columns += _qualities(ours.qualities, theirs.qualities)
        same = (columns[_SHARE_MISSING] == 0) & (np.stack(columns[_FIRST_QUALITY:]).max(axis=0) == 0)
        same &= np.stack([columns[place] for place in _APART]).max(axis=0) == 0
        # By the kilogram and by the piece, which the names leave open.
        same &= (columns[_WEIGHED_DIFFERS] == 0) | (columns[_PRICE_APART] < _TWICE)
        features[part] = np.column_stack([*columns, same])
    return features


def _words(ours: Facts, theirs: Facts, costs: WordCosts) -> list[Floats]:
    found = words_found(ours, theirs)
    naming = [naming_mask(facts) for facts in (ours, theirs)]
    sides = [
        _side(facts, is_found, mask, costs)
        for facts, is_found, mask in zip((ours, theirs), found, naming, strict=True)
    ]
    shared = np.minimum(*(side[0] for side in sides))
    special, general, distinctive = (sides[0][place] + sides[1][place] for place in (2, 3, 4))
    both = (sides[0][5] > 0) & (sides[1][5] > 0)
    return [
        np.minimum(shared, 3),
        np.maximum(sides[0][1], sides[1][1]),
        special,
        general,
        distinctive,
        both.astype(np.float32),
        np.maximum(sides[0][5], sides[1][5]),
        np.minimum(sides[0][5], sides[1][5]),
        sides[0][6] + sides[1][6],
        sides[0][7] + sides[1][7],
    ]


def _side(facts: Facts, found: Floats, naming: Bools, costs: WordCosts) -> tuple[Floats, ...]:
    """Counts of one side's naming words: those found, those found in another spelling, the special and the
    general ones missing, the summed distinctiveness of the general ones missing, the share missing by cost,
    whether the first is missing, and the summed retention of those missing."""
    general, distinctive, retained = costs.of(facts.forms())
    cost = np.where(general, _CHEAPEST + (1 - _CHEAPEST) * distinctive, np.float32(1)) * naming
    missing = naming & (found == 0)
    first = np.argmax(naming, axis=1)
    at_first = (np.arange(len(facts)), first)
    return (
        (naming & (found > 0)).sum(axis=1).astype(np.float32),
        (naming & (found > 0) & (found < EXACT)).sum(axis=1).astype(np.float32),
        (missing & ~general).sum(axis=1).astype(np.float32),
        (missing & general).sum(axis=1).astype(np.float32),
        (distinctive * (missing & general)).sum(axis=1).astype(np.float32),
        ((cost * missing).sum(axis=1) / np.maximum(cost.sum(axis=1), _CHEAPEST)).astype(np.float32),
        missing[at_first].astype(np.float32),
        (retained * missing).sum(axis=1).astype(np.float32),
    )


def _numbers(ours: Facts, theirs: Facts) -> list[Floats]:
    columns = [*_percents(ours, theirs), *_bare_numbers(ours, theirs)]
    packs = (ours.pack > 1) & (theirs.pack > 1) & (ours.pack != theirs.pack)
    sizes = _apart(ours.named_amount, theirs.named_amount, unknown=0) > _SAME_SIZE
    weighed = ours.weighed != theirs.weighed
    sized = np.where(ours.weighed > 0, theirs.named_amount, ours.named_amount) > 0
    price = _apart(ours.price, theirs.price, unknown=0.3)
    columns += [packs, sizes, weighed, weighed & sized]
    return [
        *(column.astype(np.float32) for column in columns),
        np.minimum(price, 1.5).astype(np.float32),
        (price > _FAR).astype(np.float32),
    ]


def _apart(ours: Floats, theirs: Floats, *, unknown: float) -> Floats:
    known = (ours > 0) & (theirs > 0)
    apart: Floats = np.abs(np.log(np.where(known, ours, 1)) - np.log(np.where(known, theirs, 1)))
    return np.where(known, apart, np.float32(unknown))


def _percents(ours: Facts, theirs: Facts) -> tuple[Bools, Bools, Bools]:
    """Whether percentages differ, are near, or occur on one side only. If a name's end is cut off, a bare
    number may be one."""
    has_ours, has_theirs = ours.percents.any(axis=1), theirs.percents.any(axis=1)
    between = np.abs(ours.percents[:, :, None] - theirs.percents[:, None, :])
    between[(ours.percents[:, :, None] == 0) | (theirs.percents[:, None, :] == 0)] = np.inf
    nearest = between.min(axis=(1, 2))
    cut = _occurs(ours.percents, theirs.numbers) | _occurs(theirs.percents, ours.numbers)
    both = has_ours & has_theirs
    return both & (nearest > 1), both & (nearest > 0) & (nearest <= 1), (has_ours ^ has_theirs) & ~cut


def _bare_numbers(ours: Facts, theirs: Facts) -> tuple[Bools, Bools]:
    """Whether both names have numbers that the other lacks, and whether exactly one has."""
    odd = [_odd(ours, theirs), _odd(theirs, ours)]
    return odd[0] & odd[1], odd[0] ^ odd[1]


def _odd(ours: Facts, theirs: Facts) -> Bools:
    known = np.concatenate(
        [theirs.numbers, theirs.percents, theirs.named_amount[:, None], theirs.pack[:, None]], axis=1
    )
    found = (ours.numbers[:, :, None] == known[:, None, :]).any(axis=2)
    odd: Bools = ((ours.numbers > 0) & ~found).any(axis=1)
    return odd


def _occurs(values: Floats, among: Floats) -> Bools:
    occurs: Bools = ((values[:, :, None] == among[:, None, :]) & (values > 0)[:, :, None]).any(axis=(1, 2))
    return occurs


_NEAR_COLUMNS: Final = [column for column, quality in enumerate(QUALITIES) if quality.near]
_USUAL_COLUMNS: Final = [column for column, quality in enumerate(QUALITIES) if quality.usual]


def _qualities(ours: Bits, theirs: Bits) -> list[Floats]:
    pairs = pair_qualities(ours, theirs)
    once = pairs.one_sided | pairs.usual
    qualities = len(QUALITIES)
    of_parts = slice(qualities, qualities + len(PARTS))
    without = (pairs.stated[:, of_parts] & WITHOUT_IT) != 0
    columns = np.column_stack(
        [
            pairs.contradict[:, :qualities],
            pairs.one_sided[:, :qualities],
            pairs.near[:, _NEAR_COLUMNS],
            pairs.usual[:, _USUAL_COLUMNS],
            pairs.contradict[:, :qualities].sum(axis=1),
            pairs.one_sided[:, :qualities].sum(axis=1),
            pairs.contradict[:, of_parts].sum(axis=1),
            (once[:, of_parts] & without).sum(axis=1),
            (once[:, of_parts] & ~without).sum(axis=1),
        ]
    ).astype(np.float32)
    return list(columns.T)
