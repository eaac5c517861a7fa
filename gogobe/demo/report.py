"""The result of a demo run, as tables of at most 80 columns and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec
from rich import box
from rich.table import Table

from gogobe.commands.follow import FileOutcome
from gogobe.commands.terminal import PlainConsole
from gogobe.database.matches import ChainMatches, MatchedCode
from gogobe.database.review.pairs import ReviewPair

WIDTH: Final = 80
PRODUCTS_SHOWN: Final = 6
CODES_SHOWN: Final = 6
PAIRS_SHOWN: Final = 4
_MATCHED_BY: Final = {"gtin": "barcode", "alias": "known code", "vector": "name", "review": "", "new": ""}


class CrawledPortal(msgspec.Struct):
    """The listing of one portal: files listed, and files announced because they are new."""

    chain: str
    engine: str
    listed: int
    announced: int


class ChainPrice(msgspec.Struct):
    """A product's cheapest price in one chain, the day (UTC) of the newest file that lists it, and whether that
    is old beside the newest price of all chains."""

    chain: str
    price: str
    seen_on: str = ""
    is_old: bool = False


class ProductComparison(msgspec.Struct):
    """One master's prices across chains."""

    master_id: int
    name: str
    prices: list[ChainPrice]


class RunReport(msgspec.Struct):
    """One run of the demo. `files` are all announced files of the portals, also those of earlier runs.

    `latency_…` are the seconds from announcement to visible row, over the files that this run announced and
    loaded; `items_per_second` is from this run's first commit to its last. Both are None if nothing new was
    loaded. `comparison` are the products that most chains sell, `by_weight` goods without a barcode.
    `masters_version` is the snapshot that items were matched by, `matches` the number of codes by kind
    of match, `joined_by_name` products that chains list under different codes (a row for each code),
    `to_review` the pairs with the highest scores that wait for a person's decision.
    """

    started_at: str
    seconds: float
    portals: list[CrawledPortal]
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


def latencies(files: Sequence[FileOutcome], started: datetime) -> tuple[float | None, float | None]:
    """Median and 95th percentile of the seconds to the last visible row, of files announced since `started`
    (aware) and loaded; None without such a file."""
    seconds = sorted(
        file.seconds
        for file in files
        if file.state == "loaded" and file.seconds is not None and file.announced_at >= started
    )
    if not seconds:
        return None, None
    return statistics.median(seconds), seconds[min(len(seconds) - 1, round(0.95 * (len(seconds) - 1)))]


def items_per_second(files: Sequence[FileOutcome], started: datetime) -> float | None:
    """Rows committed a second since `started` (aware), from the first commit to the last; None without any."""
    spans = [
        (file.first_loaded_at, file.ended_at, file.loaded + file.unchanged + file.stale)
        for file in files
        if file.first_loaded_at is not None and file.ended_at is not None and file.is_loaded_since(started)
    ]
    if not spans:
        return None
    first, last = min(begin for begin, _, _ in spans), max(end for _, end, _ in spans)
    return sum(rows for _, _, rows in spans) / max((last - first).total_seconds(), 0.001)


def show_report(console: PlainConsole, report: RunReport) -> None:
    """Prints the tables. Names get the columns that a terminal has beyond WIDTH."""
    spare = max(0, console.width - WIDTH)
    console.print(_portals_table(report.portals))
    console.print(_files_table(report.files))
    for line in _summary(report):
        console.print(line)
    if report.comparison:
        title = "The same products across chains (cheapest price, ILS)"
        console.print(_comparison_table(title, report.comparison[:PRODUCTS_SHOWN], spare))
    if report.by_weight:
        title = "Goods without a barcode across chains (cheapest price of a kilogram, ILS)"
        console.print(_comparison_table(title, report.by_weight, spare))
    for line in _price_days([*report.comparison, *report.by_weight]):
        console.print(line)
    console.print(_matches_table(report.matches))
    if report.joined_by_name:
        console.print(_joined_table(_whole_products(report.joined_by_name, CODES_SHOWN), spare))
    if report.to_review:
        console.print(_review_table(report.to_review[:PAIRS_SHOWN], spare))
    console.print(f"Masters snapshot {report.masters_version}; last-run.json has every row")


def _summary(report: RunReport) -> list[str]:
    announced = sum(portal.announced for portal in report.portals)
    lines = [f"{announced} files announced by this run, {report.newly_loaded:,} rows newly loaded"]
    if report.items_per_second is None:
        lines = ["Nothing new was announced or loaded: an earlier run has loaded every file."]
    else:
        lines.append(f"{report.items:,} rows, {report.items_per_second:,.0f} a second while loading")
    if report.latency_median is not None and report.latency_p95 is not None:
        lines.append(
            f"Announcement to visible row: median {report.latency_median:.1f} s, p95 {report.latency_p95:.1f} s"
        )
    return lines


def _table(title: str, left: Sequence[str], right: Sequence[str] = ()) -> Table:
    """A narrow table; the columns of `right` are aligned to the right, after those of `left`."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for name in left:
        table.add_column(name, no_wrap=True)
    for name in right:
        _add_number(table, name)
    return table


def _add_number(table: Table, name: str) -> None:
    table.add_column(name, justify="right", no_wrap=True)


def _add_text(table: Table, name: str, width: int) -> None:
    """Adds a column for a text that is cut where it is longer than `width`."""
    table.add_column(name, no_wrap=True, overflow="ellipsis", max_width=width)


def _portals_table(portals: Sequence[CrawledPortal]) -> Table:
    table = _table("\nPortals that the crawler listed", ("chain", "engine"), ("listed", "announced"))
    for portal in portals:
        table.add_row(portal.chain, portal.engine, str(portal.listed), str(portal.announced))
    return table


def _files_table(files: Sequence[FileOutcome]) -> Table:
    table = _table("\nFiles", ("chain", "store", "type"), ("rows", "loaded", "refused", "s"))
    table.add_column("state", no_wrap=True)
    for file in files:
        numbers = (file.read, file.loaded + file.unchanged, file.refused)
        table.add_row(
            file.chain,
            "" if file.kind == "stores" else file.store,
            file.kind,
            *("" if file.state == "dead letter" else f"{number:,}" for number in numbers),
            "" if file.seconds is None else f"{file.seconds:.1f}",
            ": ".join([file.state, *([", ".join(file.reasons)] if file.reasons else [])]),
        )
    return table


def _comparison_table(title: str, products: Sequence[ProductComparison], spare: int) -> Table:
    """Prices that are not old, by chain."""
    prices = [price for product in products for price in product.prices if not price.is_old]
    chains = sorted({price.chain for price in prices})
    longest = max((len(price.price) for price in prices), default=0)
    ids = 1 + max((len(str(product.master_id)) for product in products), default=0)
    taken = sum(1 + max(longest, *map(len, chain.split("_"))) for chain in chains)
    table = _table(f"\n{title}", ("master",))
    _add_text(table, "name", max(8, WIDTH - ids - taken) + spare)
    for chain in chains:
        _add_number(table, chain.replace("_", "\n"))
    for product in products:
        by_chain = {price.chain: price.price for price in product.prices if not price.is_old}
        row = [by_chain.get(chain, "") for chain in chains]
        table.add_row(str(product.master_id), product.name, *row)
    return table


def _price_days(products: Sequence[ProductComparison]) -> list[str]:
    """The days on which the prices shown were published, and the chains whose prices are left out."""
    shown = [price.seen_on for product in products for price in product.prices if not price.is_old]
    old: dict[str, str] = {}
    for price in (one for product in products for one in product.prices if one.is_old):
        old[price.chain] = max(price.seen_on, old.get(price.chain, ""))
    lines = [f"Prices published from {min(shown)} to {max(shown)}"] if shown else []
    return lines + [f"Left out as old: {chain}, last seen {day}" for chain, day in sorted(old.items())]


def _matches_table(matches: Sequence[ChainMatches]) -> Table:
    columns = ("by barcode", "known code", "by name", "to review", "new")
    table = _table("\nCodes of the chains, by kind of match", ("chain",), columns)
    for one in matches:
        counts = (one.gtin, one.alias, one.vector, one.review, one.new)
        table.add_row(one.chain, *(f"{count:,}" for count in counts))
    return table


def _whole_products(codes: Sequence[MatchedCode], most: int) -> list[list[MatchedCode]]:
    """The codes by product: the first products with at most `most` codes in all, but at least one product."""
    found: list[list[MatchedCode]] = []
    for _, group in groupby(codes, key=lambda code: code.master_id):
        product = list(group)
        if found and sum(map(len, found)) + len(product) > most:
            break
        found.append(product)
    return found


def _joined_table(products: Sequence[Sequence[MatchedCode]], spare: int) -> Table:
    table = _table("\nItems without a barcode, matched to a product by name", ("chain", "code"))
    _add_text(table, "name", 28 + spare)
    for name in ("ILS", "matched by", "score"):
        _add_number(table, name)
    for product in products:
        for code in product:
            table.add_row(
                code.chain,
                code.item_code,
                code.name or "",
                f"{code.cheapest:.2f}",
                _MATCHED_BY[code.match],
                f"{code.score:.2f}" if code.match == "vector" else "",
            )
        table.add_section()
    return table


def _review_table(pairs: Sequence[ReviewPair], spare: int) -> Table:
    table = _table("\nPairs for `gogobe masters review`", ("chain",))
    _add_text(table, "item", 30 + spare // 2)
    _add_text(table, "resembles", 30 + spare // 2)
    _add_number(table, "score")
    for pair in pairs:
        table.add_row(pair.chain, pair.item_name, pair.candidate_name, f"{pair.score:.2f}")
    return table
