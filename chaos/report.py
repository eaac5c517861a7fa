"""The report of a run: a table of faults, what was found, one last line, and all of it as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from rich.table import Table

from chaos.check import FINDINGS_SHOWN
from chaos.run import Result
from gogobe.commands.terminal import PlainConsole

NOT_AGAIN: Final = "not before the next fault"


def show(console: PlainConsole, say: Callable[[str], None], result: Result) -> None:
    """Prints the faults with the time until rows flowed again, and the findings."""
    table = Table("at", "fault", "lasted", "rows again after", title="Faults", title_justify="left")
    for fault in result.faults:
        again = NOT_AGAIN if fault.seconds is None else f"{fault.seconds:.1f} s"
        table.add_row(f"{fault.at:.0f} s", fault.name, f"{fault.lasted:.1f} s", fault.problem or again)
    console.print(table)
    for fault in result.faults:
        for line in fault.said:
            say(f"{fault.name}: {line}")
    seconds = [fault.seconds for fault in result.faults if fault.seconds is not None]
    if seconds:
        say(
            f"rows flowed again after {statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s (worst)"
        )
    for line in result.findings.lines[:FINDINGS_SHOWN]:
        say(line)
    if (more := len(result.findings.lines) - FINDINGS_SHOWN) > 0:
        say(f"and {more} more")
    say(f"{result.repeated_messages} messages of the ingest topic came more than once; {result.seconds:.0f} s")
    say(last_line(result))


def last_line(result: Result) -> str:
    """The outcome in one line."""
    found = result.findings
    return (
        f"{len(result.faults)} faults, {result.files} files, {result.rows} rows: {found.lost} lost, "
        f"{found.duplicated} duplicated, {found.unaccounted} unaccounted"
    )


def write(result: Result, file: Path) -> None:
    """Writes the result as JSON."""
    seconds = [fault.seconds for fault in result.faults if fault.seconds is not None]
    summary = {
        "median_seconds": statistics.median(seconds) if seconds else None,
        "worst_seconds": max(seconds, default=None),
    }
    file.write_bytes(msgspec.json.format(msgspec.json.encode(msgspec.to_builtins(result) | summary)))
