"""What the demo shows at its end, for people and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import groupby
from typing import Final

import msgspec
from rich.table import Table

from gogobe.commands.review import pairs_table
from gogobe.commands.terminal import PlainConsole
from gogobe.database.matches import ChainMatches, MatchedCode
from gogobe.database.review.pairs import ReviewPair
from gogobe.demo.follow import FileOutcome


class ChainPrice(msgspec.Struct):
    """A product's cheapest price in one chain."""

    chain: str
    price: str


class ProductComparison(msgspec.Struct):
    """One master's prices across chains."""

    master_id: int
    name: str
    prices: list[ChainPrice]


class RunReport(msgspec.Struct):
    """One run of the demo. Seconds from the announcement of all files; `latency_…` over the files that were
    loaded; `items_per_second` from the first commit to the last, None when nothing new was loaded.
    `comparison` are the products that most chains sell, `by_weight` goods without a barcode. `masters_version`
    is the snapshot that items were matched by, `matches` how, chain by chain, and `joined_by_name` holds
    products that chains know by different codes, a row for each code; `to_review` the
    likeliest pairs that wait for a person's word."""

    started_at: str
    seconds: float
    files: list[FileOutcome]
    latency_median: float | None
    latency_p95: float | None
    items: int
    items_per_second: float | None
    newly_loaded: int
    comparison: list[ProductComparison]
    by_weight: list[ProductComparison]
    masters_version: str | None
    matches: list[ChainMatches]
    joined_by_name: list[MatchedCode]
    to_review: list[ReviewPair]


def latencies(files: Sequence[FileOutcome]) -> tuple[float | None, float | None]:
    """Median and 95th percentile of the seconds to the last visible row, of files that were loaded."""
    seconds = sorted(file.seconds for file in files if file.state == "loaded" and file.seconds is not None)
    if not seconds:
        return None, None
    return statistics.median(seconds), seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]


def items_per_second(files: Sequence[FileOutcome]) -> float | None:
    """Rows committed by this run a second, between its first commit and its last."""
    fresh = [file for file in files if file.first_row_seconds is not None and file.seconds is not None]
    if not fresh:
        return None
    start = min(file.first_row_seconds or 0.0 for file in fresh)
    end = max(file.seconds or 0.0 for file in fresh)
    rows = sum(file.loaded + file.unchanged + file.stale for file in fresh)
    return rows / max(end - start, 0.001)


def show_report(console: PlainConsole, report: RunReport) -> None:
    """Prints the tables."""
    console.print(_files_table(report.files))
    if report.latency_median is not None and report.latency_p95 is not None:
        console.print(
            f"Announcement to visible row: median {report.latency_median:.1f} s, "
            f"p95 {report.latency_p95:.1f} s (start of the pipeline included)"
        )
    if report.items_per_second is None and any(file.state == "loaded" for file in report.files):
        console.print("Nothing was loaded twice: every batch was already in the database.")
    elif report.items_per_second is not None:
        console.print(f"{report.items:,} rows, {report.items_per_second:,.0f} a second while loading")
    if report.comparison:
        console.print(
            _comparison_table(report.comparison, "The same products across chains (cheapest price, ILS)")
        )
    if report.by_weight:
        title = "Goods without a barcode across chains (cheapest price of a kilogram, ILS)"
        console.print(_comparison_table(report.by_weight, title))
    console.print(_matches_table(report.matches))
    console.print(f"Matched by masters snapshot {report.masters_version}")
    if report.joined_by_name:
        console.print(_joined_table(report.joined_by_name))
    if report.to_review:
        console.print(pairs_table(report.to_review, "Not sure enough, for `gogobe masters review`"))


def _files_table(files: Sequence[FileOutcome]) -> Table:
    table = Table(title="Files", title_justify="left")
    for column in ("chain", "store", "type", "file", "state"):
        table.add_column(column, no_wrap=True)
    for column in ("announced", "read", "loaded", "refused", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("reason")
    for file in files:
        numbers = (file.announced, file.read, file.loaded + file.unchanged, file.refused)
        table.add_row(
            file.chain or file.source_url.split("/")[-2],
            "" if file.kind == "stores" else file.store,
            file.kind,
            file.file,
            file.state,
            *("" if number is None or not file.chain else f"{number:,}" for number in numbers),
            "" if file.seconds is None else f"{file.seconds:.1f}",
            ", ".join(file.reasons),
        )
    return table


def _comparison_table(products: Sequence[ProductComparison], title: str) -> Table:
    chains = sorted({price.chain for product in products for price in product.prices})
    table = Table(title=title, title_justify="left")
    table.add_column("master")
    table.add_column("name")
    for chain in chains:
        table.add_column(chain, justify="right")
    for product in products:
        by_chain = {price.chain: price.price for price in product.prices}
        row = [by_chain.get(chain, "") for chain in chains]
        table.add_row(str(product.master_id), product.name, *row)
    return table


_HOW: Final = {"gtin": "barcode", "alias": "known code", "vector": "name", "review": "", "new": ""}


def _matches_table(matches: Sequence[ChainMatches]) -> Table:
    table = Table("chain", title="How the chains' codes were matched", title_justify="left")
    for column in ("by barcode", "known code", "by name", "left to review", "new"):
        table.add_column(column, justify="right")
    for one in matches:
        table.add_row(
            one.chain, *(f"{count:,}" for count in (one.gtin, one.alias, one.vector, one.review, one.new))
        )
    return table


def _joined_table(codes: Sequence[MatchedCode]) -> Table:
    title = "Items without a barcode, given to their product by name"
    table = Table("chain", "code", "name", title=title, title_justify="left")
    table.add_column("ILS", justify="right")
    table.add_column("matched by")
    table.add_column("score", justify="right")
    table.add_column("why")
    for _, group in groupby(codes, key=lambda code: code.master_id):
        for code in group:
            table.add_row(
                code.chain,
                code.item_code,
                code.name or "",
                f"{code.cheapest:.2f}",
                _HOW[code.match],
                f"{code.score:.2f}" if code.match == "vector" else "",
                "; ".join(code.reasons),
            )
        table.add_section()
    return table
