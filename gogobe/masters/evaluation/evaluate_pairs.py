"""Evaluation on pairs of items that a person has labelled: joined, in review, or missed.

Each chain of the catalogue is held out in turn. Its pairs are looked up twice: in a snapshot built from all
chains, as items known to the build, and against a snapshot built without the chain, whose items then arrive
in batches of 500 as in a pipeline. With weights learned anew, the pair model is learned from the other chains
alone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from gogobe.feeds.services import is_service
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueError, CatalogueRow, read_catalogue
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.evaluation.candidate_recall import CandidateRecall, candidate_recall
from gogobe.masters.evaluation.labelled_pairs import ALL_KINDS, Code, LabelledPair, read_pairs
from gogobe.masters.evaluation.simulate_review import ReviewPoint, simulate_review
from gogobe.masters.evaluation.train_pairs import learn_pairs_of
from gogobe.masters.matching.model import Model, learned_model
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.records.rows import BATCH_SIZE, Item

Outcome = Literal["joined", "review", "missed", "wrong", "apart"]


class PairFigures(msgspec.Struct, frozen=True):
    """Counts of pairs of one kind. Of the `same` pairs, `joined` have one master and `in_review` go to review
    with the right candidate; of the `different` pairs, `wrong` have one master."""

    kind: str
    same: int
    joined: int
    in_review: int
    different: int
    wrong: int


class PairError(msgspec.Struct, frozen=True):
    """A pair with a wrong outcome: review, missed or wrong, and the evidence."""

    outcome: Outcome
    kind: str
    a: Code
    b: Code
    name_a: str
    name_b: str
    evidence: list[str]


class Scope(msgspec.Struct, frozen=True):
    """The figures by kind, all kinds last, and every pair with a wrong outcome."""

    figures: list[PairFigures]
    errors: list[PairError]


class ChainPairs(msgspec.Struct, frozen=True):
    """One chain's pairs: as items known to the snapshot (`built`), and as arriving items (`arriving`)."""

    chain: str
    built: Scope
    arriving: Scope


class PairEvaluation(msgspec.Struct, frozen=True):
    """The held-out chains; all pairs in a snapshot of all chains (`built`), with the gain of answers to its
    questions (`review`); and `unknown`, the number of pairs that are skipped because the catalogue lacks an
    item."""

    built: Scope
    review: list[ReviewPoint]
    candidates: list[CandidateRecall]
    chains: list[ChainPairs]
    unknown: int


class Resolved(msgspec.Struct, frozen=True):
    """The result for an item: its master, and the decisions about it."""

    master_id: int
    decisions: list[Decision]


Found = dict[Code, Resolved]


def evaluate_pairs(
    catalogues: Sequence[Path], pairs_file: Path, hold_out: str | None = None, *, learn_anew: bool = False
) -> PairEvaluation:
    """Look up the pairs of a file in catalogues of items.

    With `learn_anew` the weights of the pair model are learned for each chain from the others. Raises
    CatalogueError if a file cannot be read, if no pair is in the catalogues or has the chain `hold_out`, or
    if there are too few rows to learn from.
    """
    rows = [row for path in catalogues for row in read_catalogue(path)]
    codes = {(row.chain_id, row.item_code) for row in rows}
    pairs = read_pairs(pairs_file)
    known = [pair for pair in pairs if pair.a in codes and pair.b in codes]
    chains = sorted({chain for pair in known for chain in (pair.a[0], pair.b[0])})
    if not known or (hold_out is not None and hold_out not in chains):
        wanted = f"and chain {hold_out} " if hold_out else ""
        raise CatalogueError(
            f"{pairs_file}: no pair of it has both items {wanted}in {', '.join(map(str, catalogues))}"
        )
    together, sizes = _all_known(rows, known, learned_model())
    each = []
    for chain in [hold_out] if hold_out else chains:
        model = _learned_without(rows, chain) if learn_anew else learned_model()
        own = [pair for pair in known if pair.has(chain)]
        built = _all_known(rows, own, model)[0] if learn_anew else together
        each.append(ChainPairs(chain, _scope(own, built), _scope(own, _arriving(rows, own, chain, model))))
    masters = {code: one.master_id for code, one in together.items()}
    decisions = (decision for one in together.values() for decision in one.decisions)
    review = simulate_review(known, masters, decisions, sizes)
    candidates = candidate_recall(rows, known)
    return PairEvaluation(_scope(known, together), review, candidates, each, len(pairs) - len(known))


def _learned_without(rows: Sequence[CatalogueRow], chain: str) -> Model:
    try:
        pairs = learn_pairs_of(row for row in rows if row.chain_id != chain)
    except ValueError as error:
        raise CatalogueError(f"nothing to learn from without {chain}: {error}") from error
    return replace(learned_model(), pairs=pairs)


def _all_known(
    rows: Sequence[CatalogueRow], pairs: Iterable[LabelledPair], model: Model
) -> tuple[Found, dict[int, int]]:
    """The masters of the pairs' items in a snapshot of all chains, and the number of items of each master."""
    with tempfile.TemporaryDirectory(prefix="gogobe-evaluate-") as folder:
        snapshot = _built(rows, Path(folder), model)
        tables = snapshot.tables
        sizes = dict(zip(tables.masters.tolist(), np.diff(tables.starts).tolist(), strict=True))
        return _known(Resolver(snapshot, model), rows, pairs), sizes


def _arriving(rows: Sequence[CatalogueRow], pairs: Iterable[LabelledPair], chain: str, model: Model) -> Found:
    """The masters of the pairs' items in a snapshot of the other chains; the chain's own items arrive in
    batches."""
    with tempfile.TemporaryDirectory(prefix="gogobe-evaluate-") as folder:
        others = [row for row in rows if row.chain_id != chain]
        resolver = Resolver(_built(others, Path(folder), model), model)
        arriving = _resolve(resolver, chain, [row for row in rows if row.chain_id == chain])
        return _known(resolver, others, pairs) | arriving


def _built(rows: Iterable[CatalogueRow], folder: Path, model: Model) -> Snapshot:
    build_snapshot(rows, folder, model=model)
    return open_snapshot(folder, check=False)


def _known(resolver: Resolver, rows: Iterable[CatalogueRow], pairs: Iterable[LabelledPair]) -> Found:
    """The masters, in a snapshot, of the items of the pairs that are among the rows."""
    wanted = {code for pair in pairs for code in (pair.a, pair.b)}
    by_chain: dict[str, list[CatalogueRow]] = {}
    for row in rows:
        if (row.chain_id, row.item_code) in wanted:
            by_chain.setdefault(row.chain_id, []).append(row)
    found: Found = {}
    for chain, own in by_chain.items():
        found |= _resolve(resolver, chain, own)
    return found


def _resolve(resolver: Resolver, chain: str, rows: Sequence[CatalogueRow]) -> Found:
    """Resolve one chain's items in batches, as a pipeline does."""
    found: Found = {}
    for begin in range(0, len(rows), BATCH_SIZE):
        items = [_item(row, place) for place, row in enumerate(rows[begin : begin + BATCH_SIZE], begin + 1)]
        counts = resolver.resolve(chain, items)
        decided: dict[str, list[Decision]] = {}
        for decision in counts.decisions:
            decided.setdefault(decision.item_code, []).append(decision)
        for item in items:
            found[chain, item.item_code] = Resolved(item.master_id, decided.get(item.item_code, []))
    return found


def _item(row: CatalogueRow, place: int) -> Item:
    described = row.described
    price = Decimal(str(described.price))
    return Item(
        item_code=row.item_code,
        price=price,
        row=place,
        name=described.name,
        manufacturer=described.manufacturer,
        quantity=Decimal(str(described.quantity)),
        unit_qty=described.unit,
        is_weighted=described.is_weighted,
        is_service=is_service(described.name, price, row.item_code),
    )


def _scope(pairs: Sequence[LabelledPair], found: Found) -> Scope:
    outcomes = [(pair, _outcome(pair, found)) for pair in pairs]
    kinds = sorted({pair.kind for pair in pairs})
    errors = [_error(pair, outcome, found) for pair, outcome in outcomes if outcome not in ("joined", "apart")]
    return Scope(
        [_count(kind, [outcome for pair, outcome in outcomes if pair.kind == kind]) for kind in kinds]
        + [_count(ALL_KINDS, [outcome for _, outcome in outcomes])],
        sorted(errors, key=lambda error: (error.outcome, error.kind, error.name_a)),
    )


def _outcome(pair: LabelledPair, found: Found) -> Outcome:
    a, b = found[pair.a], found[pair.b]
    if a.master_id == b.master_id:
        return "joined" if pair.same else "wrong"
    if not pair.same:
        return "apart"
    asked = _asks(a, b.master_id) or _asks(b, a.master_id)
    return "review" if asked else "missed"


def _asks(one: Resolved, master_id: int) -> bool:
    return any(decision.match == "review" and decision.candidate_id == master_id for decision in one.decisions)


def _count(kind: str, outcomes: Sequence[Outcome]) -> PairFigures:
    joined, in_review = outcomes.count("joined"), outcomes.count("review")
    wrong = outcomes.count("wrong")
    return PairFigures(
        kind=kind,
        same=joined + in_review + outcomes.count("missed"),
        joined=joined,
        in_review=in_review,
        different=wrong + outcomes.count("apart"),
        wrong=wrong,
    )


def _error(pair: LabelledPair, outcome: Outcome, found: Found) -> PairError:
    evidence = [
        f"{decision.item_name}: {decision.match} {decision.score:.2f} {decision.candidate_name} "
        f"({'; '.join(decision.reasons)})"
        for code in (pair.a, pair.b)
        for decision in found[code].decisions
    ]
    return PairError(outcome, pair.kind, pair.a, pair.b, pair.name_a, pair.name_b, evidence)
