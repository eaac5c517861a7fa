"""The report of a soak: a table of the series, a plot, and all of it as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from matplotlib.figure import Figure
from rich.table import Table

from gogobe.commands.terminal import PlainConsole
from soak.run import Result
from soak.samples import TOLERANCES, kind_of

DOTS: Final = 110


def show(console: PlainConsole, say: Callable[[str], None], result: Result) -> None:
    """Prints each series with its slope, and one last line."""
    table = Table(
        "series", "median", "slope an hour", "95% interval", "", title="After the warm-up", title_justify="left"
    )
    for one in result.series:
        if one.trend is not None:
            unit = TOLERANCES[kind_of(one.name)].unit
            table.add_row(
                one.name,
                f"{one.trend.median:,.2f} {unit}",
                f"{one.trend.slope:+,.2f}",
                f"{one.trend.low:+,.2f} to {one.trend.high:+,.2f}",
                "grows" if one.grows else "",
            )
    console.print(table)
    say(last_line(result))


def last_line(result: Result) -> str:
    """The outcome in one line."""
    growing = ", ".join(one.name for one in result.growing)
    tested = sum(one.trend is not None for one in result.series)
    return (
        f"{result.minutes:g} minutes, {result.files} files, {tested} series tested, {len(result.growing)} grow"
        + (f": {growing}" if growing else "")
    )


def write(result: Result, file: Path) -> None:
    """Writes the result as JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(result)))


def plot(result: Result, file: Path) -> None:
    """Draws the series, a panel for each kind, as PNG."""
    kinds = [kind for kind in TOLERANCES if any(kind_of(one.name) == kind for one in result.series)]
    figure = Figure(figsize=(11, 2.6 * len(kinds)), layout="constrained")
    panels = figure.subplots(len(kinds), 1, sharex=True, squeeze=False)[:, 0]
    for kind, panel in zip(kinds, panels, strict=True):
        for one in result.series:
            if kind_of(one.name) == kind:
                minutes = [at / 60 for at in one.times]
                panel.plot(minutes, one.values, label=one.name.partition(": ")[2] or kind, linewidth=1)
        panel.axvline(result.warm_up_seconds / 60, color="gray", linewidth=0.8, linestyle="--")
        panel.set_ylabel(f"{kind} ({TOLERANCES[kind].unit})")
        panel.set_ylim(bottom=0)
        panel.legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    panels[-1].set_xlabel("minutes")
    figure.savefig(file, dpi=DOTS)
