"""The promotions of one feed, from its elements to settled rows: read, brought together, decided."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from gogobe.feeds.clock import Clock
from gogobe.feeds.gather import MOST_TEXTS, PromotionGatherer
from gogobe.feeds.problems import FeedError, Limits, Problem
from gogobe.feeds.promotions import PromotionElements
from gogobe.feeds.settle import Settler
from gogobe.feeds.unknown import UnknownElements
from gogobe.records.rows import Promotion, RefusedRow

# How much of an unfinished row the parser may hold before its items are read early, in bytes.
EARLY_FROM: Final = 1 << 20

_SHOWN: Final = 40
# Fewer promotions with an unreadable time are typing errors, not a new form of times.
_FEW: Final = 10


class PromotionRows:
    """Takes the elements of a feed in order; gives its promotions when all were taken.

    `refused_items` counts items that were refused within promotions; `problems` and `constants` hold once the
    promotions were given.
    """

    def __init__(self, clock: Clock, unknown: UnknownElements, limits: Limits) -> None:
        self._elements = PromotionElements(clock, unknown)
        self._gatherer = PromotionGatherer(limits.max_items)
        self._settler = Settler()
        self._limits = limits
        self._refused = 0
        self.refused_items = 0

    def row(self, element: etree._Element, row: int, line: int) -> list[RefusedRow]:
        """Takes an element; returns what of it is refused: the row, or items of it. Raises FeedError."""
        found = self._elements.row(element, row, line)
        refused = self._elements.take_refused_items()
        if isinstance(found, RefusedRow):
            refused = [found]
        else:
            self.refused_items += len(refused)
            self._settler.add(found)
            self._gatherer.add(found)
        self._refused += len(refused)
        if self._refused > self._limits.max_refused:
            raise FeedError("too_many_refused", line=line)
        return refused

    def take_early(self, row: etree._Element) -> int:
        """Takes the items of an unfinished row that are complete; about how many bytes of it the parser still
        holds. Raises FeedError `row_too_long`."""
        items, left = self._elements.take_early(row)
        if items > self._limits.max_items:
            raise FeedError("row_too_long", f"a promotion of more than {self._limits.max_items:,} items")
        return left

    def promotions(self) -> Iterator[Promotion]:
        """The promotions, one for each id, in the order in which they begin."""
        return map(self._settler.settle, self._gatherer.promotions())

    def problems(self) -> list[Problem]:
        """What is odd in the promotions that were given."""
        found = []
        gatherer, settler = self._gatherer, self._settler
        if gatherer.difference is not None:
            promotion_id, difference = gatherer.difference
            first = f"first {promotion_id}: {difference.field}, in row {difference.row}"
            said = f"{gatherer.differing} promotions; {first}; what came first counts"
            found.append(Problem("promotion_differs", said))
        if settler.first_unclear is not None:
            promotion_id, kind, rate = settler.first_unclear
            codes = f"DiscountType {kind.discount_type or '-'}, RewardType {kind.reward_type or '-'}"
            first = f"first {promotion_id}: {rate} with {codes}"
            found.append(Problem("discount_unclear", f"{settler.unclear} promotions; {first}"))
        first_unreadable = self._elements.first_unreadable
        if first_unreadable is not None and self._elements.unreadable_times >= _FEW:
            promotion_id, text = first_unreadable
            first = f"first {promotion_id}: {text[:_SHOWN]!r}"
            found.append(Problem("unreadable_times", f"{self._elements.unreadable_times} promotions; {first}"))
        if gatherer.cut is not None:
            said = (
                f"promotion {gatherer.cut} has more than {self._limits.max_items:,} items or groups, "
                f"or more than {MOST_TEXTS:,} clubs or remarks; so many are kept"
            )
            found.append(Problem("row_too_long", said))
        return found

    @property
    def constants(self) -> dict[str, str]:
        """Terms that are the same in all promotions and say nothing, with their value."""
        return {name: f"{value:f}" for name, value in self._settler.constants.items()}
