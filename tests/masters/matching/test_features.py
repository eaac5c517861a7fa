"""Features of a pair of items."""

from __future__ import annotations

import numpy as np
import pytest

from gogobe.masters.matching.features import FEATURES, compare
from gogobe.masters.snapshot.lexicon import BUCKETS, WordOdds, bucket_of, build_lexicon, company_of
from gogobe.masters.text.facts import Described, describe


def compared(one: Described, other: Described) -> dict[str, float]:
    """The features of a pair, both ways of writing it alike in rarity."""
    _, ours = describe([one])
    _, theirs = describe([other])
    words = np.concatenate([ours.words, theirs.words])
    lexicon = build_lexicon(words, np.array([0, 1]), np.zeros(2, dtype=np.uint32))
    row = np.zeros(1, dtype=np.int64)
    result = compare(ours, row, theirs, row, cosines=np.zeros(1, dtype=np.float32), lexicon=lexicon)
    return dict(zip(FEATURES, result.features[0].tolist(), strict=True))


def grams(name: str, quantity: float = 0, unit: str = "גרם", price: float = 10, **facts: object) -> Described:
    return Described(name, quantity=quantity, unit=unit, price=price, **facts)  # type: ignore[arg-type]


def test_a_name_is_all_found_in_itself() -> None:
    features = compared(grams("חלב טרי 3%", 1000), grams("חלב טרי 3%", 1000))
    assert features["words_of_item_found"] == features["words_of_candidate_found"] == 1
    assert features["size_same"] == features["percents_same"] == features["price_same"] == 1


def test_a_cut_word_is_nearly_the_whole_one_and_another_word_is_not() -> None:
    cut = compared(grams("שוקולד מריר"), grams("שוקול מריר"))
    other = compared(grams("שוקולד מריר"), grams("ביסקוויט מריר"))
    assert cut["words_of_item_found"] > 0.9
    assert other["words_of_item_found"] < 0.6


@pytest.mark.parametrize(
    ("one", "other", "feature"),
    [
        (grams("חלב", 1, "ליטר"), grams("חלב 1000 מל"), "size_same"),
        (grams("גבינה", 250), grams("גבינה", 0.25, 'ק"ג'), "size_same"),
        (grams("גבינה", 250), grams("גבינה", 260), "size_near"),
        (grams("גבינה", 250), grams("גבינה", 500), "size_far"),
        (grams("מים 6*1.5 ליטר", 9, "ליטר"), grams("מים 1.5 ליטר", 1.5, "ליטר"), "size_contained"),
        (grams("חלב 1%"), grams("חלב 3%"), "percents_differ"),
        (grams("צבע שיער 7 1"), grams("צבע שיער 8 1"), "numbers_shared"),
        (grams("צבע שיער 7"), grams("צבע שיער 8"), "numbers_differ"),
        (grams("צבע שיער 0 7"), grams("צבע שיער 0 8"), "numbers_differ"),
        (grams("יוגורט 0% 5%"), grams("יוגורט 5%"), "percents_same"),
        (grams("מים 6*500 מל"), grams("מים 12*500 מל"), "packs_differ"),
        (grams("שישיית מים"), grams("מים 6*500"), "packs_same"),
        (grams("עגבניות", is_weighted=True), grams("עגבניות"), "weighed_differs"),
        (grams("יין", price=30), grams("יין", price=60), "price_far"),
        (grams("במבה", manufacturer="אסם"), grams("במבה אסם"), "brand_confirmed"),
    ],
)
def test_what_is_the_same_and_what_differs(one: Described, other: Described, feature: str) -> None:
    assert compared(one, other)[feature] > 0
    assert compared(other, one)[feature] > 0


def test_pairs_compare_the_same_alone_and_among_thousands() -> None:
    _, facts = describe(
        [grams(f"מוצר {'אבגדה'[n % 5] * (n % 7 + 2)} {'חדש ' * (n % 3)}{n}", n + 1) for n in range(90)]
    )
    random = np.random.default_rng(5)
    odds = WordOdds(*random.standard_normal((2, BUCKETS)).astype(np.float32))
    lexicon = build_lexicon(facts.words, np.arange(90), np.zeros(90, dtype=np.uint32), odds)
    ours, theirs = (side.ravel() for side in np.meshgrid(np.arange(90), np.arange(90)))
    together = compare(facts, ours, facts, theirs, cosines=np.zeros(8100, np.float32), lexicon=lexicon)
    for pair in (0, 17, 4095, 4096, 8099):
        alone = compare(
            facts,
            ours[pair : pair + 1],
            facts,
            theirs[pair : pair + 1],
            cosines=np.zeros(1, np.float32),
            lexicon=lexicon,
        )
        assert np.array_equal(alone.features[0], together.features[pair])


def test_a_word_of_one_companys_products_is_its_brand() -> None:
    names = [grams(f"תנובה {word}") for word in ("חלב", "גבינה", "שמנת")] + [grams("חלב"), grams("גבינה")]
    _, facts = describe(names)
    companies = company_of(
        np.array([7290000042435, 7290000042442, 7290000042459, 7291111111118, 7292222222226])
    )
    lexicon = build_lexicon(facts.words, np.arange(5), companies)
    owners, shares = lexicon.ownership(facts.words[:1, :2])
    assert owners[0, 0] == companies[0]
    assert shares[0, 0] > shares[0, 1]
    assert lexicon.rarity_of(facts.words[:1, :2])[0].argmin() == 0


def test_what_words_say_is_added_up_over_both_names() -> None:
    _, facts = describe([grams("יוגורט מנגו"), grams("יוגורט")])
    words = facts.words[0, :2]
    odds = WordOdds(np.zeros(BUCKETS, dtype=np.float32), np.zeros(BUCKETS, dtype=np.float32))
    odds.found[bucket_of(words)] = [0.5, 2.0]
    odds.missing[bucket_of(words)] = [-0.1, -3.0]
    lexicon = build_lexicon(facts.words, np.arange(2), np.zeros(2, dtype=np.uint32), odds)
    row = np.zeros(1, dtype=np.int64)
    pair = compare(facts, row, facts, row + 1, cosines=np.zeros(1, np.float32), lexicon=lexicon)
    features = dict(zip(FEATURES, pair.features[0].tolist(), strict=True))
    assert features["odds_of_item_words"] == features["odds_of_candidate_words"] == 0.5
    assert features["odds_of_item_missing"] == features["worst_missing_of_item"] == -3
    assert features["odds_of_candidate_missing"] == features["worst_missing_of_candidate"] == 0


def test_a_longer_name_beside_it_changes_nothing_for_a_pair() -> None:
    _, facts = describe([grams("אבטיח"), grams("מלון"), grams("גבינה לבנה רזה מאוד")])
    nothing, something = np.zeros(BUCKETS, dtype=np.float32), np.ones(BUCKETS, dtype=np.float32)
    lexicon = build_lexicon(facts.words, np.arange(3), np.zeros(3, np.uint32), WordOdds(nothing, something))
    rows = np.zeros(2, dtype=np.int64)
    cosines = np.zeros(2, dtype=np.float32)
    alone = compare(facts, rows[:1], facts, rows[:1] + 1, cosines=cosines[:1], lexicon=lexicon)
    beside = compare(facts, rows, facts, np.array([1, 2]), cosines=cosines, lexicon=lexicon)
    assert np.array_equal(alone.features[0], beside.features[0])
