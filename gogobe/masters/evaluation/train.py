"""Learns the weights of re-ranking and verdict from a catalogue, with GTINs as labels.

Every chain is held out in turn, as in the evaluation: its items are queries, the other chains are the
masters. This gives groups of competing masters, one of which is right, and verdicts, which are right or
wrong. The operating point is chosen on chains that the verdict's weights have not seen: for each chain, these
are fitted to the others.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.catalogue import CatalogueRow, read_catalogue
from gogobe.masters.clusters import weights as pair_weights
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.codes.gtin import valid_gtins
from gogobe.masters.evaluation.leave_one_chain_out import ComparedBatch, HeldOutChain, held_out
from gogobe.masters.evaluation.threshold import AIM, operating_point
from gogobe.masters.evaluation.train_pairs import learn_pairs_of
from gogobe.masters.evaluation.weights_files import choice_weights, learned_from, pair_weights_of
from gogobe.masters.matching import weights
from gogobe.masters.matching.aggregate import MASTER_FEATURES
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.matching.model import Choice, Model, fit_choice, fit_none
from gogobe.masters.matching.ranking import VERDICT_FEATURES, rank
from gogobe.masters.models.logistic import Logistic, fit_logistic

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

# The aim for unseen chains together. None of four chains held out fell short of it by more than 0.001.
_UNSEEN_AIM: Final = AIM + 0.003
_MIN_ACCEPTED: Final = 50
_REVIEW_FROM: Final = 0.5
_NEVER: Final = 1.0
_BATCH: Final = 500
_UNWEIGHTED_CHOICE: Final = Choice(np.zeros(len(MASTER_FEATURES)))
_UNWEIGHTED_VERDICTS: Final = Logistic(np.zeros(len(VERDICT_FEATURES)), 0.0)


@dataclass(frozen=True)
class Examples:
    """One chain's n verdicts: their `features`, whether each is `right`, and whether a conflict rules it out
    (`conflicting`)."""

    features: Floats
    right: Bools
    conflicting: Bools


def learn(rows: Sequence[CatalogueRow]) -> Model:
    """Fit both models to the chains of a catalogue.

    Raises ValueError if there are fewer than three chains, or too few products that they share.
    """
    gtins = valid_gtins([row.item_code for row in rows])
    numbered = [row for row, gtin in zip(rows, gtins, strict=True) if gtin]
    chains = sorted({row.chain_id for row in numbered})
    if len(chains) < 3:
        raise ValueError(f"{len(chains)} chains; learning needs three, so that weights are tried on others")
    pairs = learn_pairs_of(rows)
    with tempfile.TemporaryDirectory(prefix="gogobe-learn-") as folder:
        cases = [held_out(numbered, chain, Path(folder) / chain, model=_unweighted(pairs)) for chain in chains]
        compared = [case.compare(Matcher(case.snapshot, _unweighted(pairs))) for case in cases]
        choice = _fit_choice(cases, compared)
        choice = _fit_none(choice, cases, compared)
        unjudged = Model(choice, _UNWEIGHTED_VERDICTS, 1.0, 0.0, pairs)
        examples = [_verdicts(case, parts, unjudged) for case, parts in zip(cases, compared, strict=True)]
    verdicts = _fit_verdicts(examples)
    return Model(choice, verdicts, _accept_from(examples), _REVIEW_FROM, pairs)


def _accept_from(examples: list[Examples]) -> float:
    """The lowest score from which acceptances by verdicts that have not seen the chain have the aim's
    precision, for all chains together. Above all scores if there is none."""
    unseen = [
        _scores(_fit_verdicts(examples[:place] + examples[place + 1 :]), one)
        for place, one in enumerate(examples)
    ]
    right = np.concatenate([one.right for one in examples])
    point = operating_point(np.concatenate(unseen), right, _MIN_ACCEPTED, aim=_UNSEEN_AIM)
    return point.score if point else _NEVER


def _unweighted(pairs: PairModel) -> Model:
    return Model(_UNWEIGHTED_CHOICE, _UNWEIGHTED_VERDICTS, 1.0, 0.0, pairs)


def _fit_choice(cases: Sequence[HeldOutChain], compared: Sequence[list[ComparedBatch]]) -> Choice:
    """Fit the choice: of the masters that compete for each item, its own is the right one, if it is among
    them."""
    features, chosen, groups = [], [], []
    before = 0
    for case, parts in zip(cases, compared, strict=True):
        for number, (_, part) in enumerate(parts):
            truth = case.truth[number * _BATCH : (number + 1) * _BATCH]
            competing = part.competing
            right = competing.masters == truth[competing.items]
            answered = np.isin(competing.items, competing.items[right])
            features.append(competing.features[answered])
            chosen.append(right[answered])
            groups.append(competing.items[answered] + before)
            before += len(truth)
    return fit_choice(np.concatenate(features), np.concatenate(chosen), np.concatenate(groups))


def _fit_none(choice: Choice, cases: Sequence[HeldOutChain], compared: Sequence[list[ComparedBatch]]) -> Choice:
    """Fit the utility of none of the candidates: items whose first master is not theirs have chosen it."""
    first, others, right = [], [], []
    for case, parts in zip(cases, compared, strict=True):
        for number, (items, part) in enumerate(parts):
            competing = part.competing
            utilities = choice.utilities(competing.features)
            ranked = rank(len(items), competing, utilities, items=items.facts, lexicon=case.snapshot.lexicon)
            found = np.flatnonzero(ranked.first >= 0)
            truth = case.truth[number * _BATCH : (number + 1) * _BATCH][found]
            first.append(ranked.utilities[found, 0])
            others.append(ranked.others[found])
            right.append(competing.masters[ranked.first[found]] == truth)
    return fit_none(choice, np.concatenate(first), np.concatenate(others), np.concatenate(right))


def _verdicts(case: HeldOutChain, compared: Sequence[ComparedBatch], model: Model) -> Examples:
    matcher = Matcher(case.snapshot, model)
    listing = case.listing(matcher, compared)
    judged = [matcher.decide(items, listing, part) for items, part in compared]
    masters = np.concatenate([one.masters for one in judged])
    # Goods without a barcode have verdicts of their own (`train_pairs.py`).
    answered = (masters >= 0) & ~np.concatenate([one.is_cluster for one in judged])
    return Examples(
        np.concatenate([one.ranked.features for one in judged])[answered],
        (masters == case.truth)[answered],
        np.concatenate([one.conflicting | (one.scores == 0) for one in judged])[answered],
    )


def _fit_verdicts(examples: Sequence[Examples]) -> Logistic:
    """Fit to the examples without a conflict; the others are never accepted."""
    return fit_logistic(
        np.concatenate([one.features[~one.conflicting] for one in examples]),
        np.concatenate([one.right[~one.conflicting] for one in examples]),
    )


def _scores(verdicts: Logistic, examples: Examples) -> Floats:
    """The scores of one chain's examples by a verdict; 0 for candidates that are ruled out."""
    scores: Floats = np.where(examples.conflicting, np.float32(0), verdicts.probabilities(examples.features))
    return scores


def main() -> None:
    """Learn from catalogue files and write the weights into this package: `make learn CATALOGUE=…`."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    model = learn([row for path in paths for row in read_catalogue(path)])
    source = learned_from(paths)
    Path(weights.__file__).write_text(choice_weights(model, source), "utf-8")
    Path(pair_weights.__file__).write_text(pair_weights_of(model.pairs, source), "utf-8")


if __name__ == "__main__":
    main()
