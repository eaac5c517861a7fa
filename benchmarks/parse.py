"""`make bench-parse`: our reader compared with plain lxml loops and the common package, on a generated
PriceFull and on the bundled real ones; each in its own process, in turn, the median of several runs.

Aims: 100,000 items per second on one core with every field, 1.3 times the best plain lxml loop, 5 times the
package, under 64 MB above the interpreter, for files of any size.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec
from isal import igzip
from rich.console import Console
from rich.table import Table

from gogobe.demo.published import FEEDS
from gogobe.feeds.containers import Contents, FullReads
from gogobe.feeds.problems import Limits

ROOT: Final = Path(__file__).parent.parent
OURS: Final = "gogobe"
PLAIN: Final = ("lxml, findtext", "lxml, a dict a row")
OTHERS: Final = ("gogobe, parser alone", "gogobe, to batches", "gogobe, to messages")
PACKAGE: Final = "il-supermarket-parser"
NAME: Final = "PriceFull7290027600007-{}-202508070300.gz"
_MEGABYTE: Final = 1_000_000
_ROW: Final = re.compile(rb"<(item|product)>.*?</\1>\s*", re.IGNORECASE | re.DOTALL)
_TEXT: Final = re.compile(rb"<(\w+)>([^<]*)</\1>")
# A row's elements: the layout of 2026 and elements of other layouts, each with a text for rows that lack it.
_ELEMENTS: Final = {
    "PriceUpdateDate": b"2025-08-07 12:36", "ItemCode": b"", "LastSaleDateTime": b"2025-08-06 21:10",
    "ItemType": b"1", "ItemName": b"", "ManufacturerName": b"", "ManufactureCountry": b"IL",
    "ManufacturerItemDescription": b"", "UnitQty": b"", "Quantity": b"1.00", "UnitOfMeasure": b"",
    "bIsWeighted": b"0", "QtyInPackage": b"1", "ItemPrice": b"9.90", "UnitOfMeasurePrice": b"2.62",
    "AllowDiscount": b"1", "ItemStatus": b"1", "ItemId": b"4711", "ChainId": b"7290027600007",
    "StoreId": b"001",
}  # fmt: skip
_ALIASES: Final = {
    b"itemnm": b"itemname", b"manufacturename": b"manufacturername", b"unitmeasure": b"unitofmeasure",
    b"manufactureitemdescription": b"manufactureritemdescription",
}  # fmt: skip


class Figure(msgspec.Struct, frozen=True):
    """The figures of one parser on some files: items per second of wall time, the median of its runs with the
    slowest and the fastest; items per CPU second, which varies less on a shared machine; and the maximum
    memory above a bare interpreter's."""

    parser: str
    feeds: str
    items: int
    per_second: float
    slowest: float
    fastest: float
    per_cpu_second: float
    memory_mb: float


class _Run(msgspec.Struct):
    items: int
    seconds: float
    cpu_seconds: float
    memory: int


class ParserError(Exception):
    """A parser that could not be run; the message has the end of its error output."""


def real_rows() -> Iterator[bytes]:
    """The rows of the bundled PriceFull files, each extended to all known elements."""
    for path in sorted(FEEDS.glob("PriceFull*")):
        with path.open("rb") as file:
            source = FullReads(file)
            text = b"".join(Contents(source, Limits()))
        for row in _ROW.finditer(text):
            texts = {name.lower(): text for name, text in _TEXT.findall(row[0])}
            texts = {_ALIASES.get(name, name): text for name, text in texts.items()}
            elements = (
                f"      <{name}>".encode() + texts.get(name.lower().encode(), default) + f"</{name}>\n".encode()
                for name, default in _ELEMENTS.items()
            )
            yield b"    <Item>\n" + b"".join(elements) + b"    </Item>\n"


def write_feed(folder: Path, megabytes: int) -> Path:
    """Writes a PriceFull of this unpacked size: the real rows repeated, each with its own code."""
    path = folder / NAME.format(f"{megabytes:03}")
    parts = [row.split(b"<ItemCode>", 1) for row in real_rows()]
    around = [(before, after.split(b"</ItemCode>", 1)[1]) for before, after in parts]
    size = number = 0
    with igzip.open(path, "wb", compresslevel=2) as file:
        file.write(b"<?xml version='1.0' encoding='utf-8'?>\n<root>\n  <ChainId>7290027600007</ChainId>\n")
        file.write(b"  <SubChainId>001</SubChainId>\n  <StoreId>001</StoreId>\n  <Items>\n")
        while size < megabytes * _MEGABYTE:
            for before, after in around:
                row = b"%b<ItemCode>%d</ItemCode>%b" % (before, 7_290_000_000_000 + number, after)
                file.write(row)
                size += len(row)
                number += 1
                if size >= megabytes * _MEGABYTE:
                    break
        file.write(b"  </Items>\n</root>\n")
    return path


def package_python(folder: Path) -> Path:
    """The interpreter of an environment with the package, which is created if missing. Raises ParserError."""
    python = folder / "bin" / "python"
    if not python.exists():
        uv = Path(sys.executable).with_name("uv")
        try:
            _command(uv, "venv", "--quiet", "--python", sys.executable, folder)
            _command(uv, "pip", "install", "--quiet", "--python", python, "il-supermarket-parser==1.0.15")
        except ParserError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    return python


def _command(*words: str | Path) -> str:
    try:
        done = subprocess.run(
            [str(word) for word in words], cwd=ROOT / "var", capture_output=True, text=True, check=True,
            timeout=900, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    except subprocess.CalledProcessError as error:
        raise ParserError(f"{Path(words[0]).name} {words[1]}: {error.stderr.strip()[-300:]}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ParserError(str(error)) from error
    return done.stdout


def run_parser(python: Path, parser: str, files: Sequence[Path]) -> Callable[[], _Run]:
    """A function that runs a parser over files once, in its own process."""
    module = ["benchmarks.il_supermarket_parser"] if parser == PACKAGE else ["benchmarks.parsers", parser]
    return lambda: msgspec.json.decode(_command(python, "-m", *module, *files), type=_Run)


def measure(feeds: str, parsers: dict[str, Callable[[], _Run]], runs: int) -> list[Figure]:
    """Runs the parsers in turn, `runs` times. Raises ParserError unless all find the same number of items."""
    found: dict[str, list[_Run]] = {name: [] for name in parsers}
    bare = msgspec.json.decode(_command(sys.executable, "-m", "benchmarks.own_process"), type=_Run)
    for _ in range(runs):
        for name, run in parsers.items():
            found[name].append(run())
    counts = {name: runs_of[0].items for name, runs_of in found.items()}
    if len(set(counts.values())) != 1:
        raise ParserError(f"the parsers do not agree on the items of {feeds}: {counts}")
    return [_figure(name, feeds, runs_of, bare.memory) for name, runs_of in found.items()]


def _figure(parser: str, feeds: str, runs: Sequence[_Run], bare: int) -> Figure:
    speeds = [run.items / run.seconds for run in runs]
    return Figure(
        parser=parser,
        feeds=feeds,
        items=runs[0].items,
        per_second=statistics.median(speeds),
        slowest=min(speeds),
        fastest=max(speeds),
        per_cpu_second=statistics.median(run.items / run.cpu_seconds for run in runs),
        memory_mb=(max(run.memory for run in runs) - bare) / _MEGABYTE,
    )


def ratios(figures: Sequence[Figure]) -> dict[str, float]:
    """Our speed relative to the best plain lxml loop and to the package, by feeds, in items per CPU
    second."""
    found = {}
    for feeds in dict.fromkeys(figure.feeds for figure in figures):
        speeds = {figure.parser: figure.per_cpu_second for figure in figures if figure.feeds == feeds}
        if plain := [speeds[name] for name in PLAIN if name in speeds]:
            found[f"{feeds}: to the best plain lxml loop"] = round(speeds[OURS] / max(plain), 2)
        if PACKAGE in speeds:
            found[f"{feeds}: to {PACKAGE}"] = round(speeds[OURS] / speeds[PACKAGE], 2)
    return found


def print_figures(figures: Sequence[Figure], console: Console) -> None:
    table = Table(title="price feeds, unpacked and parsed on one core", title_justify="left")
    for column in ("feeds", "parser"):
        table.add_column(column)
    for column in (
        "items",
        "items/s (median)",
        "slowest",
        "fastest",
        "items/CPU s",
        "MB above the interpreter",
    ):
        table.add_column(column, justify="right")
    feeds = ""
    for one in figures:
        if feeds and one.feeds != feeds:
            table.add_section()
        speeds = (one.items, one.per_second, one.slowest, one.fastest, one.per_cpu_second)
        numbers = [f"{number:,.0f}" for number in speeds]
        table.add_row("" if one.feeds == feeds else one.feeds, one.parser, *numbers, f"{one.memory_mb:.1f}")
        feeds = one.feeds
    console.print(table)
    for what, ratio in ratios(figures).items():
        console.print(f"  {ratio:5.2f} × {what}")


@click.command()
@click.option("--runs", default=5, show_default=True, help="Runs of each parser.")
@click.option("--large", default=1000, show_default=True, help="Megabytes of the largest file; 0: none.")
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/bench-parse.json"))
def main(runs: int, large: int, output: Path) -> None:
    """Items a second, CPU and memory of our reader and of others, on the same feeds."""
    console = Console(width=140)
    here = Path(sys.executable)
    pythons = dict.fromkeys((OURS, *PLAIN, *OTHERS), here)
    real = sorted(FEEDS.glob("PriceFull*"))
    try:
        package = package_python(ROOT / "var" / "bench" / PACKAGE)
        run_parser(package, PACKAGE, real[:1])()
        pythons[PACKAGE] = package
    except ParserError as error:
        console.print(f"[yellow]{PACKAGE} is left out: {error}")
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="gogobe-bench-") as name:
        folder = Path(name)
        for what, files in ((f"{len(real)} real files", real), ("100 MB", [write_feed(folder, 100)])):
            parsers = {name: run_parser(python, name, files) for name, python in pythons.items()}
            figures += measure(what, parsers, runs)
        for megabytes in filter(None, (10, large)):
            file = write_feed(folder, megabytes)
            figures += measure(f"{megabytes:,} MB", {OURS: run_parser(here, OURS, [file])}, min(runs, 3))
            file.unlink()
    print_figures(figures, console)
    output.parent.mkdir(parents=True, exist_ok=True)
    report = {"figures": msgspec.to_builtins(figures), "ratios": ratios(figures)}
    output.write_text(json.dumps(report, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
