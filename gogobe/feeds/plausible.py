"""Checks whether a feed is plausible as a whole. Rows may be well-formed one by one and yet lack what all
feeds have, as after a change of layout, or if texts were damaged before publication."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gogobe.feeds.problems import PROBLEMS, Problem
from gogobe.records.rows import Item, Promotion, Store

# Fewer rows are not evidence, and more rows add none.
_MIN_ROWS: Final = 10
_MIN_NAMES: Final = 100
_MAX_ROWS: Final = 500
_MAX_SEARCHED: Final = 100
_NEARLY_ALL: Final = 0.9
_MANY: Final = 0.5
# Traces of wrongly decoded Hebrew that cannot be repaired.
_SPOILT: Final = re.compile(r"\ufffd|ï¿½|ן.½|\?{3}|[à-ú]{3}|×.×|׳.׳")


class Plausibility:
    """Examines the first rows of a feed."""

    def __init__(self) -> None:
        self._rows = 0
        self._lacking: Counter[str] = Counter()
        self._texts: Counter[str] = Counter()
        self._searched = self._spoilt = 0
        self._of_promotions = False

    def add(self, rows: Iterable[Item | Promotion | Store]) -> None:
        """Adds the rows of a block."""
        if self._rows >= _MAX_ROWS:
            return
        texts = []
        for row in rows:
            self._rows += 1
            if isinstance(row, Promotion):
                self._of_promotions = True
                self._look_at(row)
                text = row.description
            else:
                text = row.name
            if text is not None:
                texts.append(text)
        self._texts.update(texts)
        # Searching every name would cost more than parsing it.
        for text in texts[: max(_MAX_SEARCHED - self._searched, 0)]:
            self._searched += 1
            self._spoilt += _SPOILT.search(text) is not None

    def _look_at(self, promotion: Promotion) -> None:
        self._lacking["implausible_ends"] += promotion.ends_at is None
        self._lacking["implausible_prices"] += not _has_price(promotion)

    def problems(self) -> list[Problem]:
        """The fields that nearly all of the rows lack."""
        if self._rows < _MIN_ROWS:
            return []
        found = [
            Problem(code, f"{PROBLEMS[code]}: {count} of {self._rows}")
            for code, count in self._lacking.items()
            if count >= _NEARLY_ALL * self._rows
        ]
        code = "implausible_descriptions" if self._of_promotions else "implausible_names"
        if said := self._wrong_with_texts():
            found.append(Problem(code, f"{PROBLEMS[code]}: {said}"))
        return found

    def _wrong_with_texts(self) -> str | None:
        empty = self._rows - self._texts.total()
        if empty >= _NEARLY_ALL * self._rows:
            return f"{empty} of {self._rows} are empty"
        if self._spoilt >= _MANY * min(self._rows, _MAX_SEARCHED):
            return f"{self._spoilt} of {self._searched} were decoded wrongly and cannot be read"
        text, same = self._texts.most_common(1)[0]
        # A name of one letter occurs in samples, not in the output of a chain's system.
        if self._rows >= _MIN_NAMES and same >= _NEARLY_ALL * self._rows and len(text) > 1:
            return f"{same} of {self._rows} are {text[:40]!r}"
        return None


def _has_price(promotion: Promotion) -> bool:
    """Whether a promotion has a price or a discount in any field."""
    if promotion.discounted_price or promotion.discount_rate or promotion.is_gift or promotion.gift_count:
        return True
    return any(item.discounted_price or item.discount_rate for item in promotion.items)
