"""Words that distinguish products, learned from chains' lists."""

from __future__ import annotations

import numpy as np
import pytest

from gogobe.masters.clusters.contrast import learn_word_costs, name_keys, naming_mask
from gogobe.masters.snapshot.word_costs import WordCosts
from tests.masters.clusters.names import facts_of

THINGS = ("מלון", "חציל", "קישוא", "תפוז", "אגס", "שזיף", "בצל", "גזר")


def of(costs: WordCosts, word: str) -> tuple[bool, float]:
    general, distinctive, _ = costs.of(facts_of([word]).forms()[0, :1])
    return bool(general[0]), float(distinctive[0])


@pytest.fixture(scope="module")
def costs() -> WordCosts:
    """One chain writes its own name behind all it sells, and lists two kinds of melon; another does not."""
    names = [f"{thing} רוסטיק" for thing in THINGS] + ["מלון קנרי רוסטיק"] + list(THINGS) + ["חציל בלדי"]
    chains = np.array([1] * (len(THINGS) + 1) + [2] * (len(THINGS) + 1), dtype=np.uint32)
    return learn_word_costs(facts_of(names), chains)


def test_a_word_that_goes_with_everything_and_tells_nothing_apart(costs: WordCosts) -> None:
    assert of(costs, "רוסטיק") == (True, 0.0)


@pytest.mark.parametrize("word", ["קנרי", "בלדי"])
def test_a_variety_goes_with_one_thing_and_tells_it_apart(costs: WordCosts, word: str) -> None:
    assert of(costs, word) == (False, 1.0)


def test_a_word_never_seen_tells_things_apart(costs: WordCosts) -> None:
    assert of(costs, "אננס") == (False, 0.0)
    assert not costs.of(np.zeros(1, dtype=np.uint32))[0].any()


def test_the_order_of_names_does_not_matter() -> None:
    names = [f"{thing} {word}" for thing in THINGS for word in ("ישן", "יקר")] + list(THINGS)
    chains = np.arange(len(names), dtype=np.uint32) % 3
    there, back = (
        learn_word_costs(facts_of(names), chains),
        learn_word_costs(facts_of(names[::-1]), chains[::-1]),
    )
    assert (there.general == back.general).all()
    assert (there.distinctive == back.distinctive).all()


def test_nothing_to_learn_from() -> None:
    costs = learn_word_costs(facts_of([]), np.zeros(0, dtype=np.uint32))
    assert not costs.general.any()


def test_keys_say_what_names_say() -> None:
    names = [
        "עגבניה",
        "עגבניות ישראל",
        "עגבניה במשקל",
        "עגבניה מגי",
        "עגבניה ארוזה",
        "גבינה 5%",
        "גבינה 9%",
        "אמנון 5-7",
        "אמנון 7-9",
    ]
    keys = name_keys(facts_of(names))
    assert keys[0] == keys[1] == keys[2]
    assert len(set(keys[2:].tolist())) == len(names) - 2


def test_a_word_said_twice_says_nothing_more() -> None:
    once, twice = name_keys(facts_of(["סלק עגבניה", "סלק סלק עגבניה"]))
    assert once == twice


def test_which_words_name_a_thing() -> None:
    mask = naming_mask(facts_of(["מלון קנרי ירוק ישראל"]))
    assert mask[0, :4].tolist() == [True, True, False, False]
