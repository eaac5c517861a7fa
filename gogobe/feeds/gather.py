"""Merges the elements of a file that have the same promotion id, at any distance from each other.

The promotions of a file are held until its end: in memory up to a bound, beyond it in a temporary SQLite
database, ordered by the first row of each promotion. Memory is bounded by the largest promotion, not by the
file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec

from gogobe.feeds.promotions import ITEM_TERMS
from gogobe.records.rows import Promotion

# More than the PromoFull of a store needs: 30,000 promotions with 150,000 items take about 50 MB.
MAX_HELD: Final = 64 << 20
# The maximum of different clubs, and of lines of remarks, of one promotion. Real promotions have a few.
MAX_TEXTS: Final = 1000
_PROMOTION_BYTES: Final = 800
_ITEM_BYTES: Final = 200
# Terms that must be equal in all elements of a promotion that have them.
_TERMS: Final = (
    *("description", "starts_at", "ends_at", *ITEM_TERMS, "min_items_offered", "min_purchase_amount"),
    *("min_basket_amount", "min_amount", "max_amount", "gift_count", "redemption_limit", "days", "daily_from"),
    *(
        "daily_to",
        "is_weighted",
        "is_coupon",
        "coupon_code",
        "is_active",
        "is_total",
        "allow_multiple_discounts",
    ),
)


class Difference(msgspec.Struct, frozen=True):
    """A field with different values in two elements of one promotion, and the number of the second row."""

    field: str
    row: int


class _Part(msgspec.Struct):
    """A promotion merged from some of its elements."""

    promotion: Promotion
    difference: Difference | None = None
    cut: bool = False


class PromotionGatherer:
    """Takes the promotions of a file's elements; at the end yields one promotion for each id.

    Items, groups, clubs and remarks of all elements are kept, without duplicates. For other terms the first
    value counts; `differing` counts the promotions with more than one value, and `difference` has the first
    of them. A promotion keeps at most `max_items` items and groups, and `MAX_TEXTS` clubs and lines of
    remarks; `cut` is the id of the first promotion that had more.
    """

    def __init__(self, max_items: int, max_held: int = MAX_HELD) -> None:
        self._max_items = max_items
        self._most_held = max_held
        self._held: dict[str, _Merged] = {}
        self._bytes = 0
        self._spill: _Spill | None = None
        self.differing = 0
        self.difference: tuple[str, Difference] | None = None
        self.cut: str | None = None

    def add(self, promotion: Promotion) -> None:
        """Adds the promotion of one element."""
        held = self._held.get(promotion.promotion_id)
        if held is None:
            self._held[promotion.promotion_id] = _Merged(_Part(promotion))
        else:
            held.add(_Part(promotion), self._max_items)
        self._bytes += _PROMOTION_BYTES + _ITEM_BYTES * (len(promotion.items) + len(promotion.groups))
        if self._bytes > self._most_held:
            self._put_out()

    def promotions(self) -> Iterator[Promotion]:
        """The promotions in the order of their first elements. Empties the gatherer."""
        if self._spill is not None:
            self._put_out()
            for parts in self._spill.parts():
                yield self._finished(_merged(parts, self._max_items))
            self._spill.close()
            self._spill = None
        while self._held:
            yield self._finished(self._held.pop(next(iter(self._held))))
        self._bytes = 0

    def _put_out(self) -> None:
        if self._spill is None:
            self._spill = _Spill()
        self._spill.add(held.part() for held in self._held.values())
        self._held.clear()
        self._bytes = 0

    def _finished(self, merged: _Merged) -> Promotion:
        part = merged.part()
        if part.difference is not None:
            self.differing += 1
            self.difference = self.difference or (part.promotion.promotion_id, part.difference)
        if part.cut:
            self.cut = self.cut or part.promotion.promotion_id
        return part.promotion


class _Merged:
    """A promotion into which further elements are merged."""

    def __init__(self, part: _Part) -> None:
        self._part = part
        self._seen: set[int] | None = None
        self._clubs: dict[str, None] = {}
        self._remarks: dict[str, None] = {}
        self._groups: dict[str, int] = {}

    def add(self, part: _Part, max_items: int) -> None:
        more, mine = part.promotion, self._part.promotion
        if self._seen is None:
            self._seen = set(map(_digest, mine.items))
            self._clubs = dict.fromkeys(mine.club_ids)
            self._remarks = dict.fromkeys((mine.remarks or "").splitlines())
            self._groups = {group.group_id: place for place, group in enumerate(mine.groups)}
        self._differs(part.difference)
        self._part.cut |= part.cut
        for name in _TERMS:
            self._take(name, getattr(more, name), more.row)
        if mine.updated_at is None or (more.updated_at and more.updated_at > mine.updated_at):
            mine.updated_at = more.updated_at
        self._take_texts(self._clubs, more.club_ids)
        self._take_texts(self._remarks, (more.remarks or "").splitlines())
        self._take_groups(more, max_items)
        digests = ((item, _digest(item)) for item in more.items)
        new = [(item, digest) for item, digest in digests if digest not in self._seen]
        kept = new[: max(max_items - len(mine.items), 0)]
        self._part.cut |= len(kept) < len(new)
        mine.items += [item for item, _ in kept]
        self._seen.update(digest for _, digest in kept)

    def _take_texts(self, known: dict[str, None], more: Iterable[str]) -> None:
        for text in more:
            if text not in known and len(known) >= MAX_TEXTS:
                self._part.cut = True
            else:
                known[text] = None

    def _take_groups(self, more: Promotion, most: int) -> None:
        groups = self._part.promotion.groups
        for group in more.groups:
            place = self._groups.get(group.group_id)
            if place is not None:
                if groups[place] != group:
                    self._differs(Difference("groups", more.row))
            elif len(groups) < most:
                self._groups[group.group_id] = len(groups)
                groups.append(group)
            else:
                self._part.cut = True

    def _take(self, name: str, value: object, row: int) -> None:
        if value is None:
            return
        mine = getattr(self._part.promotion, name)
        if mine is None:
            setattr(self._part.promotion, name, value)
        elif mine != value:
            self._differs(Difference(name, row))

    def _differs(self, difference: Difference | None) -> None:
        self._part.difference = self._part.difference or difference

    def part(self) -> _Part:
        """The promotion merged so far."""
        if self._seen is not None:
            self._part.promotion.club_ids = list(self._clubs)
            self._part.promotion.remarks = "\n".join(self._remarks) or None
        return self._part


def _digest(item: msgspec.Struct) -> int:
    return hash(msgspec.structs.astuple(item))


def _merged(parts: Iterator[_Part], max_items: int) -> _Merged:
    merged = _Merged(next(parts))
    for part in parts:
        merged.add(part, max_items)
    return merged


class _Spill:
    """Parts of promotions in a temporary SQLite database, which is deleted when it is closed."""

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
            "CREATE TABLE begins (promotion_id TEXT PRIMARY KEY, row INTEGER) WITHOUT ROWID;"
            "CREATE TABLE parts (begin INTEGER, row INTEGER, part BLOB, PRIMARY KEY (begin, row))"
            " WITHOUT ROWID;"
        )
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(_Part)

    def add(self, parts: Iterable[_Part]) -> None:
        cursor = self._database.cursor()
        cursor.execute("BEGIN")
        for part in parts:
            promotion = part.promotion
            cursor.execute(
                "INSERT OR IGNORE INTO begins VALUES (?, ?)", (promotion.promotion_id, promotion.row)
            )
            cursor.execute(
                "INSERT INTO parts SELECT row, ?, ? FROM begins WHERE promotion_id = ?",
                (promotion.row, self._encoder.encode(part), promotion.promotion_id),
            )
        cursor.execute("COMMIT")

    def parts(self) -> Iterator[Iterator[_Part]]:
        """The parts of each promotion; promotions are ordered by their first row."""
        rows = self._database.execute("SELECT begin, part FROM parts ORDER BY begin, row")
        for _, group in groupby(rows, key=itemgetter(0)):
            yield (self._decoder.decode(part) for _, part in group)

    def close(self) -> None:
        self._database.close()
