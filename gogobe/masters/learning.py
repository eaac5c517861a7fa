"""Learning the weights of the second look from a catalogue, whose GTINs say which names are one product.

Every chain takes its turn as in the evaluation: its items are asked, the other chains are the masters. From
that come pairs of item and candidate, of which one is right, and verdicts, which are right or not. Where to
accept is decided on chains that the weights have not seen: for each chain, weights are fitted to the others.
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

from gogobe.masters.catalogue import CatalogueRow, read_catalogue
from gogobe.masters.gtin import valid_gtins
from gogobe.masters.held_out import HeldOut, held_out
from gogobe.masters.matching import Compared, Matcher
from gogobe.masters.model import Logistic, Model, fit_logistic
from gogobe.masters.pairs import FEATURES
from gogobe.masters.ranking import VERDICT_FEATURES

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

AIM: Final = 0.97
MARGIN: Final = 0.005
"""Precision is aimed at with so much to spare, since the next chain may be worse than all that were seen."""
_LEAST_ACCEPTED: Final = 50
_REVIEW_FROM: Final = 0.5
_BATCH: Final = 500
_UNWEIGHTED_PAIRS: Final = Logistic(np.zeros(len(FEATURES)), 0.0)
_UNWEIGHTED_VERDICTS: Final = Logistic(np.zeros(len(VERDICT_FEATURES)), 0.0)


@dataclass(frozen=True)
class Examples:
    """One chain's n verdicts: their `features`, whether each is `right`, and whether something rules it
    out all the same (`conflicting`)."""

    features: Floats
    right: Bools
    conflicting: Bools


def learn(rows: Sequence[CatalogueRow], limit: int | None = None) -> Model:
    """Fit both models to the chains of a catalogue, with at most `limit` queries of each.

    Raises ValueError where there are fewer than three chains, or too few products that they share.
    """
    gtins = valid_gtins([row.item_code for row in rows])
    numbered = [row for row, gtin in zip(rows, gtins, strict=True) if gtin]
    chains = sorted({row.chain_id for row in numbered})
    if len(chains) < 3:
        raise ValueError(f"{len(chains)} chains; learning needs three, so that weights are tried on others")
    with tempfile.TemporaryDirectory(prefix="gogobe-learn-") as folder:
        cases = [held_out(numbered, chain, Path(folder) / chain, limit) for chain in chains]
        compared = [_compare(case) for case in cases]
        pairs = _fit_pairs(cases, compared)
        examples = [_verdicts(case, parts, pairs) for case, parts in zip(cases, compared, strict=True)]
    verdicts = _fit_verdicts(examples)
    unseen = [
        _unseen_scores(_fit_verdicts(examples[:place] + examples[place + 1 :]), one)
        for place, one in enumerate(examples)
    ]
    accept_from = _accept_from(np.concatenate(unseen), np.concatenate([one.right for one in examples]))
    return Model(pairs, verdicts, accept_from, _REVIEW_FROM)


def _compare(case: HeldOut) -> list[Compared]:
    matcher = Matcher(case.snapshot, Model(_UNWEIGHTED_PAIRS, _UNWEIGHTED_VERDICTS, 1.0, 0.0))
    batches = [case.asked[begin : begin + _BATCH] for begin in range(0, len(case.asked), _BATCH)]
    sold = np.zeros(0, dtype=np.int64)
    return [matcher.compare(*case.query(batch)[:2], sold) for batch in batches]


def _fit_pairs(cases: Sequence[HeldOut], compared: Sequence[list[Compared]]) -> Logistic:
    """Of the candidates of each item that has its master among them, the master's names against the others."""
    features, labels = [], []
    for case, parts in zip(cases, compared, strict=True):
        for number, part in enumerate(parts):
            truth = case.truth[number * _BATCH : (number + 1) * _BATCH]
            right = part.candidates.masters == truth[part.candidates.items]
            has_master = np.zeros(len(truth), dtype=np.bool_)
            has_master[part.candidates.items[right]] = True
            told = has_master[part.candidates.items]
            features.append(part.comparison.features[told])
            labels.append(right[told])
    return fit_logistic(np.concatenate(features), np.concatenate(labels))


def _verdicts(case: HeldOut, compared: Sequence[Compared], pairs: Logistic) -> Examples:
    matcher = Matcher(case.snapshot, Model(pairs, _UNWEIGHTED_VERDICTS, 1.0, 0.0))
    listing = case.listing(matcher)
    judged = []
    for number, part in enumerate(compared):
        _, facts, keys = case.query(case.asked[number * _BATCH : (number + 1) * _BATCH])
        judged.append(matcher.decide(facts, keys, listing, part))
    masters = np.concatenate([one.masters for one in judged])
    answered = masters >= 0
    return Examples(
        np.concatenate([one.verdicts.features for one in judged])[answered],
        (masters == case.truth)[answered],
        np.concatenate([one.conflicting | (one.scores == 0) for one in judged])[answered],
    )


def _fit_verdicts(examples: Sequence[Examples]) -> Logistic:
    return fit_logistic(
        np.concatenate([one.features for one in examples]), np.concatenate([one.right for one in examples])
    )


def _unseen_scores(verdicts: Logistic, examples: Examples) -> Floats:
    """How verdicts fitted to other chains score those of one; 0 where something rules the candidate out."""
    scores: Floats = np.where(examples.conflicting, np.float32(0), verdicts.probabilities(examples.features))
    return scores


def _accept_from(scores: Floats, right: Bools) -> float:
    """The least score from which on acceptances are right as often as is aimed at, with the margin."""
    order = np.argsort(-scores, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    precise = np.flatnonzero((precision >= AIM + MARGIN) & (np.arange(len(order)) >= _LEAST_ACCEPTED))
    return float(scores[order[precise[-1]]]) if len(precise) else 1.0


def write_weights(model: Model, path: Path) -> None:
    """Write a model as the module `weights.py`."""
    lines = [
        '"""The weights of the second look and of the verdict, as `make learn` wrote them."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
        *_table("PAIR", FEATURES, model.pairs),
        *_table("VERDICT", VERDICT_FEATURES, model.verdicts),
        f"ACCEPT_FROM: Final = {model.accept_from:.4f}",
        f"REVIEW_FROM: Final = {model.review_from:.4f}",
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _table(kind: str, names: Sequence[str], fitted: Logistic) -> list[str]:
    rows = [f'    "{name}": {weight:.4f},' for name, weight in zip(names, fitted.weights, strict=True)]
    return [
        f"{kind}_WEIGHTS: Final[dict[str, float]] = {{",
        *rows,
        "}",
        f"{kind}_INTERCEPT: Final = {fitted.intercept:.4f}",
    ]


def main() -> None:
    """Learn from catalogue files and write the weights into this package: `make learn CATALOGUE=…`."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    model = learn([row for path in paths for row in read_catalogue(path)])
    write_weights(model, Path(__file__).with_name("weights.py"))


if __name__ == "__main__":
    main()
