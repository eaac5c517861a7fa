"""python -m conformance [--var VAR]: runs every way, compares, prints a table; exit code 1 if they differ."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.table import Table

from conformance.inputs import files
from conformance.outcome import differences
from conformance.portal import running_portal
from conformance.ways import PRISM, WAYS, ConformanceError, Result, run_way
from gogobe.commands.terminal import PlainConsole
from gogobe.demo.masters import ensure_snapshot
from gogobe.local.processes import StackError
from gogobe.masters.published.store import SnapshotStore


def main() -> None:
    """Runs all ways in sequence, and reports."""
    parser = argparse.ArgumentParser(prog="python -m conformance", description=__doc__)
    parser.add_argument(
        "--var", type=Path, default=Path("var"), help="folder of the Java parts and of the runs"
    )
    var: Path = parser.parse_args().var
    console = PlainConsole(width=100)
    if PRISM is None:
        console.print("without Prism: there is no `prism` on PATH (docs/jobs.md says how to build it)")
    try:
        results = _run(var / "conformance", var / "java", console)
    except (StackError, ConformanceError) as error:
        sys.exit(f"conformance: {error}")
    _show(results, console)
    differing = [line for result in results[1:] for line in _compared(results[0], result)]
    for line in differing:
        console.print(line)
    if differing:
        sys.exit(f"conformance: {len(results)} runners differ")
    console.print(f"conformance: {len(results)} runners equal, {results[0].outcome.count} rows")


def _run(folder: Path, jars: Path, console: PlainConsole) -> list[Result]:
    folder.mkdir(parents=True, exist_ok=True)
    masters = folder / "masters"
    ensure_snapshot(SnapshotStore(str(masters.absolute())), folder / "snapshot")
    results = []
    with running_portal(files()) as portal:
        for number, way in enumerate(WAYS, 1):
            console.print(f"{way.name} …")
            results.append(run_way(way, folder / str(number), jars, masters, portal))
    return results


def _compared(first: Result, other: Result) -> list[str]:
    found = list(differences(first.outcome, other.outcome, keeps_order=other.way.keeps_order))
    return [f"{other.way.name} differs from {first.way.name}:", *found] if found else []


def _show(results: list[Result], console: PlainConsole) -> None:
    table = Table("runner", "rows and messages", "items", "seconds", "items/s")
    for result in results:
        speed = f"{result.items / result.seconds:,.0f}"
        table.add_row(
            result.way.name, f"{result.outcome.count:,}", f"{result.items:,}", f"{result.seconds:.1f}", speed
        )
    console.print(table)


if __name__ == "__main__":
    main()
