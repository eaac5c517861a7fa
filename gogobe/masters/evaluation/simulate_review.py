"""How much more is joined after so many answers in a review, simulated with pairs that a person has read.

The questions are the review pairs of a snapshot, in the order of `gogobe masters review`: first
where the most items become comparable, by how likely the answer is yes. A question is answered where the pairs
know the answer, and not asked otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from gogobe.masters.codes.decisions import Decision
from gogobe.masters.evaluation.labelled_pairs import Code, LabelledPair

POINTS = (10, 25, 50, 100)


class ReviewPoint(msgspec.Struct, frozen=True):
    """After so many `answers`, `yes` of them yes, so many of the pairs that are one product are `joined`."""

    answers: int
    yes: int
    joined: int


class _Groups:
    """Masters, or items, that are one: a forest of redirects."""

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
    """The pairs joined at the start, after each of POINTS answers, and after all of them. `masters` are those
    of the pairs' items, `sizes` how many items each master has."""
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
    """Whether two masters are one product, where pairs know it: of two of their items, or by a third item that
    is one product with both."""
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
