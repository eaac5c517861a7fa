"""`gogobe masters review`: asks a person to decide uncertain pairs, in the terminal or by a CSV file."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import psycopg

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import counted, styled
from gogobe.database.address import Dsn
from gogobe.database.connection import connect
from gogobe.database.review.pairs import ReviewAnswer, ReviewPair, UnknownPairError, decide, undecided_pairs
from gogobe.database.review.pairs_csv import AnswerFileError, read_answers, write_pairs
from gogobe.database.review.summaries import MasterSummary, summaries_of, summary_line
from gogobe.database.views import refresh_views

FILE: Final = click.Path(path_type=Path)
COLUMNS: Final = (
    Column("chain"),
    Column("code"),
    Column("item", words=True),
    Column("resembles", words=True),
    Column("master"),
    Column("score", right=True, rank=1),
    Column("offers", right=True, rank=3),
    Column("why", words=True, rank=2),
)
QUESTION: Final = "The same product? Yes, no, skip, quit"


@click.command()
@click.option("--limit", type=click.IntRange(min=1), help="Maximum number of pairs; default: all.")
@click.option("--accepted", is_flag=True, help="Review the pairs that were matched automatically.")
@click.option("--list", "only_list", is_flag=True, help="Show the pairs only.")
@click.option(
    "--export",
    "export_to",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the pairs to a CSV file.",
)
@click.option("--import", "import_from", type=FILE, metavar="FILE", help="Read the decisions from a CSV file.")
@click.option("--by", default=getpass.getuser, help="Who decides; default: the user's name.")
@click.option("--json", "as_json", is_flag=True, help="The undecided pairs, one JSON object a line.")
@VAR
@settings_options("database", "database_password")
def review(
    *,
    limit: int | None,
    accepted: bool,
    only_list: bool,
    export_to: Path | None,
    import_from: Path | None,
    as_json: bool,
    by: str,
    var: Path,
    **flags: Any,
) -> None:
    """Decide which items are the same product as the master they resemble, with reasons; first the pairs that
    make most prices comparable.

    Each question comes once, for all chains' items of a master. "Yes" merges the two masters in all stores;
    "no" keeps them separate. Both are effective at once and become part of the next snapshot (`gogobe masters
    build --publish`).

    \b
    gogobe masters review                     one by one: y, n, s: skip, q: end
    gogobe masters review --export pairs.csv  fill in yes or no as `same` …
    gogobe masters review --import pairs.csv  … and read it back
    """
    settings = settings_with_stack(flags, var)
    shows = import_from is None and (only_list or as_json or export_to is not None)
    needed(settings, "reader" if shows else "loader")
    database = settings.reader_address if shows else settings.loader_address
    try:
        if import_from is not None:
            answers = read_answers(import_from)
            decide(database, answers, by)
            _finish(database, answers)
            return
        pairs = undecided_pairs(database, limit, "vector" if accepted else "review")
        if export_to is not None:
            click.echo(f"{counted(write_pairs(export_to, pairs), 'pair')} written to {export_to}")
        elif as_json:
            for pair in pairs:
                click.echo(msgspec.json.encode(pair))
        elif not pairs:
            click.echo("no pairs to decide")
        elif only_list:
            for pair, sides in zip(pairs, _sides(database, pairs), strict=True):
                _show(pair, sides)
        else:
            _finish(database, _ask(database, pairs, by))
    except (AnswerFileError, UnknownPairError) as error:
        raise click.ClickException(f"{error}; nothing was decided") from error
    except psycopg.Error as error:
        raise click.ClickException(f"the database: {error}") from error
    except OSError as error:
        raise click.ClickException(str(error)) from error


def _ask(database: Dsn, pairs: Sequence[ReviewPair], by: str) -> list[ReviewAnswer]:
    """Asks for a decision on each pair and writes it at once, so that an interruption loses nothing."""
    answers = []
    for number, (pair, sides) in enumerate(zip(pairs, _sides(database, pairs), strict=True), start=1):
        _show(pair, sides, f"{number} of {len(pairs)}")
        answer = click.prompt(QUESTION, type=click.Choice("ynsq"), default="s")
        if answer == "q":
            break
        if answer != "s":
            answers.append(ReviewAnswer(pair.chain_id, pair.item_code, pair.candidate_id, answer == "y"))
            decide(database, answers[-1:], by)
    return answers


def _sides(
    database: Dsn, pairs: Sequence[ReviewPair]
) -> list[tuple[MasterSummary | None, MasterSummary | None]]:
    """The two masters of each pair."""
    ids = [master_id for pair in pairs for master_id in (pair.own_master_id, pair.candidate_id)]
    with connect(database) as connection:
        found = summaries_of(connection, ids)
    return [(found.get(pair.own_master_id), found.get(pair.candidate_id)) for pair in pairs]


def _show(
    pair: ReviewPair, sides: tuple[MasterSummary | None, MasterSummary | None], title: str | None = None
) -> None:
    """Prints a pair with its evidence, and below it what is known of both masters."""
    console = wide_console()
    if title is not None:
        console.print(styled(title, "italic"), soft_wrap=True)
    print_table(console, COLUMNS, [_pair_row(pair)], stacked_from=1)
    for heading, side in zip(("item", "resembles"), sides, strict=True):
        console.print(styled(f"  {heading:10}", "dim"), summary_line(side), soft_wrap=True)


def _finish(database: Dsn, answers: Sequence[ReviewAnswer]) -> None:
    if not answers:
        click.echo("no answers were given: nothing is written")
        return
    refresh_views(database)
    yes = sum(answer.is_same for answer in answers)
    click.echo(f"{yes} yes, {len(answers) - yes} no: written; the next snapshot includes them")


def _pair_row(pair: ReviewPair) -> list[str]:
    return [
        pair.chain,
        pair.item_code,
        pair.item_name,
        pair.candidate_name,
        str(pair.candidate_id),
        f"{pair.score:.2f}",
        f"{pair.offers:,}",
        "; ".join(pair.reasons),
    ]
