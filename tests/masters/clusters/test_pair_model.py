"""The probability that two listings are one product, with the built-in weights."""

from __future__ import annotations

import numpy as np
import pytest

from gogobe.masters.clusters.pair_features import PAIR_FEATURES, compare_names
from gogobe.masters.clusters.pair_model import ACCEPTED, learned_pair_model
from gogobe.masters.clusters.reasons import pair_reasons
from gogobe.masters.codes.suffixes import PADDED, UNRELATED
from gogobe.masters.snapshot.word_costs import WordCosts
from tests.masters.clusters.names import facts_of

MODEL = learned_pair_model()
FIRST = np.zeros(1, dtype=np.int64)


def features(one: str, other: str) -> np.ndarray:
    return compare_names(facts_of([one]), FIRST, facts_of([other]), FIRST, costs=WordCosts.unknown())


def odds(one: str, other: str, relation: int = UNRELATED) -> float:
    return float(MODEL.odds(features(one, other), np.array([relation], dtype=np.int8))[0])


@pytest.mark.parametrize(
    ("one", "other"), [("עגבניה", "עגבניות ישראל"), ("בטטה מובחרת", "בטטה"), ("מארז גזר", "גזר ארוז")]
)
def test_one_product(one: str, other: str) -> None:
    assert odds(one, other) > MODEL.join_from


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("לימון", "לימון ליים"),
        ("עגבניה", "עגבניה מגי"),
        ("פלפל אדום", "פלפל כתום"),
        ("שוקיים עוף קפוא", "שוקיים עוף טרי"),
        ("דניס טרי", "פילה דניס טרי"),
        ("גבינה 5%", "גבינה 9%"),
        ("עגבניה במשקל", "עגבניה ארוזה"),
        ("כרוב אדום", "כרוב אדום כשר (ק)"),
        ("חזה עוף טרי", "חזה עוף טרי מחפוד"),
    ],
)
def test_two_products(one: str, other: str) -> None:
    assert odds(one, other) < MODEL.join_from


def test_codes_speak_for_names_that_differ_but_not_for_names_that_refute_them() -> None:
    assert (
        odds("רוקפור דייניש בלו", "רוקפור גבינה כחולה")
        < MODEL.join_from
        < odds("רוקפור דייניש בלו", "רוקפור גבינה כחולה", PADDED)
    )
    assert odds("דג אדמונית טרי", "שמנת נפוליאון טבעי 16%", PADDED) < MODEL.join_from


def test_scores_rise_with_the_odds_and_accept_from_where_clusters_are_joined() -> None:
    scores = MODEL.scores(np.array([MODEL.review_from, MODEL.join_from, 5.0]))
    assert scores[0] < scores[1] < scores[2]
    assert scores[1] == pytest.approx(ACCEPTED)
    assert 0.4 < scores[0] < 0.6


def test_what_contradicts_costs_more_than_what_one_leaves_out() -> None:
    weights = dict(zip(PAIR_FEATURES, MODEL.names.weights, strict=True))
    for quality in ("colour", "cut", "process", "packing", "supervision"):
        differ = weights[f"{quality}_contradicts"] + weights["qualities_contradict"]
        assert differ < weights[f"{quality}_on_one_side"] + weights["qualities_on_one_side"] < 0


@pytest.mark.parametrize(
    ("one", "other", "relation", "reasons"),
    [
        ("עגבניה", "עגבניות", UNRELATED, ["the names say the same", "price within 20 %"]),
        ("מלון", "מלון קנרי", UNRELATED, ["price within 20 %", "a word of one is missing in the other"]),
        (
            "פלפל אדום טרי",
            "פלפל כתום",
            PADDED,
            [
                "one number is the end of the other",
                "the names have the same words",
                "price within 20 %",
                "only one states the usual: state",
                "differ: colour",
            ],
        ),
    ],
)
def test_the_evidence_in_words(one: str, other: str, relation: int, reasons: list[str]) -> None:
    assert pair_reasons(features(one, other)[0], relation) == reasons
