"""Features of pairs of an item and a candidate, computed for many pairs at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.snapshot.lexicon import Lexicon
from gogobe.masters.text.facts import WORDS, Facts
from gogobe.masters.text.quality_pairs import pair_qualities
from gogobe.masters.text.similarity import words_found

Floats = npt.NDArray[np.float32]

FEATURES: Final = (
    "words_of_item_found",  # share of the item's words, weighted by rarity, that the candidate has
    "words_of_candidate_found",
    "all_words_found",  # the product of the two
    "odds_of_item_words",  # summed log odds of the words found (`word_odds.py`)
    "odds_of_item_missing",  # summed log odds of the words missing
    "worst_missing_of_item",  # the minimum over the words missing
    "odds_of_candidate_words",
    "odds_of_candidate_missing",
    "worst_missing_of_candidate",
    "brand_by_company",  # how far a word of the item belongs to the company of the candidate's GTIN
    "brand_of_another",  # how far a word that the candidate lacks belongs to another company
    "brand_shared",  # how far a shared word belongs to the candidate's company
    "size_same",
    "size_near",
    "size_far",
    "size_contained",  # one size is the other times its pack, or is in the other's name
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
    "qualities_contradict",  # how many: colour, cut, frozen or fresh (`qualities.py`)
    "qualities_of_item_only",
    "qualities_of_candidate_only",
    "cosine",
)

_CHUNK: Final = 4096


@dataclass(frozen=True)
class Comparison:
    """Compared pairs: `features` (pairs, features), and `item_found` (pairs, 14), how far the candidate has
    each word of the item, 0 to 1."""

    features: Floats
    item_found: Floats


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
    )
    # Names of similar length together, so that chunks of short names are narrow.
    candidate_words = (candidates.words[candidate_rows] != 0).sum(axis=1)
    lengths = items.word_counts()[item_rows] * (WORDS + 1) + candidate_words
    by_length = np.argsort(lengths, kind="stable")
    for start in range(0, pairs, _CHUNK):
        part = by_length[start : start + _CHUNK]
        left = items.take(item_rows[part]).narrowed()
        right = candidates.take(candidate_rows[part]).narrowed()
        ours, theirs = words_found(left, right)
        result.item_found[part, : ours.shape[1]] = ours
        columns = [
            *_word_features(left, right, ours, theirs, lexicon=lexicon),
            *_size_features(left, right),
            *_number_features(left, right),
            *_price_features(left, right),
            (left.weighed != right.weighed).astype(np.float32),
            _brand_confirmed(left, right),
            *_quality_features(left, right),
            cosines[part],
        ]
        result.features[part] = np.stack(columns, axis=1)
    return result


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
    odds = []
    for facts, is_found in ((left, ours), (right, theirs)):
        of_found, of_missing = lexicon.odds_of(facts.words, is_found)
        odds += [of_found.sum(axis=1), of_missing.sum(axis=1), of_missing.min(axis=1, initial=0)]
    return [
        our_share,
        their_share,
        our_share * their_share,
        *odds,
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
    # A bare number in one name may be the other's size with its unit cut off.
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
    """Whether the manufacturer of one side is in the other's name or is its manufacturer, 0 or 1."""
    confirmed = np.zeros(len(left), dtype=np.bool_)
    for ours, theirs in ((left, right), (right, left)):
        brands = ours.brands[:, :, None]
        known = brands != 0
        confirmed |= ((brands == theirs.words[:, None, :]) & known).any(axis=(1, 2))
        confirmed |= ((brands == theirs.brands[:, None, :]) & known).any(axis=(1, 2))
    return confirmed.astype(np.float32)


def _quality_features(left: Facts, right: Facts) -> list[Floats]:
    pairs = pair_qualities(left.qualities, right.qualities)
    once = pairs.one_sided
    columns = (pairs.contradict, once & pairs.first, once & ~pairs.first)
    return [column.sum(axis=1).astype(np.float32) for column in columns]
