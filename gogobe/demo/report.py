"""The result of a demo run, as tables of at most 80 columns and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec

from gogobe.commands.follow import FileOutcome
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole, counted
from gogobe.database.matches import ChainMatches, MatchedCode
from gogobe.database.review.pairs import ReviewPair

WIDTH: Final = 80
PRODUCTS_SHOWN: Final = 6
CODES_SHOWN: Final = 6
PAIRS_SHOWN: Final = 4
_MATCHED_BY: Final = {"gtin": "barcode", "alias": "known code", "vector": "name", "review": "", "new": ""}

PORTALS: Final = (
    Column("chain"),
    Column("engine"),
    Column("listed", right=True),
    Column("announced", right=True),
)
FILES: Final = (
    Column("chain"),
    Column("store"),
    Column("type"),
    Column("rows", right=True),
    Column("loaded", right=True),
    Column("refused", right=True),
    Column("s", right=True),
    Column("state"),
)
MATCHES: Final = (
    Column("chain"),
    Column("by barcode", right=True),
    Column("known code", right=True),
    Column("by name", right=True),
    Column("to review", right=True),
    Column("new", right=True),
)
JOINED: Final = (
    Column("chain"),
    Column("code"),
    Column("name", cut=True),
    Column("ILS", right=True),
    Column("matched by", right=True),
    Column("score", right=True),
)
PAIRS: Final = (
    Column("chain"),
    Column("item", cut=True),
    Column("resembles", cut=True),
    Column("score", right=True),
)


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
    """Prints the tables. Names get the columns that a terminal has beyond the other texts."""
    portals = [[one.chain, one.engine, str(one.listed), str(one.announced)] for one in report.portals]
    _print(console, "Portals that the crawler listed", PORTALS, portals)
    _print(console, "Files", FILES, [_file_row(file, report) for file in report.files])
    for line in _summary(report):
        console.print(line)
    title = "The same products across chains (cheapest price, ILS)"
    _print_comparison(console, title, report.comparison[:PRODUCTS_SHOWN])
    title = "Goods without a barcode across chains (cheapest price of a kilogram, ILS)"
    _print_comparison(console, title, report.by_weight)
    for line in _price_days([*report.comparison, *report.by_weight]):
        console.print(line)
    _print(
        console, "Codes of the chains, by kind of match", MATCHES, [_match_row(one) for one in report.matches]
    )
    products = _whole_products(report.joined_by_name, CODES_SHOWN)
    title = "Items without a barcode, matched to a product by name"
    ends = [sum(map(len, products[:number])) - 1 for number in range(1, len(products) + 1)]
    rows = [_code_row(code) for product in products for code in product]
    _print(console, title, JOINED, rows, ends)
    pairs = [
        [one.chain, one.item_name, one.candidate_name, f"{one.score:.2f}"]
        for one in report.to_review[:PAIRS_SHOWN]
    ]
    _print(console, "Pairs for `gogobe masters review`", PAIRS, pairs)
    console.print(f"Masters snapshot {report.masters_version}; last-run.json has every row")


def _print(
    console: PlainConsole,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    sections: Sequence[int] = (),
) -> None:
    if rows:
        console.print()
        print_table(console, columns, rows, title=title, compact=True, sections=sections)


def _summary(report: RunReport) -> list[str]:
    announced = counted(sum(portal.announced for portal in report.portals), "file")
    lines = [f"{announced} announced by this run, {counted(report.newly_loaded, 'row')} newly loaded"]
    if report.items_per_second is None:
        lines = ["Nothing new was announced or loaded: an earlier run has loaded every file."]
    else:
        lines.append(f"{report.items:,} rows, {report.items_per_second:,.0f} a second while loading")
    if report.latency_median is not None and report.latency_p95 is not None:
        lines.append(
            f"Announcement to visible row: median {report.latency_median:.1f} s, p95 {report.latency_p95:.1f} s"
        )
    return lines


def _file_row(file: FileOutcome, report: RunReport) -> list[str]:
    """A file; one that an earlier run has loaded is unchanged, and this run loaded no row of it."""
    started = datetime.fromisoformat(report.started_at)
    is_unchanged = file.state == "loaded" and not file.is_loaded_since(started)
    numbers = (file.read, 0 if is_unchanged else file.loaded + file.unchanged, file.refused)
    state = "unchanged" if is_unchanged else file.state
    return [
        file.chain,
        "" if file.kind == "stores" else file.store,
        file.kind,
        *("" if file.state == "dead letter" else f"{number:,}" for number in numbers),
        "" if is_unchanged or file.seconds is None else f"{file.seconds:.1f}",
        ": ".join([state, *([", ".join(file.reasons)] if file.reasons else [])]),
    ]


def _print_comparison(console: PlainConsole, title: str, products: Sequence[ProductComparison]) -> None:
    """Prints prices that are not old, by chain."""
    chains = sorted({price.chain for product in products for price in product.prices if not price.is_old})
    columns = [
        Column("master"),
        Column("name", cut=True),
        *(Column(chain.replace("_", "\n"), right=True) for chain in chains),
    ]
    rows = []
    for product in products:
        by_chain = {price.chain: price.price for price in product.prices if not price.is_old}
        rows.append([str(product.master_id), product.name, *(by_chain.get(chain, "") for chain in chains)])
    _print(console, title, columns, rows)


def _price_days(products: Sequence[ProductComparison]) -> list[str]:
    """The days on which the prices shown were published, and the chains whose prices are left out."""
    shown = [price.seen_on for product in products for price in product.prices if not price.is_old]
    old: dict[str, str] = {}
    for price in (one for product in products for one in product.prices if one.is_old):
        old[price.chain] = max(price.seen_on, old.get(price.chain, ""))
    lines = [f"Prices published from {min(shown)} to {max(shown)}"] if shown else []
    return lines + [f"Left out as old: {chain}, last seen {day}" for chain, day in sorted(old.items())]


def _match_row(one: ChainMatches) -> list[str]:
    counts = (one.gtin, one.alias, one.vector, one.review, one.new)
    return [one.chain, *(f"{count:,}" for count in counts)]


def _whole_products(codes: Sequence[MatchedCode], most: int) -> list[list[MatchedCode]]:
    """The codes by product: the first products with at most `most` codes in all, but at least one product."""
    found: list[list[MatchedCode]] = []
    for _, group in groupby(codes, key=lambda code: code.master_id):
        product = list(group)
        if found and sum(map(len, found)) + len(product) > most:
            break
        found.append(product)
    return found


def _code_row(code: MatchedCode) -> list[str]:
    score = f"{code.score:.2f}" if code.match == "vector" else ""
    return [code.chain, code.item_code, code.name or "", f"{code.cheapest:.2f}", _MATCHED_BY[code.match], score]
