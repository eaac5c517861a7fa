"""Word weights, learned from masters with several names."""

from __future__ import annotations

import numpy as np

from gogobe.masters.build.word_odds import learn_word_odds
from gogobe.masters.snapshot.lexicon import bucket_of
from gogobe.masters.text.facts import Described, describe
from gogobe.masters.vectors.encoder import unit_rows
from gogobe.masters.vectors.index import ExactIndex

FLAVOURS = ("תות", "מנגו", "בננה", "אפרסק", "משמש", "וניל")


def odds_of(names: list[str], starts: list[int]) -> dict[str, tuple[float, float]]:
    """What is learned of each word of the names: found, and missing."""
    _, facts = describe([Described(name) for name in names])
    vectors = unit_rows(np.ones((len(starts) - 1, 4), dtype=np.float32))
    odds = learn_word_odds(facts, np.array(starts), ExactIndex(vectors))
    words = {word for name in names for word in name.split()}
    buckets = {word: bucket_of(describe([Described(word)])[1].words[0, :1])[0] for word in words}
    return {word: (float(odds.found[at]), float(odds.missing[at])) for word, at in buckets.items()}


def test_a_word_that_tells_siblings_apart_says_more_than_one_that_all_have() -> None:
    names, starts = [], [0]
    for flavour in FLAVOURS * 5:
        names += [f"יוגורט {flavour} טרי", f"יוגורט {flavour}", f"יוגורט {flavour} חדש"]
        starts.append(len(names))
    odds = odds_of(names, starts)
    found, missing = odds["מנגו"]
    assert found > 0.5
    assert missing < -1
    assert abs(odds["יוגורט"][0]) < 0.1, "found in every name, near or same: nothing is learned from it"
    assert odds["טרי"][1] > missing + 1, "what comes and goes may be missing"


def test_without_two_names_of_a_master_nothing_is_learned() -> None:
    assert set(odds_of(["חלב טרי", "גבינה"], [0, 1, 2]).values()) == {(0.0, 0.0)}
    assert set(odds_of(["חלב טרי", "חלב"], [0, 2]).values()) == {(0.0, 0.0)}
