"""Prints an inspection: the facts of a feed file, its problems, and tables of its first rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from gogobe.commands.inspection import Inspection, Row
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole, styled
from gogobe.feeds.problems import NOTICES
from gogobe.records.money import money
from gogobe.records.rows import Item, Promotion, RefusedRow, Store

# The fields of a row that are shown, with their columns.
_ROW: Final = Column("row", right=True, rank=2)
_SHOWN: Final[dict[type[Row | RefusedRow], dict[str, Column]]] = {
    Item: {
        "row": _ROW,
        "item_code": Column("code"),
        "name": Column("name", words=True),
        "price": Column("price", right=True),
        "manufacturer": Column("manufacturer", words=True, rank=1),
        "price_updated_at": Column("updated", rank=3),
    },
    Promotion: {
        "row": _ROW,
        "promotion_id": Column("id"),
        "description": Column("description", words=True),
        "starts_at": Column("from", rank=1),
        "ends_at": Column("to", rank=1),
        "discounted_price": Column("price", right=True),
        "items": Column("items", right=True, rank=2),
    },
    Store: {
        "row": _ROW,
        "sub_chain_id": Column("sub-chain", rank=1),
        "store_id": Column("store"),
        "name": Column("name", words=True),
        "address": Column("address", words=True, rank=1),
        "city": Column("city", words=True),
    },
    RefusedRow: {
        "row": _ROW,
        "line": Column("line", right=True, rank=1),
        "reason": Column("refused"),
        "item_code": Column("code"),
        "detail": Column("price"),
    },
}
UNKNOWN_ELEMENTS: Final = (Column("unknown element"), Column("times", right=True))


def print_inspection(inspection: Inspection, console: PlainConsole) -> None:
    """Prints a file's facts and its first rows."""
    console.print(styled(inspection.file, "bold"), soft_wrap=True)
    for name, fact in _facts(inspection):
        console.print(styled(f"  {name:13}", "dim"), fact, soft_wrap=True)
    for code, detail in zip(inspection.problems, inspection.details, strict=True):
        colour = "yellow" if code in NOTICES else "red"
        console.print(styled(f"  {code:13}", colour), detail, soft_wrap=True)
    if inspection.unknown_elements:
        counts = [[path, f"{count:,}"] for path, count in inspection.unknown_elements.items()]
        print_table(console, UNKNOWN_ELEMENTS, counts)
    if isinstance(inspection.rows, list):
        _print_rows(console, inspection.rows)
    if isinstance(inspection.refused_rows, list):
        _print_rows(console, inspection.refused_rows)
    console.print()


def _facts(inspection: Inspection) -> Iterator[tuple[str, str]]:
    """The facts to show for the file's kind, each with its label."""
    kind = inspection.kind
    yield "feed", f"{kind or 'none'}, chain {inspection.chain_id or '?'}, store {inspection.store_id or '?'}"
    yield "container", f"{inspection.container}, {inspection.encoding}"
    counts = "" if inspection.announced is None else f" of {inspection.announced} announced"
    if inspection.refused:
        reasons = ", ".join(f"{count} {reason}" for reason, count in inspection.refused_reasons.items())
        counts += f"; {inspection.refused} refused ({reasons})"
    if kind in ("price", "pricefull"):
        yield "items", f"{inspection.items}{counts}"
    elif kind == "stores":
        yield "stores", f"{inspection.stores}{counts}"
    elif kind is not None:
        yield "promotions", f"{inspection.promotions}{counts}"
        yield "their items", f"{inspection.promotion_items}, and {inspection.gift_items} gifts"
        for name, value in inspection.constants.items():
            yield "constant", f"{name} is {value} in every promotion: ignored"
    if inspection.first_code is not None:
        codes = f"{inspection.first_code} to {inspection.last_code}, {inspection.distinct_codes} distinct"
        yield "codes", codes
        yield "price sum", money(Decimal(inspection.price_sum or 0))
    yield "complete", f"{'yes' if inspection.complete else 'no'}, read in {inspection.seconds} s"


def _print_rows(console: PlainConsole, rows: Sequence[Row | RefusedRow]) -> None:
    """Prints rows of one type."""
    if rows:
        columns = _SHOWN[type(rows[0])]
        texts = [[_shown(getattr(row, name)) for name in columns] for row in rows]
        print_table(console, tuple(columns.values()), texts, stacked_from=1)


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return money(value)
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d}"
    return str(len(value)) if isinstance(value, list) else str(value)
