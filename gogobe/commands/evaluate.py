"""`gogobe masters evaluate`: how well matching by name works, on catalogues of chains."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich import box
from rich.table import Table

from gogobe.commands.evaluate_pairs import show_pairs
from gogobe.commands.terminal import PlainConsole
from gogobe.masters.build.catalogue import CatalogueError
from gogobe.masters.evaluation.evaluate import Evaluation, Figures, evaluate

_LEGEND = """\
Recalls are parts of the queries that have a master to find (negatives have none); precision is the part of
the accepted that is right, "recall at 0.97" the most that goes with that precision."""
_WIDTH = 160  # what the table needs; a narrower terminal wraps its lines


@click.command("evaluate")
@click.argument("catalogues", nargs=-1, required=True, metavar="CSV…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--limit", type=click.IntRange(min=1), help="Queries of each chain at most, evenly chosen.")
@click.option(
    "--pairs",
    "pairs_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CSV",
    help="Pairs of goods without a barcode that a person has read: what becomes of them?",
)
@click.option(
    "--errors", type=click.IntRange(min=0), default=20, show_default=True, help="Pairs shown that went wrong."
)
@click.option("--hold-out", metavar="CHAIN", help="The chain id of the queries; each its turn unless given.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Draw the curves, as PNG.")
@click.option(
    "--learn",
    is_flag=True,
    help="Learn the weights anew for each chain, from the other chains of the files alone (three at least).",
)
def evaluate_command(
    *,
    catalogues: tuple[Path, ...],
    as_json: bool,
    limit: int | None,
    pairs_file: Path | None,
    errors: int,
    hold_out: str | None,
    plot: Path | None,
    learn: bool,
) -> None:
    """Measure matching by name, with barcodes as the truth.

    A chain's items are the queries, their barcodes hidden; all other chains' items are the masters. An item
    whose barcode no other chain sells has no master to find: giving it one counts as an error. In the JSON the
    figures over all queries stand at the top and each chain's in the list "chains"; "queries" counts the
    "negatives" too, and recalls are parts of those that are none.

    With --pairs nothing is hidden. A CSV file names pairs of items, in the columns chain_a, code_a, name_a,
    chain_b, code_b, name_b, same (1 or 0) and kind, and each is joined, put up for review or missed: in a
    snapshot of all chains, and where the chain's items arrive at a snapshot of the others.

    \b
    gogobe masters evaluate items.csv.gz --learn
    gogobe masters evaluate items.csv.gz --pairs pairs.csv --learn
    """
    if pairs_file is not None:
        if limit or plot:
            raise click.ClickException("--limit and --plot go with barcodes, not with --pairs")
        show_pairs(catalogues, pairs_file, hold_out, learn=learn, as_json=as_json, errors=errors)
        return
    try:
        evaluation = evaluate(catalogues, hold_out, limit, learn_anew=learn)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    if plot:
        _plot(evaluation, plot)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(evaluation), indent=1).decode())
    else:
        _show(evaluation)
        if not learn:
            click.echo("The built-in weights may have seen these chains; with --learn they have not.")


def _plot(evaluation: Evaluation, path: Path) -> None:
    try:
        from gogobe.masters.evaluation.plot import plot_curves
    except ModuleNotFoundError as error:
        raise click.ClickException("plotting needs matplotlib: pip install 'gogobe[plot]'") from error
    try:
        plot_curves(evaluation, path)
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written: {error}") from error


def _show(evaluation: Evaluation) -> None:
    table = Table(title="Matching by name, barcodes hidden", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("chain\nheld out", no_wrap=True)
    for column in (
        "masters",
        "queries",
        "negatives",
        "found\n@1",
        "@10",
        "@50",
        "exact\n@50",
        "second\nlook @1",
        "accepted\nfrom",
        "accepted",
        "precision",
        "recall",
        "recall\nat 0.97",
        "queries\na second",
    ):
        table.add_column(column, justify="right", no_wrap=True)
    for figures in evaluation.chains:
        table.add_row(*_cells(figures))
    if len(evaluation.chains) > 1:
        table.add_section()
        table.add_row(*_cells(evaluation))
    console = PlainConsole(width=max(PlainConsole().width, _WIDTH))
    console.print(table)
    console.print(_LEGEND)
    if evaluation.accepted_unknown:
        console.print(
            f"{evaluation.accepted_unknown:,} more were matched to goods without a barcode: no barcode can "
            "prove that right or wrong, and they are not counted."
        )


def _cells(one: Figures) -> list[str]:
    return [
        one.chain,
        f"{one.masters:,}",
        f"{one.queries:,}",
        f"{one.negatives:,}",
        f"{one.candidate_recall_at_1:.3f}",
        f"{one.candidate_recall_at_10:.3f}",
        f"{one.candidate_recall_at_50:.3f}",
        f"{one.exact_recall_at_50:.3f}",
        f"{one.rerank_recall_at_1:.3f}",
        f"{one.accept_from:.3f}",
        f"{one.accepted:,}",
        f"{one.accept_precision:.3f}",
        f"{one.accept_recall:.3f}",
        f"{one.recall_at_aim:.3f}",
        f"{one.queries_per_second:,.0f}",
    ]
