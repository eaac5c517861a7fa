"""Prints an inspection: the facts of a feed file, its problems, and tables of its first rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from rich.table import Table

from gogobe.commands.inspection import Inspection, Row
from gogobe.commands.terminal import PlainConsole, styled
from gogobe.feeds.problems import NOTICES
from gogobe.records.rows import Item, Promotion, RefusedRow, Store

# The fields of a row that are shown, with their headings; `_REFUSED` has those of a refused row.
_SHOWN: Final[dict[type[Row], dict[str, str]]] = {
    Item: {
        "row": "row", "item_code": "code", "name": "name", "price": "price", "manufacturer": "manufacturer",
        "price_updated_at": "updated",
    },
    Promotion: {
        "row": "row", "promotion_id": "id", "description": "description", "starts_at": "from", "ends_at": "to",
        "discounted_price": "price", "items": "items",
    },
    Store: {
        "row": "row", "sub_chain_id": "sub-chain", "store_id": "store", "name": "name", "address": "address",
        "city": "city",
    },
}  # fmt: skip
_WORDS: Final = frozenset({"name", "description", "manufacturer", "address", "city"})
_REFUSED: Final = {"row": "row", "line": "line", "reason": "refused", "item_code": "code", "detail": "price"}


def print_inspection(inspection: Inspection, console: PlainConsole) -> None:
    """Prints a file's facts and its first rows."""
    console.print(styled(inspection.file, "bold"), soft_wrap=True)
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, fact in _facts(inspection):
        facts.add_row(f"  {name}", fact)
    for code, detail in zip(inspection.problems, inspection.details, strict=True):
        facts.add_row(styled(f"  {code}", "yellow" if code in NOTICES else "red"), detail)
    console.print(facts)
    if inspection.unknown_elements:
        console.print(_unknown_elements(inspection.unknown_elements))
    if isinstance(inspection.rows, list) and inspection.rows:
        console.print(_table_of(inspection.rows, _SHOWN[type(inspection.rows[0])]))
    if isinstance(inspection.refused_rows, list) and inspection.refused_rows:
        console.print(_table_of(inspection.refused_rows, _REFUSED))
    console.print()


def _unknown_elements(counts: Mapping[str, int]) -> Table:
    table = Table()
    table.add_column("unknown element", overflow="fold")
    table.add_column("times", justify="right")
    for path, count in counts.items():
        table.add_row(path, f"{count}")
    return table


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
        codes = f"{inspection.first_code} … {inspection.last_code}, {inspection.distinct_codes} distinct"
        yield "codes", codes
        yield "price sum", f"{inspection.price_sum}"
    yield "complete", f"{'yes' if inspection.complete else 'no'}, read in {inspection.seconds} s"


def _table_of(rows: Iterable[Row | RefusedRow], headings: Mapping[str, str]) -> Table:
    """A table of the rows' fields under these headings, without empty columns."""
    columns = {name: [_shown(getattr(row, name)) for row in rows] for name in headings}
    columns = {name: texts for name, texts in columns.items() if any(texts)}
    table = Table()
    for name in columns:
        # On a narrow terminal names are wrapped; codes and prices are not.
        words = name in _WORDS
        table.add_column(headings[name], no_wrap=not words, min_width=12 if words else None)
    for texts in zip(*columns.values(), strict=True):
        table.add_row(*texts)
    return table


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return str(len(value)) if isinstance(value, list) else str(value)
