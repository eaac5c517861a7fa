"""Prices and promotions as subjects: two tables that one set of rules loads, ends and merges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, LiteralString

from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Kind

Subject = Literal["prices", "promotions"]
"""The subject of a price or promotion file; also the name of its table."""

_SUBJECTS: Final[Mapping[Kind, Subject]] = {
    "price": "prices",
    "pricefull": "prices",
    "promo": "promotions",
    "promofull": "promotions",
}


@dataclass(frozen=True)
class SubjectTable:
    """The SQL names of a subject: its table, the column of its code there, and the columns of `stores` that
    hold the mark of the newest complete full file.
    """

    table: LiteralString
    code: LiteralString
    full_at: LiteralString
    full_row: LiteralString

    def fill(self, statement: LiteralString) -> bytes:
        """A statement with `{table}`, `{code}`, `{full_at}` and `{full_row}` filled in."""
        return statement.format(
            table=self.table, code=self.code, full_at=self.full_at, full_row=self.full_row
        ).encode()


TABLES: Final[Mapping[Subject, SubjectTable]] = {
    "prices": SubjectTable("prices", "item_code", "prices_full_at", "prices_full_row"),
    "promotions": SubjectTable("promotions", "promotion_id", "promotions_full_at", "promotions_full_row"),
}


def subject_of(kind: Kind) -> Subject | None:
    """The subject of a kind of file; None for Stores files."""
    return _SUBJECTS.get(kind)


def is_full(kind: Kind) -> bool:
    """Whether a file of this kind lists everything that its store has."""
    return kind in ("pricefull", "promofull")


def codes_of(batch: IngestBatch) -> list[str]:
    """The codes of the batch's rows: item codes or promotion ids, never both."""
    return [row.item_code for row in batch.items] or [row.promotion_id for row in batch.promotions]
