"""Fuzzing of the reader with thousands of broken feeds: `python -m benchmarks.fuzz --cases 10000 --seed 1`.

Every case is read three times: by the fast path, by the XML parser alone, and from a source that gives its
bytes in dribs. It must end, without an exception, within 5 s of CPU time each, with rows or a reason, and all
three must agree to the last field.
"""

from __future__ import annotations

import io
import json
import random
import resource
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.mutations import Case, Seed, case, seeds
from gogobe.feeds.batches import RowFiller
from gogobe.feeds.clock import Clock
from gogobe.feeds.reader import FeedReader

# Of CPU time, so that other work on the machine does not count.
LONGEST_SECONDS: Final = 5.0
MOST_MEMORY: Final = 256 << 20
# Earlier than some times in the feeds, and later than others.
_DOWNLOADED_AT: Final = datetime(2025, 6, 1, tzinfo=UTC)
_encode: Final = msgspec.json.Encoder().encode


class DribblingSource(io.BytesIO):
    """A source of short reads, as networks give."""

    def __init__(self, data: bytes, seed: int) -> None:
        super().__init__(data)
        self._chance = random.Random(seed)

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0 or size <= 64:
            return super().read(size)
        return super().read(self._chance.randint(1, size))


class Outcome(msgspec.Struct, frozen=True):
    """The result of reading a case: the reader's complete output, encoded, and its figures."""

    content: bytes
    rows: int
    refused: int
    problems: tuple[str, ...]
    empty: bool


def read(source: io.BytesIO, name: str, *, fast: bool) -> Outcome:
    """Reads a feed to its end."""
    reader = FeedReader(source, name, clock=Clock(_DOWNLOADED_AT), fast=fast)
    blocks = list(reader)
    filler = RowFiller()
    for block in blocks:
        filler.fill(block.rows)
    summary = reader.summary
    return Outcome(
        content=_encode((blocks, reader.header, summary)),
        rows=sum(len(block.rows) for block in blocks),
        refused=summary.refused,
        problems=tuple(problem.code for problem in summary.problems),
        empty=summary.kind is not None and summary.read == 0 and not summary.announced,
    )


def faults_of(broken: Case) -> tuple[Outcome | None, list[str]]:
    """Reads a case in all three ways; returns the outcome of the fast path and the faults found."""
    outcomes: dict[str, Outcome] = {}
    faults = []
    for way, source, fast in (
        ("fast", io.BytesIO(broken.data), True),
        ("parser alone", io.BytesIO(broken.data), False),
        ("dribbling", DribblingSource(broken.data, len(broken.data)), True),
    ):
        started = time.process_time()
        try:
            outcomes[way] = read(source, broken.name, fast=fast)
        except Exception as error:  # noqa: BLE001 - any exception at all is the finding
            faults.append(f"{way}: {type(error).__name__}: {error}")
        seconds = time.process_time() - started
        if seconds > LONGEST_SECONDS:
            faults.append(f"{way}: took {seconds:.1f} s of CPU time")
    fast_outcome = outcomes.get("fast")
    for way, outcome in outcomes.items():
        if fast_outcome is not None and outcome != fast_outcome:
            faults.append(f"{way}: differs from the fast path ({_figures(outcome)} / {_figures(fast_outcome)})")
    if fast_outcome and not (fast_outcome.rows or fast_outcome.problems or fast_outcome.empty):
        faults.append("neither rows nor a reason")
    return fast_outcome, faults


def _figures(outcome: Outcome) -> str:
    return f"{outcome.rows} rows, {outcome.refused} refused, {', '.join(outcome.problems) or 'no problem'}"


@dataclass
class Report:
    """The findings of a run."""

    cases: int = 0
    rows: int = 0
    with_rows: int = 0
    whole: int = 0
    problems: Counter[str] = field(default_factory=Counter)
    by_mutation: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    failed: list[dict[str, Any]] = field(default_factory=list)

    def add(self, number: int, broken: Case, outcome: Outcome | None, faults: list[str]) -> None:
        self.cases += 1
        if faults:
            self.failed.append({"case": number, "mutations": broken.mutations, "faults": faults})
        if outcome is None:
            return
        self.rows += outcome.rows
        self.with_rows += outcome.rows > 0
        self.whole += not outcome.problems
        self.problems.update(outcome.problems)
        for mutation in broken.mutations:
            kind = outcome.problems[-1] if outcome.problems else "read whole"
            self.by_mutation[mutation][kind] += 1


def run(cases: range, seed: int) -> Iterator[tuple[int, Case, Outcome | None, list[str]]]:
    """The cases in order, each with its outcome and faults."""
    all_seeds: list[Seed] = seeds()
    for number in cases:
        broken = case(all_seeds, seed, number)
        yield number, broken, *faults_of(broken)


def print_report(report: Report, console: Console) -> None:
    table = Table(title=f"{report.cases} broken feeds")
    for column in ("what was done", "cases", "how they ended"):
        table.add_column(column, justify="right" if column == "cases" else "left")
    for mutation, endings in sorted(report.by_mutation.items()):
        words = ", ".join(f"{code} {count}" for code, count in endings.most_common(6))
        table.add_row(mutation, str(endings.total()), words)
    console.print(table)
    console.print(f"{report.with_rows} gave rows ({report.rows} in all), {report.whole} were read whole")
    for failure in report.failed[:20]:
        console.print(f"[red]case {failure['case']}[/red] {failure['mutations']}: {failure['faults']}")


@click.command()
@click.option("--cases", default=10_000, show_default=True)
@click.option("--seed", default=1, show_default=True)
@click.option("--only", type=int, help="One case, by its number, and where to write its file: --save.")
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/fuzz.json"))
def main(cases: int, seed: int, only: int | None, save: Path | None, output: Path) -> None:
    """Mutated real feeds: no crash, no hang, bounded memory, rows or a reason, the same on every path."""
    console = Console(width=150)
    if only is not None and save is not None:
        save.write_bytes(case(seeds(), seed, only).data)
    report = Report()
    started = time.perf_counter()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for number, broken, outcome, faults in run(range(cases) if only is None else range(only, only + 1), seed):
        report.add(number, broken, outcome, faults)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - memory
    seconds = time.perf_counter() - started
    print_report(report, console)
    console.print(f"{seconds:.0f} s, memory grew by {grown / 2**20:.0f} MiB, {len(report.failed)} failed")
    output.parent.mkdir(parents=True, exist_ok=True)
    figures = {
        "cases": report.cases,
        "seed": seed,
        "failed": report.failed,
        "with_rows": report.with_rows,
        "read_whole": report.whole,
        "problems": dict(report.problems.most_common()),
        "seconds": round(seconds, 1),
        "memory_grown_bytes": grown,
    }
    output.write_text(json.dumps(figures, indent=2) + "\n")
    sys.exit(1 if report.failed or grown > MOST_MEMORY else 0)


if __name__ == "__main__":
    main()
