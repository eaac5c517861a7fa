"""Coverage and accuracy of offers: the share of promotions with a price, and the share that agrees with its
text.

    python -m benchmarks.offers [FILE…] [--show N]

Without files it reads the bundled PromoFull files. A description such as "2 ב-22", "ב19.80 מעל 75" or "4 for
20" states the total price, or the percentage ("20% הנחה"). The offers do not use it, so it is an independent
check.
"""

from __future__ import annotations

import argparse
import random
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Final

import click

import gogobe.demo
from gogobe.feeds.reader import FeedReader
from gogobe.offers.fill import fill_offers
from gogobe.records.offers import Offer
from gogobe.records.rows import Promotion

FEEDS: Final = Path(gogobe.demo.__file__).parent / "feeds"
_NOT_MONEY: Final = r"(?![\d.]*\s*(?:%|יח|גר|ג'|מ\"ל|מל|ליטר|ל'|קג|ק\"ג|שק|חבי))"
_TOTAL: Final = re.compile(r"(?:ב\s?-?|for )\s*(\d+(?:\.\d+)?)" + _NOT_MONEY)
_PER_GRAMS: Final = re.compile(r"(\d+)\s*(?:ג|גר|גרם|ג')\s*ב\s?-?\s*(\d+(?:\.\d+)?)")
_SHEKELS: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(?:₪|ש\"ח|שח)")
_PERCENT: Final = re.compile(
    r"(\d+(?:\.\d+)?)\s*%\s*(?:הנחה|off)|(?:הנחה|off)\D{0,4}(\d+(?:\.\d+)?)\s*%|ב-?(\d+)%"
)


def promotions_of(file: Path) -> Iterator[Promotion]:
    """The promotions of a feed file, with offers and conditions."""
    with file.open("rb") as source:
        for block in FeedReader(source, file.name):
            promotions = [row for row in block.rows if isinstance(row, Promotion)]
            fill_offers(promotions)
            yield from promotions


def best_offer(promotion: Promotion) -> Offer | None:
    """The most informative offer: one with a price, then one with a percentage or a sum, then any."""
    offers = [item.offer for item in promotion.items if item.offer is not None]
    return max(offers, key=_says, default=None)


def _says(offer: Offer) -> int:
    return (
        4 * (offer.unit_price is not None)
        + 2 * (offer.kind != "unknown")
        + (offer.kind not in ("gift", "spend"))
    )


def described_numbers(promotion: Promotion, offer: Offer) -> set[Decimal]:
    """The numbers of the description that an offer of this kind should agree with; may be empty."""
    text = promotion.description or ""
    if offer.kind in ("percent", "nth_percent"):
        return {Decimal(number) for match in _PERCENT.findall(text) for number in match if number}
    numbers = {Decimal(number) for pattern in (_TOTAL, _SHEKELS) for number in pattern.findall(text)}
    # "100 גרם ב 9.5" of goods by weight is 95 a kilogram.
    return numbers | {Decimal(price) * 1000 / Decimal(grams) for grams, price in _PER_GRAMS.findall(text)}


def agrees(offer: Offer, numbers: set[Decimal]) -> bool:
    """Whether one of the numbers is the offer's total, unit price, percentage or sum."""
    own = (offer.total, offer.unit_price, offer.percent, offer.amount)
    return any(value is not None and any(abs(value - number) < 1 for number in numbers) for value in own)


class Report:
    """Counts of promotions by the kind of their best offer, and of offers that agree with their description."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.priced = self.checked = self.agreed = 0
        self.lines: list[str] = []
        self.different: list[str] = []

    def add(self, promotion: Promotion) -> None:
        """Counts one promotion."""
        offer = best_offer(promotion)
        if offer is None or offer.kind == "unknown":
            self.kinds[f"unknown: {offer.reason}" if offer else "no items"] += 1
            return
        self.kinds[offer.kind] += 1
        self.priced += offer.unit_price is not None
        line = _line(promotion, offer)
        self.lines.append(line)
        if numbers := described_numbers(promotion, offer):
            self.checked += 1
            if agrees(offer, numbers):
                self.agreed += 1
            else:
                self.different.append(line)

    def summary(self) -> str:
        """One line for people."""
        share = self.agreed / max(self.checked, 1)
        return (
            f"{self.kinds.total():,} promotions: {self.priced:,} with a price; of {self.checked:,} whose "
            f"description has a number, {self.agreed:,} agree ({share:.1%})"
        )


def _line(promotion: Promotion, offer: Offer) -> str:
    what = offer.percent or offer.amount or offer.total or "-"
    return (
        f"{offer.kind:12} {offer.quantity:f} {offer.per} {what} → {offer.unit_price} | {promotion.description}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument(
        "--show", type=int, default=0, metavar="N", help="print N promotions, and all that differ"
    )
    arguments = parser.parse_args()
    report = Report()
    for file in arguments.files or sorted(FEEDS.glob("PromoFull*")):
        for promotion in promotions_of(file):
            report.add(promotion)
    if arguments.show:
        shown = random.Random(1).sample(report.lines, min(arguments.show, len(report.lines)))
        click.echo("\n".join([*shown, "", "differ:", *report.different, ""]))
    for kind, count in report.kinds.most_common():
        click.echo(f"{count:7,} {kind}")
    click.echo(report.summary())


if __name__ == "__main__":
    main()
