"""The promotions of one feed: reads their elements, merges the elements of each id, and interprets rates and
codes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lxml import etree

from gogobe.feeds.clock import Clock
from gogobe.feeds.gather import MAX_TEXTS, PromotionGatherer
from gogobe.feeds.interpret import PromotionInterpreter
from gogobe.feeds.problems import FeedError, Limits, Problem
from gogobe.feeds.promotions import PromotionElements
from gogobe.feeds.unknown import UnknownElements
from gogobe.records.rows import Promotion, RefusedRow

# The size of an unfinished row, in bytes, from which its items are read before it ends.
EARLY_FROM: Final = 1 << 20

_SHOWN: Final = 40
# Fewer promotions with an unreadable time are typing errors, not a new form of times.
_FEW: Final = 10


class PromotionRows:
    """Takes the elements of a feed in order; yields its promotions after all elements.

    `refused_items` counts the refused items within promotions. `problems` and `constants` are valid after the
    promotions were yielded.
    """

    def __init__(self, clock: Clock, unknown: UnknownElements, limits: Limits) -> None:
        self._elements = PromotionElements(clock, unknown)
        self._gatherer = PromotionGatherer(limits.max_items)
        self._interpreter = PromotionInterpreter()
        self._limits = limits
        self._refused = 0
        self.refused_items = 0

    def row(self, element: etree._Element, row: int, line: int) -> list[RefusedRow]:
        """Takes an element. Returns its refusals: the row, or items of it. Raises FeedError."""
        found = self._elements.row(element, row, line)
        refused = self._elements.take_refused_items()
        if isinstance(found, RefusedRow):
            refused = [found]
        else:
            self.refused_items += len(refused)
            self._interpreter.add(found)
            self._gatherer.add(found)
        self._refused += len(refused)
        if self._refused > self._limits.max_refused:
            raise FeedError("too_many_refused", line=line)
        return refused

    def read_early(self, row: etree._Element) -> int:
        """Reads the complete items of an unfinished row. Returns the approximate number of its bytes that the
        parser still holds. Raises FeedError `row_too_long`."""
        items, left = self._elements.read_early(row)
        if items > self._limits.max_items:
            raise FeedError("row_too_long", f"a promotion of more than {self._limits.max_items:,} items")
        return left

    def promotions(self) -> Iterator[Promotion]:
        """The promotions, one for each id, ordered by their first row."""
        return map(self._interpreter.interpret, self._gatherer.promotions())

    def problems(self) -> list[Problem]:
        """The irregularities in the promotions."""
        found = []
        gatherer, interpreter = self._gatherer, self._interpreter
        if gatherer.difference is not None:
            promotion_id, difference = gatherer.difference
            first = f"first {promotion_id}: {difference.field}, in row {difference.row}"
            said = f"{gatherer.differing} promotions; {first}; what came first counts"
            found.append(Problem("promotion_differs", said))
        if interpreter.first_unclear is not None:
            promotion_id, kind, rate = interpreter.first_unclear
            codes = f"DiscountType {kind.discount_type or '-'}, RewardType {kind.reward_type or '-'}"
            first = f"first {promotion_id}: {rate} with {codes}"
            found.append(Problem("discount_unclear", f"{interpreter.unclear} promotions; {first}"))
        first_unreadable = self._elements.first_unreadable
        if first_unreadable is not None and self._elements.unreadable_times >= _FEW:
            promotion_id, text = first_unreadable
            first = f"first {promotion_id}: {text[:_SHOWN]!r}"
            found.append(Problem("unreadable_times", f"{self._elements.unreadable_times} promotions; {first}"))
        if gatherer.cut is not None:
            said = (
                f"promotion {gatherer.cut} has more than {self._limits.max_items:,} items or groups, "
                f"or more than {MAX_TEXTS:,} clubs or remarks; so many are kept"
            )
            found.append(Problem("row_too_long", said))
        return found

    @property
    def constants(self) -> dict[str, str]:
        """Terms with one value in all promotions, which is a default and no condition."""
        return {name: f"{value:f}" for name, value in self._interpreter.constants.items()}
