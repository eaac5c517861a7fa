"""Summaries of the two masters of a review pair, for a person to compare: prices, size, codes and chains."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from gogobe.database.connection import Connection, fetch_as
from gogobe.records.money import money


class MasterSummary(msgspec.Struct, frozen=True):
    """A master: its current prices in the chains' currency (None: it is not sold now), its size, up to five
    of its codes, barcodes first, and the chains that sell it."""

    master_id: int
    name: str | None
    quantity: Decimal | None
    unit: str | None
    cheapest: Decimal | None
    dearest: Decimal | None
    stores: int
    codes: list[str]
    chains: list[str]


_SUMMARIES: Final = """
    SELECT m.master_id, m.name, m.quantity, m.unit_of_measure AS unit, sold.cheapest, sold.dearest,
           coalesce(sold.stores, 0)::integer AS stores, coalesce(named.codes, '{}') AS codes,
           coalesce(sold.chains, '{}') AS chains
    FROM masters m
    LEFT JOIN LATERAL (
        SELECT min(v.cheapest) AS cheapest, max(v.dearest) AS dearest, sum(v.stores) AS stores,
               array_agg(DISTINCT c.name ORDER BY c.name) AS chains
        FROM master_chain_prices v JOIN chains c ON c.chain_id = v.chain_id
        WHERE v.master_id = coalesce(m.merged_into, m.master_id)
    ) sold ON true
    LEFT JOIN LATERAL (
        SELECT (array_agg(code ORDER BY length(code) DESC, code))[1:5] AS codes
        FROM (SELECT DISTINCT a.item_code AS code FROM master_aliases a WHERE a.master_id = m.master_id) found
    ) named ON true
    WHERE m.master_id = ANY(%s)
"""


def summaries_of(connection: Connection, master_ids: Iterable[int]) -> dict[int, MasterSummary]:
    """The masters with these ids, by id; prices are those of the last refresh of the views."""
    found = fetch_as(connection, MasterSummary, _SUMMARIES, (sorted(set(master_ids)),))
    return {one.master_id: one for one in found}


def summary_line(summary: MasterSummary | None) -> str:
    """A summary as one line: price, size, codes, chains."""
    if summary is None:
        return "not in the database"
    price = "not sold now"
    if summary.cheapest is not None and summary.dearest is not None:
        price = money(summary.cheapest)
        price += f" to {money(summary.dearest)}" if summary.dearest != summary.cheapest else ""
        price += f" in {summary.stores} store{'s' if summary.stores > 1 else ''}"
    size = " ".join(
        filter(None, (f"{summary.quantity.normalize():f}" if summary.quantity else "", summary.unit or ""))
    )
    parts = (
        price,
        size,
        f"codes {', '.join(summary.codes)}" if summary.codes else "",
        ", ".join(summary.chains),
    )
    return "; ".join(filter(None, parts))
