"""`make mutants`: takes out one mechanism after the other; every one must be missed by a test.

python -m mutants [--only WORD] [--list] [--at-once 2]
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from mutants.mutant import CatalogueError, Mutant, load_mutants
from mutants.run import Copies, judge_all

PROJECT = Path(__file__).parents[1]


@click.command()
@click.option("--only", default="", help="Only mutants with this word in their name or file.")
@click.option("--list", "is_list", is_flag=True, help="Show the mechanisms and what rests on them.")
@click.option("--at-once", default=2, show_default=True, help="So many at the same time.")
def main(only: str, is_list: bool, at_once: int) -> None:
    """One line for each mutant; exit code 1 where one is alive."""
    try:
        mutants = [one for one in load_mutants() if only in one.name or only in one.file]
    except CatalogueError as error:
        raise click.ClickException(str(error)) from error
    if is_list:
        for one in mutants:
            click.echo(f"{one.name}: {one.promise}")
        return
    with tempfile.TemporaryDirectory(prefix="gogobe-mutants-") as folder:
        copies = Copies(PROJECT, Path(folder), at_once)
        _check_tests(copies, mutants)
        alive = 0
        for verdict in judge_all(copies, mutants, at_once):
            click.echo(verdict.line)
            alive += verdict.killed_by is None
    click.echo(f"{len(mutants)} mutants: {len(mutants) - alive} killed, {alive} alive")
    raise SystemExit(1 if alive else 0)


def _check_tests(copies: Copies, mutants: Sequence[Mutant]) -> None:
    """A test that fails anyway would kill any mutant."""
    tests = sorted({test for one in mutants for test in one.tests})
    if tests and not (run := copies.run(tests)).passed:
        raise click.ClickException(f"a test fails on the code as it is: {run.failed or run.output}")


if __name__ == "__main__":
    main()
