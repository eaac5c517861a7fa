"""`gogobe masters evaluate`: measures matching by name on catalogues of chains."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click
import msgspec

from gogobe.commands.evaluate_pairs import show_pairs
from gogobe.commands.options import wide_console
from gogobe.commands.progress import working
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole
from gogobe.masters.build.catalogue import CatalogueError
from gogobe.masters.evaluation.evaluate import Evaluation, Figures, evaluate

_LEGEND: Final = (
    "Recall: share of the queries with a true master (negatives have none). Precision: share of the accepted "
    'matches that are right. "recall at 0.97": the highest recall at that precision.'
)
COLUMNS: Final = (
    Column("chain\nheld out"),
    Column("masters", right=True),
    Column("queries", right=True),
    Column("negatives", right=True),
    Column("found\n@1", right=True),
    Column("@10", right=True),
    Column("@50", right=True),
    Column("exact\n@50", right=True),
    Column("re-ranked\n@1", right=True),
    Column("accepted\nfrom", right=True),
    Column("accepted", right=True),
    Column("precision", right=True),
    Column("recall", right=True),
    Column("recall\nat 0.97", right=True),
    Column("queries\na second", right=True),
)


@click.command("evaluate")
@click.argument("catalogues", nargs=-1, required=True, metavar="CSV…", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option("--limit", type=click.IntRange(min=1), help="Maximum of queries for each chain, evenly spaced.")
@click.option(
    "--pairs",
    "pairs_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="CSV",
    help="Measure with judged pairs of goods without a barcode instead of barcodes.",
)
@click.option(
    "--errors", type=click.IntRange(min=0), default=20, show_default=True, help="Number of wrong pairs shown."
)
@click.option("--hold-out", metavar="CHAIN", help="ChainId of the queries; by default each chain in turn.")
@click.option("--plot", type=click.Path(dir_okay=False, path_type=Path), help="Write the curves to a PNG file.")
@click.option(
    "--learn",
    is_flag=True,
    help="Train the weights for each held-out chain on the other chains only (three chains at least).",
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
    """Measure matching by name, with barcodes as ground truth.

    The items of one chain are the queries, with their barcodes hidden; the items of all other chains are the
    masters. An item whose barcode no other chain sells is a negative: a match for it is an error. The JSON has
    the figures of all queries at the top level and those of each chain in the list "chains". "queries" includes
    the "negatives"; recall is over the other queries.

    With --pairs no barcode is hidden. The CSV file has judged pairs of items, in the columns chain_a, code_a,
    name_a, chain_b, code_b, name_b, same (1 or 0) and kind. Each pair is joined, in review or missed: in a
    snapshot of all chains, and when one chain's items are matched to a snapshot of the others.

    \b
    gogobe masters evaluate items.csv.gz --learn
    gogobe masters evaluate items.csv.gz --pairs pairs.csv --learn
    """
    if pairs_file is not None:
        if limit or plot:
            raise click.ClickException("--limit and --plot cannot be used with --pairs")
        show_pairs(catalogues, pairs_file, hold_out, learn=learn, as_json=as_json, errors=errors)
        return
    try:
        with working("Matching each chain's items to the others' …"):
            evaluation = evaluate(catalogues, hold_out, limit, learn_anew=learn)
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    if plot:
        _plot(evaluation, plot)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(evaluation), indent=1).decode())
    else:
        show_evaluation(wide_console(), evaluation)
        if not learn:
            click.echo(
                "The built-in weights may be trained on these chains; --learn excludes the held-out chain."
            )


def _plot(evaluation: Evaluation, path: Path) -> None:
    try:
        from gogobe.masters.evaluation.plot import plot_curves
    except ModuleNotFoundError as error:
        raise click.ClickException("plotting needs matplotlib: pip install 'gogobe[plot]'") from error
    try:
        plot_curves(evaluation, path)
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be written: {error}") from error


def show_evaluation(console: PlainConsole, evaluation: Evaluation) -> None:
    """Prints the figures of each chain, and those of all."""
    rows = [_cells(figures) for figures in evaluation.chains]
    if len(rows) > 1:
        rows.append(_cells(evaluation))
    print_table(
        console,
        COLUMNS,
        rows,
        title="Matching by name, barcodes hidden",
        compact=True,
        sections=(len(evaluation.chains) - 1,),
    )
    console.print(_LEGEND)
    if evaluation.accepted_unknown:
        console.print(
            f"{evaluation.accepted_unknown:,} more were matched to goods without a barcode: they cannot be "
            "checked and are not counted."
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
