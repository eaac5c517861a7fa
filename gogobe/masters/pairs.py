"""The second look: how an item and a candidate compare, feature by feature, many pairs at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.facts import WORDS, Facts
from gogobe.masters.lexicon import Lexicon

Floats = npt.NDArray[np.float32]

FEATURES: Final = (
    "words_of_item_found",  # share of the item's words, by rarity, that the candidate has too
    "words_of_candidate_found",
    "all_words_found",  # the product of the two
    "rarest_missing_of_item",  # rarity of the rarest word that the other lacks, unless it is the brand
    "rarest_missing_of_candidate",
    "missing_altogether",  # the same, over all missing words of both
    "rarity_shared",  # how much the shared words say altogether
    "brand_by_company",  # how far a word of the item belongs to the company of the candidate's GTIN
    "brand_of_another",  # how far a word that the candidate lacks belongs to another company
    "brand_shared",  # how far a shared word belongs to the candidate's company
    "size_same",
    "size_near",
    "size_far",
    "size_contained",  # one size is the other's times the pack, or stands in the other's name
    "numbers_shared",
    "numbers_differ",
    "percents_same",
    "percents_differ",
    "packs_same",
    "packs_differ",
    "price_apart",  # |ln of the ratio|, at most 1.5
    "price_far",  # beyond a factor of 1.6
    "price_same",  # within 1.5 %
    "weighed_differs",
    "brand_confirmed",
    "cosine",
)

_ALIKE: Final = 0.7  # below this share of letter pairs two words are different words
_CHUNK: Final = 4096


@dataclass(frozen=True)
class Comparison:
    """Pairs compared: `features` (pairs, features), and how far each word of the item was found in the
    candidate (`item_found`) and the other way round (`candidate_found`), (pairs, 14) each, 0 to 1."""

    features: Floats
    item_found: Floats
    candidate_found: Floats


def compare(
    items: Facts,
    item_rows: npt.NDArray[np.int64],
    candidates: Facts,
    candidate_rows: npt.NDArray[np.int64],
    *,
    cosines: Floats,
    lexicon: Lexicon,
) -> Comparison:
    """Compare each pair (items[item_rows[i]], candidates[candidate_rows[i]])."""
    pairs = len(item_rows)
    result = Comparison(
        np.zeros((pairs, len(FEATURES)), dtype=np.float32),
        np.zeros((pairs, WORDS), dtype=np.float32),
        np.zeros((pairs, WORDS), dtype=np.float32),
    )
    # Names of a length together: then no chunk is wider than its longest names.
    candidate_words = (candidates.words[candidate_rows] != 0).sum(axis=1)
    lengths = items.word_counts()[item_rows] * (WORDS + 1) + candidate_words
    by_length = np.argsort(lengths, kind="stable")
    for start in range(0, pairs, _CHUNK):
        part = by_length[start : start + _CHUNK]
        left = items.take(item_rows[part]).narrowed()
        right = candidates.take(candidate_rows[part]).narrowed()
        ours, theirs = _words_found(left, right)
        result.item_found[part, : ours.shape[1]] = ours
        result.candidate_found[part, : theirs.shape[1]] = theirs
        columns = [
            *_word_features(left, right, ours, theirs, lexicon=lexicon),
            *_size_features(left, right),
            *_number_features(left, right),
            *_price_features(left, right),
            (left.weighed != right.weighed).astype(np.float32),
            _brand_confirmed(left, right),
            cosines[part],
        ]
        result.features[part] = np.stack(columns, axis=1)
    return result


def _likeness(
    words: npt.NDArray[np.uint32],
    shapes: npt.NDArray[np.uint64],
    other_words: npt.NDArray[np.uint32],
    other_shapes: npt.NDArray[np.uint64],
) -> Floats:
    """How much each word of one resembles each word of the other: (pairs, words, other words), 0 to 1."""
    words, shapes = words[:, :, None], shapes[:, :, None]
    other_words, other_shapes = other_words[:, None, :], other_shapes[:, None, :]
    shared = np.bitwise_count(shapes & other_shapes).astype(np.float32)
    ours = np.bitwise_count(shapes).astype(np.float32)
    theirs = np.bitwise_count(other_shapes).astype(np.float32)
    dice = shared * (np.float32(1.9) / np.maximum(ours + theirs, 1))
    # A word that was cut short has all of its letter pairs in the whole one.
    shorter = np.minimum(ours, theirs)
    contained = shared * np.where(shorter >= 2, np.float32(0.9) / np.maximum(shorter, 1), np.float32(0))
    alike = np.maximum(dice, contained)
    alike[alike < _ALIKE] = 0
    likeness: Floats = np.where((words == other_words) & (words != 0), np.float32(1), alike)
    return likeness


def _words_found(left: Facts, right: Facts) -> tuple[Floats, Floats]:
    """How far each word of one side occurs on the other, its manufacturer's name included."""
    between = _likeness(left.words, left.shapes, right.words, right.shapes)
    ours: Floats = between.max(axis=2)
    theirs: Floats = between.max(axis=1)
    # The manufacturer's name may stand in the other's product name: then that word is accounted for.
    for found, facts, other in ((ours, left, right), (theirs, right, left)):
        named = np.flatnonzero(other.brands[:, 0])
        if len(named):
            alike = _likeness(
                facts.words[named], facts.shapes[named], other.brands[named], other.brand_shapes[named]
            )
            found[named] = np.maximum(found[named], alike.max(axis=2))
    return ours, theirs


def _word_features(
    left: Facts, right: Facts, ours: Floats, theirs: Floats, *, lexicon: Lexicon
) -> list[Floats]:
    our_rarity, their_rarity = lexicon.rarity_of(left.words), lexicon.rarity_of(right.words)
    our_share = (our_rarity * ours).sum(axis=1) / np.maximum(our_rarity.sum(axis=1), 1e-6)
    their_share = (their_rarity * theirs).sum(axis=1) / np.maximum(their_rarity.sum(axis=1), 1e-6)

    our_words = np.concatenate([left.words, left.brands], axis=1)
    our_belonging = lexicon.share_of(our_words, right.company)
    their_belonging = lexicon.share_of(right.words, right.company)
    owners, owned = lexicon.ownership(our_words)
    found = np.concatenate([ours, np.zeros_like(left.brands, dtype=np.float32)], axis=1)
    foreign = owned * (owners != right.company[:, None]) * (1 - found) * (our_belonging < 0.1)
    width = left.words.shape[1]
    our_missing = our_rarity * (1 - ours) * (1 - our_belonging[:, :width])
    their_missing = their_rarity * (1 - theirs) * (1 - their_belonging)
    return [
        our_share,
        their_share,
        our_share * their_share,
        our_missing.max(axis=1),
        their_missing.max(axis=1),
        np.minimum(our_missing.sum(axis=1) + their_missing.sum(axis=1), 4.0),
        np.minimum((our_rarity * ours).sum(axis=1), 3.0),
        our_belonging.max(axis=1),
        foreign.max(axis=1),
        (their_belonging * theirs).max(axis=1),
    ]


def _log_apart(ours: Floats, theirs: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    known = (ours > 0) & (theirs > 0)
    apart = np.abs(np.log(np.where(known, ours, 1)) - np.log(np.where(known, theirs, 1)))
    return apart.astype(np.float32), known


def _size_features(left: Facts, right: Facts) -> list[Floats]:
    ours, theirs = left.size(), right.size()
    apart, known = _log_apart(ours, theirs)
    same = known & (apart < 0.012)
    near = known & ~same & (apart < 0.08)
    contained = np.zeros(len(left), dtype=np.bool_)
    for sizes, facts in ((ours, right), (theirs, left)):
        held = np.concatenate([facts.named_amount[:, None], facts.numbers], axis=1)
        held = np.concatenate([held, held * np.maximum(facts.pack, 1)[:, None]], axis=1)
        contained |= ((np.abs(held - sizes[:, None]) < 0.012 * held) & (held > 0)).any(axis=1)
    far = known & ~same & ~near & ~contained
    return [column.astype(np.float32) for column in (same, near, far, contained & ~same)]


def _number_features(left: Facts, right: Facts) -> list[Floats]:
    ours, theirs = left.numbers, right.numbers
    equal = (ours[:, :, None] == theirs[:, None, :]) & (ours > 0)[:, :, None]
    # What stands in one name as a bare number may be the other's size, its unit cut off.
    sizes = np.stack([right.size(), right.named_amount, right.pack], axis=1)
    our_size = np.stack([left.size(), left.named_amount, left.pack], axis=1)
    ours_found = equal.any(axis=2) | (ours[:, :, None] == sizes[:, None, :]).any(axis=2)
    theirs_found = equal.any(axis=1) | (theirs[:, :, None] == our_size[:, None, :]).any(axis=2)
    ours_odd = ((ours > 0) & ~ours_found).any(axis=1)
    theirs_odd = ((theirs > 0) & ~theirs_found).any(axis=1)
    percents = (left.percents[:, :, None] == right.percents[:, None, :]) & (left.percents > 0)[:, :, None]
    same_percent = percents.any(axis=(1, 2))
    both_percent = (left.percents > 0).any(axis=1) & (right.percents > 0).any(axis=1)
    both_packs = (left.pack > 0) & (right.pack > 0)
    packs_same = both_packs & (left.pack == right.pack)
    columns = (
        equal.any(axis=(1, 2)),
        ours_odd & theirs_odd,
        same_percent,
        both_percent & ~same_percent,
        packs_same,
        both_packs & ~packs_same,
    )
    return [column.astype(np.float32) for column in columns]


def _price_features(left: Facts, right: Facts) -> list[Floats]:
    apart, known = _log_apart(left.price, right.price)
    return [
        np.where(known, np.minimum(apart, 1.5), np.float32(0.4)).astype(np.float32),
        (known & (apart > 0.47)).astype(np.float32),
        (known & (apart < 0.015)).astype(np.float32),
    ]


def _brand_confirmed(left: Facts, right: Facts) -> Floats:
    """Whether the manufacturer that one side names stands in the other's name or is its manufacturer."""
    confirmed = np.zeros(len(left), dtype=np.bool_)
    for ours, theirs in ((left, right), (right, left)):
        brands = ours.brands[:, :, None]
        known = brands != 0
        confirmed |= ((brands == theirs.words[:, None, :]) & known).any(axis=(1, 2))
        confirmed |= ((brands == theirs.brands[:, None, :]) & known).any(axis=(1, 2))
    return confirmed.astype(np.float32)
