"""`make chaos`: breaks the running system by a seed, and checks that nothing is lost and nothing twice.

python -m chaos [--files 1000] [--faults 20] [--seed 7]
    python -m chaos --outage 150        # the database, Kafka and the object store away for so many seconds
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

import click

from chaos.faults import outages, plan
from chaos.report import show, write
from chaos.run import run
from gogobe.commands.terminal import PlainConsole
from gogobe.local.processes import StackError

PROJECT: Final = Path(__file__).parents[1]


@click.command()
@click.option(
    "--files", default=1000, show_default=True, type=click.IntRange(30), help="So many announcements."
)
@click.option("--faults", default=20, show_default=True, type=click.IntRange(1), help="So many faults.")
@click.option(
    "--outage",
    type=click.FloatRange(5),
    metavar="SECONDS",
    help="In place of faults: each server is away for so long, one after the other.",
)
@click.option("--seed", default=7, show_default=True, help="Of files and faults.")
@click.option(
    "--folder", default=PROJECT / "var" / "chaos", type=click.Path(path_type=Path), help="Of the run."
)
def main(files: int, faults: int, outage: float | None, seed: int, folder: Path) -> None:
    """Prints a table of the faults and one last line; exit code 1 where a row is lost, twice or unaccounted."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def say(text: str) -> None:
        click.echo(text)

    try:
        chosen = outages(outage) if outage else plan(faults, seed)
        result = run(folder, PROJECT / "var" / "java", files=files, faults=chosen, seed=seed, say=say)
    except StackError as error:
        raise click.ClickException(str(error)) from error
    write(result, folder / "chaos.json")
    show(PlainConsole(), say, result)
    sys.exit(0 if result.findings.is_clean else 1)


if __name__ == "__main__":
    main()
