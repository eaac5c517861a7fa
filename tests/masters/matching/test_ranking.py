"""Aggregation of names to masters, and of masters to one verdict per item."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gogobe.masters.matching.aggregate import MASTER_FEATURES, Candidates, Competing, aggregate_names
from gogobe.masters.matching.features import FEATURES, Comparison
from gogobe.masters.matching.ranking import (
    CHAIN_FEATURES,
    VERDICT_FEATURES,
    Rivals,
    chain_features,
    chain_features_unknown,
    chain_features_without_rivals,
    rank,
)
from gogobe.masters.snapshot.lexicon import BUCKETS, Lexicon, WordOdds, build_lexicon
from gogobe.masters.text.facts import Described, Facts, describe

_ALL_SAY = np.ones(BUCKETS, dtype=np.float32)


def longs(*values: int) -> Any:
    return np.array(values, dtype=np.int64)


def floats(*values: float) -> Any:
    return np.array(values, dtype=np.float32)


def of_items(*names: str) -> tuple[Facts, Lexicon]:
    _, facts = describe([Described(name) for name in names])
    companies = np.zeros(len(names), dtype=np.uint32)
    odds = WordOdds(_ALL_SAY, -2 * _ALL_SAY)
    return facts, build_lexicon(facts.words, np.arange(len(names)), companies, odds)


def ranked(utilities: Any, items: Any, masters: Any, count: int) -> Any:
    facts, lexicon = of_items(*["חלב"] * count)
    nothing = np.zeros((len(items), len(MASTER_FEATURES)), dtype=np.float32)
    competing = Competing(items, masters, np.arange(len(items)), nothing)
    return rank(count, competing, utilities, items=facts, lexicon=lexicon)


def test_names_are_folded_into_their_master() -> None:
    facts, lexicon = of_items("גבינה לבנה רזה")
    candidates = Candidates(longs(0, 0, 0), longs(4, 5, 9), longs(2, 2, 3))
    features = np.zeros((3, len(FEATURES)), dtype=np.float32)
    cosine = FEATURES.index("cosine")
    features[:, cosine] = [0.5, 0.9, 0.2]
    found = np.zeros((3, facts.words.shape[1]), dtype=np.float32)
    found[:, :3] = [[1, 0, 0], [0, 1, 0], [1, 1, 1]]
    tables: Any = SimpleNamespace(chains=floats(0, 0, 0.5, 1), company_across=floats(1, 1, 1, 1))
    folded = aggregate_names(candidates, Comparison(features, found), facts, lexicon=lexicon, tables=tables)
    assert folded.items.tolist() == [0, 0]
    assert folded.masters.tolist() == [2, 3]
    assert folded.starts.tolist() == [0, 2]
    first = dict(zip(MASTER_FEATURES, folded.features[0].tolist(), strict=True))
    assert first["largest_cosine"] == pytest.approx(0.9)
    assert first["mean_cosine"] == pytest.approx(0.7)
    assert first["odds_of_words_altogether"] == 2, "a word is found where any of the names has it"
    assert first["odds_of_missing_altogether"] == first["worst_missing_altogether"] == -2
    assert first["chains"] == 0.5
    assert folded.features[1][MASTER_FEATURES.index("odds_of_missing_altogether")] == 0


def test_the_first_master_and_how_far_it_is_ahead() -> None:
    result = ranked(floats(1, 3, 2, 5), longs(0, 0, 0, 2), longs(7, 8, 9, 7), 3)
    assert result.first.tolist() == [1, -1, 3]
    assert result.second.tolist() == [2, -1, -1]
    assert result.utilities[0].tolist() == [3, 2]
    assert result.others[0] == pytest.approx(np.log(np.exp(1) + np.exp(2)), abs=1e-5)
    assert result.features[:, VERDICT_FEATURES.index("utility")].tolist() == [3, 0, 5]
    assert result.features[:, VERDICT_FEATURES.index("item_words")].tolist() == [1, 0, 1]


def test_of_equals_the_lower_row_is_first() -> None:
    assert ranked(floats(1, 1), longs(0, 0), longs(4, 9), 1).first.tolist() == [0]


def test_no_candidates_no_verdict() -> None:
    assert ranked(floats(), longs(), longs(), 2).first.tolist() == [-1, -1]


def test_rivals_take_certainty_and_a_second_that_is_spoken_for_gives_it_back() -> None:
    result = ranked(floats(3, 2), longs(0, 0), longs(1, 2), 1)
    rows, no_rival = longs(0), Rivals(floats(-np.inf), floats(-np.inf))
    near, far = Rivals(floats(2.9), floats(2.9)), Rivals(floats(-4), floats(-4))

    def beside(first: Rivals, second: Rivals) -> dict[str, float]:
        return dict(zip(CHAIN_FEATURES, chain_features(result, rows, first, second)[0].tolist(), strict=True))

    taken = Rivals(floats(5), floats(5))
    assert (
        beside(near, no_rival)["ahead_of_all"]
        < beside(far, no_rival)["ahead_of_all"]
        == pytest.approx(1, abs=0.01)
    )
    assert beside(far, no_rival)["ahead_of_all_free"] == pytest.approx(1, abs=0.01)
    assert beside(far, taken)["ahead_of_all_free"] == 3, "a second that another item is leaves the first alone"
    assert beside(far, taken)["second_ahead_of_chain"] == -3
    assert beside(far, no_rival)["second_ahead_of_chain"] == 6


def test_at_best_nobody_rivals_and_unknown_means_as_near() -> None:
    result = ranked(floats(3, 2, 4), longs(0, 0, 1), longs(1, 2, 1), 2)
    rows = longs(0, 1)
    best = dict(zip(CHAIN_FEATURES, chain_features_without_rivals(result, rows).T.tolist(), strict=True))
    assert best["second_ahead_of_chain"] == [-6, -6]
    assert best["ahead_of_all"] == pytest.approx([1, 3])
    assert best["ahead_of_all_free"] == [3, 3]
    unknown = dict(zip(CHAIN_FEATURES, chain_features_unknown(result, rows).T.tolist(), strict=True))
    assert unknown["second_ahead_of_chain"] == [0, -6]
    assert max(unknown["ahead_of_all"]) <= 0
    assert max(unknown["ahead_of_all_free"]) <= 0
