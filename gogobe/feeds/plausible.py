"""Whether a feed is plausible as a whole: its rows may be well-formed one by one and yet lack what all feeds
have, as after a change of layout, or where texts were spoilt before they were published."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

from gogobe.feeds.problems import PROBLEMS, Problem
from gogobe.records.rows import Item, Promotion, Store

# Fewer rows say nothing of their feed, nor do more of them say more.
_FEW: Final = 10
_FEW_NAMES: Final = 100
_LOOKED_AT: Final = 500
_SEARCHED: Final = 100
_NEARLY_ALL: Final = 0.9
_MANY: Final = 0.5
# What is left of Hebrew that was decoded wrongly and cannot be repaired.
_SPOILT: Final = re.compile(r"\ufffd|ï¿½|ן.½|\?{3}|[à-ú]{3}|×.×|׳.׳")


class Plausibility:
    """Looks at the first rows of a feed."""

    def __init__(self) -> None:
        self._rows = 0
        self._lacking: Counter[str] = Counter()
        self._texts: Counter[str] = Counter()
        self._searched = self._spoilt = 0
        self._of_promotions = False

    def add(self, rows: Iterable[Item | Promotion | Store]) -> None:
        """Takes the rows of a block."""
        if self._rows >= _LOOKED_AT:
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
        # Looking through every name would cost more than reading it.
        for text in texts[: max(_SEARCHED - self._searched, 0)]:
            self._searched += 1
            self._spoilt += _SPOILT.search(text) is not None

    def _look_at(self, promotion: Promotion) -> None:
        self._lacking["implausible_ends"] += promotion.ends_at is None
        self._lacking["implausible_prices"] += not _has_price(promotion)

    def problems(self) -> list[Problem]:
        """What nearly all of the rows lack."""
        if self._rows < _FEW:
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
        if self._spoilt >= _MANY * min(self._rows, _SEARCHED):
            return f"{self._spoilt} of {self._searched} were decoded wrongly and cannot be read"
        text, same = self._texts.most_common(1)[0]
        # One letter is what is written into a sample, not what a chain's system gives out.
        if self._rows >= _FEW_NAMES and same >= _NEARLY_ALL * self._rows and len(text) > 1:
            return f"{same} of {self._rows} are {text[:40]!r}"
        return None


def _has_price(promotion: Promotion) -> bool:
    """Whether anything says what a promotion costs or saves."""
    if promotion.discounted_price or promotion.discount_rate or promotion.is_gift or promotion.gift_count:
        return True
    return any(item.discounted_price or item.discount_rate for item in promotion.items)
