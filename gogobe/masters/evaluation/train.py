"""Learning the weights of the second look from a catalogue, whose GTINs say which names are one product.

Every chain takes its turn as in the evaluation: its items are asked, the other chains are the masters. From
that come masters that compete for an item, of which one is its own, and verdicts, which are right or not.
Where to accept is decided on chains that the verdict's weights have not seen: for each chain, these are fitted
to the others.
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
from gogobe.masters.codes.gtin import valid_gtins
from gogobe.masters.evaluation.leave_one_chain_out import HeldOut, held_out
from gogobe.masters.evaluation.threshold import working_point
from gogobe.masters.matching import weights
from gogobe.masters.matching.aggregate import MASTER_FEATURES
from gogobe.masters.matching.matcher import Compared, Matcher
from gogobe.masters.matching.model import Choice, Logistic, Model, fit_choice, fit_logistic
from gogobe.masters.matching.ranking import VERDICT_FEATURES

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_LEAST_ACCEPTED: Final = 50
_REVIEW_FROM: Final = 0.5
_NEVER: Final = 1.0
_BATCH: Final = 500
_UNWEIGHTED_CHOICE: Final = Choice(np.zeros(len(MASTER_FEATURES)))
_UNWEIGHTED_VERDICTS: Final = Logistic(np.zeros(len(VERDICT_FEATURES)), 0.0)


@dataclass(frozen=True)
class Examples:
    """One chain's n verdicts: their `features`, whether each is `right`, and whether something rules it
    out all the same (`conflicting`)."""

    features: Floats
    right: Bools
    conflicting: Bools


def learn(rows: Sequence[CatalogueRow]) -> Model:
    """Fit both models to the chains of a catalogue.

    Raises ValueError where there are fewer than three chains, or too few products that they share.
    """
    gtins = valid_gtins([row.item_code for row in rows])
    numbered = [row for row, gtin in zip(rows, gtins, strict=True) if gtin]
    chains = sorted({row.chain_id for row in numbered})
    if len(chains) < 3:
        raise ValueError(f"{len(chains)} chains; learning needs three, so that weights are tried on others")
    with tempfile.TemporaryDirectory(prefix="gogobe-learn-") as folder:
        cases = [held_out(numbered, chain, Path(folder) / chain) for chain in chains]
        compared = [_compare(case) for case in cases]
        choice = _fit_choice(cases, compared)
        examples = [_verdicts(case, parts, choice) for case, parts in zip(cases, compared, strict=True)]
    verdicts = _fit_verdicts(examples)
    unseen = [
        _unseen_scores(_fit_verdicts(examples[:place] + examples[place + 1 :]), one)
        for place, one in enumerate(examples)
    ]
    right = np.concatenate([one.right for one in examples])
    point = working_point(np.concatenate(unseen), right, _LEAST_ACCEPTED)
    return Model(choice, verdicts, point.score if point else _NEVER, _REVIEW_FROM)


def _compare(case: HeldOut) -> list[Compared]:
    matcher = Matcher(case.snapshot, Model(_UNWEIGHTED_CHOICE, _UNWEIGHTED_VERDICTS, 1.0, 0.0))
    batches = [case.asked[begin : begin + _BATCH] for begin in range(0, len(case.asked), _BATCH)]
    sold = np.zeros(0, dtype=np.int64)
    return [matcher.compare(*case.query(batch)[:2], sold) for batch in batches]


def _fit_choice(cases: Sequence[HeldOut], compared: Sequence[list[Compared]]) -> Choice:
    """Of the masters that compete for each item, its own is the one to choose, where it is among them."""
    features, chosen, groups = [], [], []
    before = 0
    for case, parts in zip(cases, compared, strict=True):
        for number, part in enumerate(parts):
            truth = case.truth[number * _BATCH : (number + 1) * _BATCH]
            competing = part.competing
            right = competing.masters == truth[competing.items]
            told = np.isin(competing.items, competing.items[right])
            features.append(competing.features[told])
            chosen.append(right[told])
            groups.append(competing.items[told] + before)
            before += len(truth)
    return fit_choice(np.concatenate(features), np.concatenate(chosen), np.concatenate(groups))


def _verdicts(case: HeldOut, compared: Sequence[Compared], choice: Choice) -> Examples:
    matcher = Matcher(case.snapshot, Model(choice, _UNWEIGHTED_VERDICTS, 1.0, 0.0))
    listing = case.listing(matcher)
    judged = []
    for number, part in enumerate(compared):
        _, facts, keys = case.query(case.asked[number * _BATCH : (number + 1) * _BATCH])
        judged.append(matcher.decide(facts, keys, listing, part))
    masters = np.concatenate([one.masters for one in judged])
    answered = masters >= 0
    return Examples(
        np.concatenate([one.ranked.features for one in judged])[answered],
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


def write_weights(model: Model, path: Path) -> None:
    """Write a model as the module `weights.py`."""
    lines = [
        '"""The weights of the choice among masters and of the verdict, as `make learn` wrote them."""',
        "",
        "from __future__ import annotations",
        "",
        "from typing import Final",
        "",
        *_table("MASTER", MASTER_FEATURES, model.choice.weights),
        *_table("VERDICT", VERDICT_FEATURES, model.verdicts.weights),
        f"VERDICT_INTERCEPT: Final = {model.verdicts.intercept:.4f}",
        f"ACCEPT_FROM: Final = {model.accept_from:.4f}",
        f"REVIEW_FROM: Final = {model.review_from:.4f}",
    ]
    path.write_text("\n".join(lines) + "\n", "utf-8")


def _table(kind: str, names: Sequence[str], weights: npt.NDArray[np.float64]) -> list[str]:
    rows = [f'    "{name}": {weight:.4f},' for name, weight in zip(names, weights, strict=True)]
    return [f"{kind}_WEIGHTS: Final[dict[str, float]] = {{", *rows, "}"]


def main() -> None:
    """Learn from catalogue files and write the weights into this package: `make learn CATALOGUE=…`."""
    paths = [Path(argument) for argument in sys.argv[1:]]
    model = learn([row for path in paths for row in read_catalogue(path)])
    write_weights(model, Path(weights.__file__))


if __name__ == "__main__":
    main()
