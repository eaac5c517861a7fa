"""The second look: how an item and a candidate compare, feature by feature, many pairs at a time."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.facts import Facts

Floats = npt.NDArray[np.float32]

FEATURES: Final = (
    "words_of_item_found",  # share of the item's words, by rarity, that the candidate has too
    "words_of_candidate_found",
    "all_words_found",  # the product of the two
    "rarest_missing_of_item",  # rarity of the rarest word of the item that the candidate lacks
    "rarest_missing_of_candidate",
    "first_word_shared",
    "rarity_shared",  # how much the shared words say altogether
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

_ALIKE: Final = 0.6  # below this share of letter pairs two words are different words
_CHUNK: Final = 4096


def rarities(document_counts: npt.NDArray[np.int32], documents: int) -> Floats:
    """How rare each hashed word is: ln(1 + N / (1 + n)), scaled so that a word never seen has 1."""
    highest = np.log1p(documents)
    rarity: Floats = (np.log1p(documents / (1.0 + document_counts)) / highest).astype(np.float32)
    return rarity


def rarity_of(words: npt.NDArray[np.uint32], table: Floats) -> Floats:
    """The rarity of hashed words, 0 where there is no word. The table's length is a power of two."""
    found: Floats = np.where(words != 0, table[words & np.uint32(len(table) - 1)], np.float32(0))
    return found


def compare(
    items: Facts,
    item_rows: npt.NDArray[np.int64],
    candidates: Facts,
    candidate_rows: npt.NDArray[np.int64],
    *,
    cosines: Floats,
    rarity: Floats,
) -> Floats:
    """The features of each pair (items[item_rows[i]], candidates[candidate_rows[i]]): (pairs, features)."""
    table = np.zeros((len(item_rows), len(FEATURES)), dtype=np.float32)
    for start in range(0, len(item_rows), _CHUNK):
        part = slice(start, start + _CHUNK)
        left, right = items.take(item_rows[part]), candidates.take(candidate_rows[part])
        columns = [
            *_word_features(left, right, rarity),
            *_size_features(left, right),
            *_number_features(left, right),
            *_price_features(left, right),
            (left.weighed != right.weighed).astype(np.float32),
            _brand_confirmed(left, right),
            cosines[part],
        ]
        table[part] = np.stack(columns, axis=1)
    return table


def _likeness(
    words: npt.NDArray[np.uint32],
    shapes: npt.NDArray[np.uint64],
    other_words: npt.NDArray[np.uint32],
    other_shapes: npt.NDArray[np.uint64],
) -> Floats:
    """How much each word of one resembles each word of the other: (pairs, words, other words), 0 to 1."""
    shared = np.bitwise_count(shapes[:, :, None] & other_shapes[:, None, :]).astype(np.float32)
    ours = np.bitwise_count(shapes).astype(np.float32)[:, :, None]
    theirs = np.bitwise_count(other_shapes).astype(np.float32)[:, None, :]
    dice = 2 * shared / np.maximum(ours + theirs, 1)
    # A word that was cut short has all of its letter pairs in the whole one.
    shorter = np.minimum(ours, theirs)
    contained = np.where(shorter >= 2, 0.9 * shared / np.maximum(shorter, 1), np.float32(0))
    alike = np.maximum(dice * np.float32(0.95), contained)
    alike[alike < _ALIKE] = 0
    same = (words[:, :, None] == other_words[:, None, :]) & (words != 0)[:, :, None]
    likeness: Floats = np.where(same, np.float32(1), alike)
    return likeness


def _word_features(left: Facts, right: Facts, rarity: Floats) -> list[Floats]:
    our_rarity, their_rarity = rarity_of(left.words, rarity), rarity_of(right.words, rarity)
    between = _likeness(left.words, left.shapes, right.words, right.shapes)
    ours, theirs = between.max(axis=2), between.max(axis=1)
    # The manufacturer's name may stand in the other's product name: then that word is accounted for.
    for brands, shapes, side in ((right.brands, right.brand_shapes, 0), (left.brands, left.brand_shapes, 1)):
        if brands.any():
            facts = left if side == 0 else right
            branded = _likeness(facts.words, facts.shapes, brands, shapes).max(axis=2)
            if side == 0:
                ours = np.maximum(ours, branded)
            else:
                theirs = np.maximum(theirs, branded)
    our_share = (our_rarity * ours).sum(axis=1) / np.maximum(our_rarity.sum(axis=1), 1e-6)
    their_share = (their_rarity * theirs).sum(axis=1) / np.maximum(their_rarity.sum(axis=1), 1e-6)
    return [
        our_share,
        their_share,
        our_share * their_share,
        (our_rarity * (1 - ours)).max(axis=1),
        (their_rarity * (1 - theirs)).max(axis=1),
        between[:, 0, 0],
        np.minimum((our_rarity * ours).sum(axis=1), 3.0),
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
