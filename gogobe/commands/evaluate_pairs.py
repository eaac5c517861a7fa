"""`gogobe masters evaluate --pairs`: measures matching on judged pairs of goods without a barcode."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
from rich import box
from rich.table import Table

from gogobe.commands.terminal import PlainConsole
from gogobe.masters.build.catalogue import CatalogueError
from gogobe.masters.evaluation.candidate_recall import CandidateRecall
from gogobe.masters.evaluation.evaluate_pairs import (
    PairError,
    PairEvaluation,
    PairFigures,
    Scope,
    evaluate_pairs,
)

_LEGEND: Final = """\
Shares of the pairs of one product that are joined, and that are joined or in review with the right candidate;
of the other pairs, the share wrongly joined. "built": in a snapshot of all chains; "arriving": the chain's
items are matched to a snapshot of the others."""
_WIDTH: Final = 150
_ORDER: Final = ("wrong", "missed", "review")


def show_pairs(
    catalogues: Sequence[Path], pairs: Path, hold_out: str | None, *, learn: bool, as_json: bool, errors: int
) -> None:
    """Evaluates pairs and prints the figures, as tables or as JSON. Raises click.ClickException."""
    try:
        evaluation = evaluate_pairs(catalogues, pairs, hold_out, learn_anew=learn)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(evaluation), indent=1).decode())
        return
    console = PlainConsole(width=max(PlainConsole().width, _WIDTH))
    console.print(_figures(evaluation))
    console.print(_LEGEND)
    console.print(_review(evaluation))
    console.print(_candidates(evaluation.candidates))
    if evaluation.unknown:
        console.print(f"{evaluation.unknown:,} pairs have an item that is not in the catalogue.")
    if errors and evaluation.built.errors:
        console.print(_errors(evaluation.built, errors))
    if not learn:
        click.echo("The built-in weights may be trained on these chains; --learn excludes the held-out chain.")


def _figures(evaluation: PairEvaluation) -> Table:
    table = Table(title="Pairs read by hand", title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("chain held out", "where", "kind"):
        table.add_column(column, no_wrap=True)
    for column in ("same", "joined", "or in review", "different", "wrong"):
        table.add_column(column, justify="right", no_wrap=True)
    _add(table, "none", "built", evaluation.built)
    for one in evaluation.chains:
        table.add_section()
        _add(table, one.chain, "built", one.built)
        _add(table, "", "arriving", one.arriving)
    return table


def _candidates(found: Sequence[CandidateRecall]) -> Table:
    table = Table(title="Pairs whose other item is a candidate", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("kind", no_wrap=True)
    for column in ("pairs", "vector @10", "@50", "all rules @10", "@50", "compared"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in found:
        hits = (one.vector_at_10, one.vector_at_50, one.at_10, one.at_50, one.compared)
        table.add_row(one.kind, f"{one.pairs:,}", *(_part(hit, one.pairs) for hit in hits))
    return table


def _review(evaluation: PairEvaluation) -> str:
    """What a review of the snapshot of all chains would bring, as far as the pairs know its answers."""
    before, *points = evaluation.review
    if not points:
        return "No question that is put up for review is answered by these pairs."
    after = "; ".join(f"{one.joined:,} after {one.answers:,} ({one.yes:,} yes)" for one in points)
    return f"Review, answered as the pairs are: {before.joined:,} joined before; {after}."


def _add(table: Table, chain: str, where: str, scope: Scope) -> None:
    for place, figures in enumerate(scope.figures):
        head = (chain, where) if not place else ("", "")
        total = figures is scope.figures[-1]
        table.add_row(*head, figures.kind, *_cells(figures), style="bold" if total else "")


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


def _errors(scope: Scope, count: int) -> Table:
    chosen: list[PairError] = sorted(scope.errors, key=lambda error: _ORDER.index(error.outcome))[:count]
    table = Table("", "kind", "one", "the other", "why", title_justify="left", show_lines=True)
    table.title = f"{len(chosen)} of {len(scope.errors)} pairs that are not as they should be, all chains known"
    for error in chosen:
        table.add_row(error.outcome, error.kind, error.name_a, error.name_b, "\n".join(error.evidence))
    return table
