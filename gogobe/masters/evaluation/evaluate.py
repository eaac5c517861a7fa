"""Precision and recall of matching by name alone, with barcodes as ground truth.

Each chain of a catalogue is held out in turn: its items are the queries, with hidden GTINs, and a snapshot of
all other chains has the masters.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.build.catalogue import CatalogueError, CatalogueRow, read_catalogue
from gogobe.masters.codes.gtin import valid_gtins
from gogobe.masters.evaluation.leave_one_chain_out import HeldOutChain, held_out
from gogobe.masters.evaluation.threshold import operating_point
from gogobe.masters.evaluation.train import learn
from gogobe.masters.matching.matcher import CANDIDATES, Matcher
from gogobe.masters.matching.model import Model, learned_model
from gogobe.masters.vectors.index import ExactIndex

Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BATCH: Final = 500
_CURVE_POINTS: Final = 201


class CurvePoint(msgspec.Struct, frozen=True):
    """Precision and recall when accepting from `score`."""

    score: float
    precision: float
    recall: float


class Figures(msgspec.Struct, frozen=True):
    """Figures for one chain's items as queries, or for several chains together.

    `queries` counts all items asked, `negatives` those without a master to find. Recalls are shares of the
    other `queries - negatives`: `candidate_recall_at_k` has the master among the k nearest by the index,
    `exact_recall_at_k` by brute force, `rerank_recall_at_1` first after re-ranking. `accepted` counts the
    items that got a master, at scores from `accept_from` (for several chains the lowest); `accept_precision`
    is the share of them that is right, `accept_recall` the share of items with a master that got the right
    one. `accepted_unknown` more items got goods without a usable barcode; no barcode can verify them, and
    they count neither way. `recall_at_aim` is the highest recall at any score with the target precision,
    0.97. `queries_per_second` measures the whole way from text to verdict, in batches of 500.
    """

    chain: str
    masters: int
    queries: int
    negatives: int
    candidate_recall_at_1: float
    candidate_recall_at_10: float
    candidate_recall_at_50: float
    exact_recall_at_1: float
    exact_recall_at_10: float
    exact_recall_at_50: float
    rerank_recall_at_1: float
    accept_from: float
    accepted: int
    accept_precision: float
    accept_recall: float
    accepted_unknown: int
    recall_at_aim: float
    queries_per_second: float
    curve: list[CurvePoint]


class Evaluation(Figures, frozen=True):
    """The figures over all queries of the held-out chains, and `chains` for each alone."""

    chains: list[Figures]


@dataclass(frozen=True)
class Outcome:
    """The outcomes of n queries.

    `found_at` and `exact_at` are the place of the master among the candidates, by index and by brute force,
    -1 for none; `right` says whether the first after re-ranking is the master, `unknown` whether the query
    got goods without a usable barcode, which no barcode can verify; `scores` are probabilities, 0 if ruled
    out or unknown.
    """

    negative: Bools
    found_at: Longs
    exact_at: Longs
    right: Bools
    unknown: Bools
    scores: npt.NDArray[np.float32]
    accepted: Bools
    seconds: float


def evaluate(
    paths: Sequence[Path],
    hold_out: str | None = None,
    limit: int | None = None,
    *,
    learn_anew: bool = False,
) -> Evaluation:
    """Measure matching on catalogue files: with `hold_out` as the queries' chain, or with each chain in turn.

    At most `limit` queries of each chain are asked, evenly chosen; all rows of the other chains are masters.
    A chain without GTINs has no queries. With `learn_anew` the weights are learned for each chain from the
    others instead of the built-in ones. Raises CatalogueError if a file cannot be read, if there are fewer
    than two chains (three others for learning), or if `hold_out` is not among them.
    """
    rows = [row for path in paths for row in read_catalogue(path)]
    gtins = valid_gtins([row.item_code for row in rows])
    present = sorted({row.chain_id for row, gtin in zip(rows, gtins, strict=True) if gtin})
    if len(present) < 2:
        raise CatalogueError(
            f"{len(present)} chains with GTINs in {len(paths)} files; matching across chains needs two"
        )
    if hold_out is not None and hold_out not in present:
        raise CatalogueError(f"no chain {hold_out} with GTINs in the files; they hold {', '.join(present)}")
    outcomes: list[Outcome] = []
    each: list[Figures] = []
    for chain in [hold_out] if hold_out else present:
        model = _learned_without(rows, chain) if learn_anew else learned_model()
        with tempfile.TemporaryDirectory(prefix="gogobe-evaluate-") as folder:
            case = held_out(rows, chain, Path(folder), limit, model)
            outcome = ask(case, model)
        outcomes.append(outcome)
        each.append(_figures(chain, len(case.snapshot.tables.masters), outcome, model.accept_from))
    masters, accept_from = max(one.masters for one in each), min(one.accept_from for one in each)
    total = _figures(hold_out or "all", masters, _together(outcomes), accept_from)
    return Evaluation(**msgspec.structs.asdict(total), chains=each)


def _learned_without(rows: Sequence[CatalogueRow], chain: str) -> Model:
    try:
        return learn([row for row in rows if row.chain_id != chain])
    except ValueError as error:
        raise CatalogueError(f"nothing to learn from without {chain}: {error}") from error


def ask(case: HeldOutChain, model: Model) -> Outcome:
    """Match all queries of a case, by its index and by brute force."""
    matcher = Matcher(case.snapshot, model)
    exact = ExactIndex(case.snapshot.index.vectors)
    started = time.perf_counter()
    compared = case.compare(matcher)
    listing = case.listing(matcher, compared)
    judgements = [matcher.decide(batch, listing, one) for batch, one in compared]
    seconds = time.perf_counter() - started
    exact_at = [
        _place_of(case.truth[begin : begin + _BATCH], exact.search(listing.vectors[rows], CANDIDATES).rows)
        for begin in range(0, len(case.asked), _BATCH)
        for rows in (case.asked[begin : begin + _BATCH],)
    ]
    firsts = np.concatenate([judged.masters for judged in judgements])
    conflicting = np.concatenate([judged.conflicting for judged in judgements])
    scores = np.concatenate([judged.scores for judged in judgements])
    found = np.concatenate([judged.compared.nearest.rows for judged in judgements])
    accepted = np.concatenate([judged.accepted for judged in judgements])
    no_barcode = (firsts >= 0) & (firsts != case.truth) & case.snapshot.tables.loose[firsts]
    return Outcome(
        negative=case.truth < 0,
        found_at=_place_of(case.truth, found),
        exact_at=np.concatenate(exact_at),
        right=(firsts == case.truth) & (case.truth >= 0),
        unknown=accepted & no_barcode,
        scores=np.where(conflicting | no_barcode, np.float32(0), scores),
        accepted=accepted & ~no_barcode,
        seconds=seconds,
    )


def _place_of(truth: Longs, rows: Longs) -> Longs:
    hits = (rows == truth[:, None]) & (truth >= 0)[:, None]
    return np.where(hits.any(axis=1), hits.argmax(axis=1), -1)


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    return Outcome(
        negative=np.concatenate([one.negative for one in outcomes]),
        found_at=np.concatenate([one.found_at for one in outcomes]),
        exact_at=np.concatenate([one.exact_at for one in outcomes]),
        right=np.concatenate([one.right for one in outcomes]),
        unknown=np.concatenate([one.unknown for one in outcomes]),
        scores=np.concatenate([one.scores for one in outcomes]),
        accepted=np.concatenate([one.accepted for one in outcomes]),
        seconds=sum(one.seconds for one in outcomes),
    )


def _figures(chain: str, masters: int, outcome: Outcome, accept_from: float) -> Figures:
    queries, findable = len(outcome.negative), int((~outcome.negative).sum())

    def part(hits: Bools) -> float:
        return round(float(hits.sum()) / max(findable, 1), 4)

    def within(places: Longs, count: int) -> float:
        return part((places >= 0) & (places < count))

    accepted = int(outcome.accepted.sum())
    at_aim = operating_point(outcome.scores, outcome.right)
    return Figures(
        chain=chain,
        masters=masters,
        queries=queries,
        negatives=queries - findable,
        candidate_recall_at_1=within(outcome.found_at, 1),
        candidate_recall_at_10=within(outcome.found_at, 10),
        candidate_recall_at_50=within(outcome.found_at, 50),
        exact_recall_at_1=within(outcome.exact_at, 1),
        exact_recall_at_10=within(outcome.exact_at, 10),
        exact_recall_at_50=within(outcome.exact_at, 50),
        rerank_recall_at_1=part(outcome.right),
        accept_from=round(accept_from, 4),
        accepted=accepted,
        accept_precision=round(float((outcome.right & outcome.accepted).sum()) / max(accepted, 1), 4),
        accept_recall=part(outcome.right & outcome.accepted),
        accepted_unknown=int(outcome.unknown.sum()),
        recall_at_aim=round(at_aim.right / max(findable, 1), 4) if at_aim else 0.0,
        queries_per_second=round(queries / max(outcome.seconds, 1e-9), 1),
        curve=_curve(outcome, findable),
    )


def _curve(outcome: Outcome, findable: int) -> list[CurvePoint]:
    """Points at scores above 0, at which evenly growing shares of the queries are accepted."""
    possible = outcome.scores[outcome.scores > 0]
    if not len(possible):
        return []
    points = []
    for score in np.unique(np.quantile(possible, np.linspace(0, 1, _CURVE_POINTS), method="higher")):
        right = outcome.right[outcome.scores >= score]
        points.append(
            CurvePoint(
                score=round(float(score), 4),
                precision=round(float(right.mean()), 4),
                recall=round(float(right.sum()) / max(findable, 1), 4),
            )
        )
    return points
