"""Simulates a review: how many more pairs are joined after a number of answers, with labelled pairs.

The questions are the review pairs of a snapshot, in the order of `gogobe masters review`: by the number of
items that become comparable, times the probability of a yes. A question without a labelled answer is skipped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gogobe.masters.codes.decisions import Decision
from gogobe.masters.evaluation.labelled_pairs import Code, LabelledPair

POINTS = (10, 25, 50, 100)


class ReviewPoint(msgspec.Struct, frozen=True):
    """The number of pairs of one product that are `joined` after `answers` answers, `yes` of them
    positive."""

    answers: int
    yes: int
    joined: int


class _Groups:
    """Masters, or items, that are one: a union-find forest."""

    def __init__(self) -> None:
        self._parent: dict[object, object] = {}

    def of(self, one: object) -> object:
        while (parent := self._parent.get(one, one)) != one:
            one = parent
        return one

    def join(self, one: object, other: object) -> None:
        one, other = self.of(one), self.of(other)
        if one != other:
            self._parent[other] = one


def simulate_review(
    pairs: Sequence[LabelledPair],
    masters: Mapping[Code, int],
    decisions: Iterable[Decision],
    sizes: Mapping[int, int],
) -> list[ReviewPoint]:
    """The pairs joined at the start, after each of POINTS answers, and after all of them. `masters` has the
    master of each of the pairs' items, `sizes` the number of items of each master."""
    truth = _truth(pairs, masters)
    joined = _Groups()
    questions = {}
    for one in decisions:
        if one.match == "review":
            ends = (one.own_master_id, one.candidate_id)
            questions[ends] = one.score * min(sizes.get(end, 1) for end in ends)
    points = [ReviewPoint(0, 0, _joined(pairs, masters, joined))]
    answers = yes = 0
    for ends in sorted(questions, key=lambda ends: (-questions[ends], ends)):
        answer = truth.get(frozenset(ends))
        if answer is None:
            continue
        answers += 1
        if answer:
            yes += 1
            joined.join(*ends)
        if answers in POINTS:
            points.append(ReviewPoint(answers, yes, _joined(pairs, masters, joined)))
    if answers not in POINTS and answers:
        points.append(ReviewPoint(answers, yes, _joined(pairs, masters, joined)))
    return points


def _truth(pairs: Sequence[LabelledPair], masters: Mapping[Code, int]) -> dict[frozenset[int], bool]:
    """Whether two masters are one product, if the labels say so: for two of their items, or through a third
    item that is one product with both."""
    same = _Groups()
    for pair in pairs:
        if pair.same:
            same.join(pair.a, pair.b)
    truth = {frozenset((masters[pair.a], masters[pair.b])): False for pair in pairs if not pair.same}
    of_group: dict[object, set[int]] = {}
    for item in {code for pair in pairs if pair.same for code in (pair.a, pair.b)}:
        of_group.setdefault(same.of(item), set()).add(masters[item])
    for group in of_group.values():
        truth.update({frozenset((one, other)): True for one in group for other in group if one != other})
    return truth


def _joined(pairs: Sequence[LabelledPair], masters: Mapping[Code, int], joined: _Groups) -> int:
    return sum(joined.of(masters[pair.a]) == joined.of(masters[pair.b]) for pair in pairs if pair.same)
