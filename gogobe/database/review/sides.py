"""The two masters of a review pair as a person compares them: prices, size, codes and chains."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec
from psycopg.rows import class_row

from gogobe.database.connection import Connection


class Side(msgspec.Struct, frozen=True):
    """A master: its current prices in the chains' currency (None: it is not sold now), its size, up to five of
    its codes, barcodes first, and the chains that sell it."""

    master_id: int
    name: str | None
    quantity: Decimal | None
    unit: str | None
    cheapest: Decimal | None
    dearest: Decimal | None
    stores: int
    codes: list[str]
    chains: list[str]


_SIDES: Final = """
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


def sides_of(connection: Connection, master_ids: Iterable[int]) -> dict[int, Side]:
    """The masters with these ids, by id; prices are those of the last refresh of the views."""
    with connection.cursor(row_factory=class_row(Side)) as cursor:
        return {side.master_id: side for side in cursor.execute(_SIDES, (sorted(set(master_ids)),))}


def side_words(side: Side | None) -> str:
    """A side in a line: price, size, codes, chains."""
    if side is None:
        return "not in the database"
    price = "not sold now"
    if side.cheapest is not None and side.dearest is not None:
        price = f"{side.cheapest:.2f}"
        price += f" to {side.dearest:.2f}" if side.dearest != side.cheapest else ""
        price += f" in {side.stores} store{'s' if side.stores > 1 else ''}"
    size = " ".join(filter(None, (f"{side.quantity.normalize():f}" if side.quantity else "", side.unit or "")))
    parts = (price, size, f"codes {', '.join(side.codes)}" if side.codes else "", ", ".join(side.chains))
    return "; ".join(filter(None, parts))
