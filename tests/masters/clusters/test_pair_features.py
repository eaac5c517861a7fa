"""Features of two names of goods without a barcode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe.masters.clusters.pair_features import PAIR_FEATURES, compare_names
from gogobe.masters.snapshot.lexicon import bucket_of
from gogobe.masters.snapshot.word_costs import WordCosts
from gogobe.masters.text.facts import Described, describe
from tests.masters.clusters.names import facts_of

UNKNOWN = WordCosts.unknown()
FIRST = np.zeros(1, dtype=np.int64)
APART = {"words_shared", "same_reading", "price_apart"}


def said(one: str, other: str) -> set[str]:
    """What is said of two names, but for what speaks for them."""
    features = compare_names(facts_of([one]), FIRST, facts_of([other]), FIRST, costs=UNKNOWN)[0]
    return {name for name, value in zip(PAIR_FEATURES, features, strict=True) if value} - APART


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("עגבניה", "עגבנייה ישראל"),
        ("תפוזים", "תפוז ישראל"),
        ("קישוא", "קשואים"),
        ('תפו"א אדום', "תפוח אדמה אדומים"),
        ("גבינה 22%", "גבינה 22"),  # the end is cut off
    ],
)
def test_names_that_say_the_same(one: str, other: str) -> None:
    assert said(one, other) == set()


@pytest.mark.parametrize(
    ("one", "other", "what"),
    [
        ("פלפל אדום", "פלפל כתום", {"colour_contradicts", "qualities_contradict"}),
        ("פלפל ירוק כהה", "פלפל ירוק בהיר", {"colour_contradicts", "qualities_contradict"}),
        ("כרוב אדום", "כרוב סגול", {"colour_near"}),
        ("קיווי", "קיווי ירוק", {"colour_on_one_side", "qualities_on_one_side"}),
        ("עגבניה", "עגבניה ארוזה", {"packing_on_one_side", "qualities_on_one_side"}),
        ("עגבניה במשקל", "עגבניה ארוזה", {"packing_contradicts", "qualities_contradict"}),
        ("עגבניה", "עגבניה בתפזורת", {"usual_packing_on_one_side"}),
        ("דניס טרי", "דניס שלם טרי", {"usual_cut_on_one_side"}),
        ("בוטנים קלויים", "בוטנים לא קלויים", {"process_contradicts", "qualities_contradict"}),
        ("אסאדו עם עצם", "אסאדו ללא עצם", {"parts_contradict"}),
        ("סלמון", "סלמון ללא עור", {"without_a_part_on_one_side"}),
        ("גבינה 5%", "גבינה 9%", {"percents_differ"}),
        ("גבינה 29%", "גבינה 30%", {"percents_near"}),
        ("גבינה", "גבינה 9%", {"percent_on_one_side"}),
        ("אמנון 5-7", "אמנון 7-9", {"numbers_differ"}),
        ("אפרסק", "אפרסק 60", {"number_on_one_side"}),
        ("דניס", "לברק", {"special_words_missing", "missing_on_both_sides", "largest_share_missing", "smallest_share_missing", "first_word_missing"}),
        ("מלון", "מלון קנרי", {"special_words_missing", "largest_share_missing"}),
    ],
)  # fmt: skip
def test_what_names_say_otherwise(one: str, other: str, what: set[str]) -> None:
    assert said(one, other) == what


def test_a_general_word_costs_less_the_less_it_tells() -> None:
    missing = PAIR_FEATURES.index("largest_share_missing")
    costs = [UNKNOWN, replace(UNKNOWN, general=np.ones_like(UNKNOWN.general))]
    shares = [
        compare_names(facts_of(["לחם רוסטיק"]), FIRST, facts_of(["לחם"]), FIRST, costs=one)[0, missing]
        for one in costs
    ]
    assert shares[0] == shares[1] == 0.5
    distinctive = replace(costs[1], distinctive=np.ones_like(UNKNOWN.distinctive))
    features = compare_names(facts_of(["לחם רוסטיק"]), FIRST, facts_of(["לחם"]), FIRST, costs=distinctive)[0]
    assert features[PAIR_FEATURES.index("distinctive_words_missing")] == 1


def test_a_pack_of_so_many_grams_is_not_weighed() -> None:
    facts = describe([Described("צ'דר 350 גרם", price=15.9), Described("צ'דר", price=149, is_weighted=True)])[1]
    features = compare_names(facts, FIRST, facts, FIRST + 1, costs=UNKNOWN)[0]
    values = dict(zip(PAIR_FEATURES, features.tolist(), strict=True))
    assert (values["weighed_differs"], values["weighed_against_a_size"], values["price_far"]) == (1, 1, 1)
    assert not values["same_reading"]


@pytest.mark.parametrize(("one", "other"), [("כרעיים", "כרובית"), ("פומלה", "פומלית")])
def test_a_word_that_is_only_nearly_the_same_may_be_another(one: str, other: str) -> None:
    features = compare_names(facts_of([one]), FIRST, facts_of([other]), FIRST, costs=UNKNOWN)[0]
    values = dict(zip(PAIR_FEATURES, features.tolist(), strict=True))
    assert values["words_nearly_shared"] == 1
    assert not values["same_reading"]


@pytest.mark.parametrize(("price", "same"), [(13.9, 1), (39.0, 0)])
def test_a_price_by_the_kilogram_is_none_by_the_piece(price: float, same: float) -> None:
    pineapples = [Described("אננס", price=12.9, is_weighted=True), Described("אננס", price=price)]
    facts = describe(pineapples)[1]
    features = compare_names(facts, FIRST, facts, FIRST + 1, costs=UNKNOWN)[0]
    assert features[PAIR_FEATURES.index("same_reading")] == same


def test_missing_words_count_by_how_surely_they_are_retained() -> None:
    retained = np.zeros_like(UNKNOWN.retained)
    for word, value in (("סודה", 2.0), ("תפוח", 0.5)):
        retained[bucket_of(facts_of([word]).forms()[0, :1])] = value
    costs = replace(UNKNOWN, retained=retained)
    features = compare_names(facts_of(["סודה תפוח נענע"]), FIRST, facts_of(["נענע"]), FIRST, costs=costs)[0]
    assert features[PAIR_FEATURES.index("retained_words_missing")] == 2.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(max_size=40), min_size=2, max_size=6))
def test_the_order_of_the_two_and_what_stands_beside_them_do_not_matter(names: list[str]) -> None:
    facts = facts_of(names)
    left, right = np.triu_indices(len(names), 1)
    together = compare_names(facts, left, facts, right, costs=UNKNOWN)
    assert np.allclose(together, compare_names(facts, right, facts, left, costs=UNKNOWN))
    alone = compare_names(facts_of(names[:1]), FIRST, facts_of(names[1:2]), FIRST, costs=UNKNOWN)
    assert np.allclose(together[:1], alone)
    assert np.isfinite(together).all()
