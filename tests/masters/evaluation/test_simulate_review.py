"""Simulation of a review with a few pairs."""

from __future__ import annotations

from gogobe.masters.codes.decisions import Decision
from gogobe.masters.evaluation.labelled_pairs import LabelledPair
from gogobe.masters.evaluation.simulate_review import ReviewPoint, simulate_review


def pair(a: str, b: str, *, same: bool = True) -> LabelledPair:
    return LabelledPair(("x", a), ("y", b), a, b, same, "produce")


def question(own: int, other: int, score: float) -> Decision:
    return Decision("review", "x", str(own), "", own, other, "", score, [])


MASTERS = {("x", "1"): 1, ("y", "1"): 11, ("x", "2"): 2, ("y", "2"): 12, ("x", "3"): 3, ("y", "3"): 13}


def test_a_yes_joins_and_a_no_does_not() -> None:
    pairs = [pair("1", "1"), pair("2", "2"), pair("3", "3", same=False)]
    questions = [question(1, 11, 0.8), question(2, 12, 0.7), question(3, 13, 0.9), question(1, 99, 0.9)]
    assert simulate_review(pairs, MASTERS, questions, {}) == [ReviewPoint(0, 0, 0), ReviewPoint(3, 2, 2)]


def test_what_joins_most_is_asked_first() -> None:
    pairs = [pair("1", "1"), *(pair(str(n), str(n), same=False) for n in range(100, 110))]
    masters = MASTERS | {
        (chain, str(n)): n + more for chain, more in (("x", 0), ("y", 1000)) for n in range(100, 110)
    }
    questions = [question(1, 11, 0.5), *(question(n, n + 1000, 0.6) for n in range(100, 110))]
    for size, first in ((1, 0), (2, 1)):
        _, after_ten, after_all = simulate_review(pairs, masters, questions, {1: size, 11: 9})
        assert (after_ten.answers, after_ten.yes) == (10, first)
        assert (after_all.answers, after_all.joined) == (11, 1)


def test_one_answer_joins_all_pairs_of_two_clusters() -> None:
    pairs = [pair("1", "1"), pair("1", "2"), pair("2", "1"), pair("2", "2")]
    masters = {("x", "1"): 1, ("x", "2"): 1, ("y", "1"): 11, ("y", "2"): 11}
    assert simulate_review(pairs, masters, [question(1, 11, 0.6)], {})[-1] == ReviewPoint(1, 1, 4)


def test_an_answer_that_follows_from_a_third_item() -> None:
    pairs = [pair("1", "1"), pair("2", "1")]
    masters = {("x", "1"): 1, ("x", "2"): 2, ("y", "1"): 1}
    assert simulate_review(pairs, masters, [question(1, 2, 0.6)], {})[-1] == ReviewPoint(1, 1, 2)
    assert simulate_review(pairs, masters, [], {}) == [ReviewPoint(0, 0, 1)]
