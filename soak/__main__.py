"""`make soak`: the system at a steady rate, and a test of whether anything grows.

python -m soak [--minutes 30] [--rate 1.0]
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Final

import click

from gogobe.commands.terminal import PlainConsole
from gogobe.local.processes import StackError
from soak.report import plot, show, write
from soak.run import run

PROJECT: Final = Path(__file__).parents[1]


@click.command()
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(1), help="How long it runs.")
@click.option("--rate", default=1.0, show_default=True, type=click.FloatRange(0.1), help="Files a second.")
@click.option("--seed", default=7, show_default=True, help="Of the files.")
@click.option("--folder", default=PROJECT / "var" / "soak", type=click.Path(path_type=Path), help="Of the run.")
def main(minutes: float, rate: float, seed: int, folder: Path) -> None:
    """Prints the slope of each series, and writes soak.json and soak.png; exit code 1 where one grows."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)

    def say(text: str) -> None:
        click.echo(text)

    try:
        result = run(folder, PROJECT / "var" / "java", minutes=minutes, rate=rate, seed=seed, say=say)
    except StackError as error:
        raise click.ClickException(str(error)) from error
    write(result, folder / "soak.json")
    plot(result, folder / "soak.png")
    show(PlainConsole(), say, result)
    sys.exit(1 if result.growing else 0)


if __name__ == "__main__":
    main()
