"""`gogobe masters evaluate --pairs`: measures matching on judged pairs of goods without a barcode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from gogobe.commands.options import wide_console
from gogobe.commands.progress import working
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole, counted
from gogobe.masters.build.catalogue import CatalogueError
from gogobe.masters.evaluation.candidate_recall import CandidateRecall
from gogobe.masters.evaluation.evaluate_pairs import (
    PairError,
    PairEvaluation,
    PairFigures,
    Scope,
    evaluate_pairs,
)

_LEGEND: Final = (
    "Shares of the pairs of one product that are joined, and that are joined or in review with the right "
    'candidate; of the other pairs, the share wrongly joined. "built": in a snapshot of all chains; '
    '"arriving": the chain\'s items are matched to a snapshot of the others.'
)
FIGURES: Final = (
    Column("chain held out"),
    Column("where"),
    Column("kind"),
    Column("same", right=True),
    Column("joined", right=True),
    Column("or in\nreview", right=True),
    Column("different", right=True),
    Column("wrong", right=True),
)
CANDIDATES: Final = (
    Column("kind"),
    Column("pairs", right=True),
    Column("vector\n@10", right=True),
    Column("@50", right=True),
    Column("all rules\n@10", right=True),
    Column("@50", right=True),
    Column("compared", right=True),
)
ERRORS: Final = (
    Column("outcome"),
    Column("kind"),
    Column("one", words=True),
    Column("the other", words=True),
    Column("why", words=True),
)
_ORDER: Final = ("wrong", "missed", "review")


def show_pairs(
    catalogues: Sequence[Path], pairs: Path, hold_out: str | None, *, learn: bool, as_json: bool, errors: int
) -> None:
    """Evaluates pairs and prints the figures, as tables or as JSON. Raises click.ClickException."""
    try:
        with working("Matching the pairs …"):
            evaluation = evaluate_pairs(catalogues, pairs, hold_out, learn_anew=learn)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(evaluation), indent=1).decode())
        return
    show_evaluation(wide_console(), evaluation, errors)
    if not learn:
        click.echo("The built-in weights may be trained on these chains; --learn excludes the held-out chain.")


def show_evaluation(console: PlainConsole, evaluation: PairEvaluation, errors: int) -> None:
    """Prints the figures, the gain of a review, the candidates, and the first `errors` wrong pairs."""
    scopes = [("none", "built", evaluation.built)]
    for chain in evaluation.chains:
        scopes += [(chain.chain, "built", chain.built), (chain.chain, "arriving", chain.arriving)]
    rows: list[list[str]] = []
    ends = []
    for chain_id, where, scope in scopes:
        rows += ([chain_id, where, one.kind, *_cells(one)] for one in scope.figures)
        ends.append(len(rows) - 1)
    print_table(console, FIGURES, rows, title="Pairs read by hand", compact=True, sections=ends)
    console.print(_LEGEND)
    console.print(_review(evaluation))
    title = "Pairs whose other item is a candidate"
    print_table(console, CANDIDATES, [_hits(one) for one in evaluation.candidates], title=title, compact=True)
    if evaluation.unknown:
        console.print(f"{counted(evaluation.unknown, 'pair')} with an item that is not in the catalogue.")
    if errors and evaluation.built.errors:
        _show_errors(console, evaluation.built, errors)


def _hits(one: CandidateRecall) -> list[str]:
    hits = (one.vector_at_10, one.vector_at_50, one.at_10, one.at_50, one.compared)
    return [one.kind, f"{one.pairs:,}", *(_part(hit, one.pairs) for hit in hits)]


def _review(evaluation: PairEvaluation) -> str:
    """What a review of the snapshot of all chains would bring, as far as the pairs know its answers."""
    before, *points = evaluation.review
    if not points:
        return "No question that is put up for review is answered by these pairs."
    after = "; ".join(f"{one.joined:,} after {one.answers:,} ({one.yes:,} yes)" for one in points)
    return f"Review, answered as the pairs are: {before.joined:,} joined before; {after}."


def _cells(one: PairFigures) -> list[str]:
    return [
        f"{one.same:,}",
        _part(one.joined, one.same),
        _part(one.joined + one.in_review, one.same),
        f"{one.different:,}",
        _part(one.wrong, one.different),
    ]


def _part(count: int, whole: int) -> str:
    return f"{count:,}  {count / whole:6.1%}" if whole else "-"


def _show_errors(console: PlainConsole, scope: Scope, count: int) -> None:
    chosen: list[PairError] = sorted(scope.errors, key=lambda error: _ORDER.index(error.outcome))[:count]
    rows = [[one.outcome, one.kind, one.name_a, one.name_b, "\n".join(one.evidence)] for one in chosen]
    title = f"{len(chosen)} of {len(scope.errors)} pairs that are not as they should be, all chains known"
    print_table(console, ERRORS, rows, title=title, sections=range(len(rows)))
