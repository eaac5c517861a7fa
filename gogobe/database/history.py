"""The price history of a product, by chain: from the oldest known price to the current one."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.comparisons import masters_of_query
from gogobe.database.connection import connect


class PricePoint(msgspec.Struct, frozen=True):
    """A price that a chain's code had in some stores from `since` (publication time, UTC), in the chain's
    currency. `is_first`: the oldest known price there. `ended_at`: when the last of these stores stopped
    listing the code; None while one of them lists it."""

    chain: str
    chain_id: str
    item_code: str
    since: datetime
    price: Decimal
    stores: int
    is_first: bool
    ended_at: datetime | None


class MasterHistory(msgspec.Struct, frozen=True):
    """A master and its prices by chain and code, oldest first."""

    master_id: int
    name: str | None
    points: list[PricePoint]


# The view current_prices lacks ended prices, which are part of the history.
_POINTS: Final = """
    SELECT ch.name, s.chain_id, h.item_code, h.since, h.price, count(*)::integer, h.is_first,
           CASE WHEN bool_and(h.ended_at IS NOT NULL) THEN max(h.ended_at) END
    FROM masters m
    JOIN master_aliases a ON a.master_id = m.master_id
    JOIN stores s ON s.chain_id = a.chain_id
    JOIN chains ch ON ch.chain_id = s.chain_id
    JOIN price_history h ON h.store_key = s.store_key AND h.item_code = a.item_code
    WHERE coalesce(m.merged_into, m.master_id) = %(master_id)s
      AND (%(city_code)s::integer IS NULL OR city_key(s.city) IN (
          SELECT name_key FROM city_names WHERE city_code = %(city_code)s))
    GROUP BY ch.name, s.chain_id, h.item_code, h.since, h.price, h.is_first
    ORDER BY ch.name, s.chain_id, h.item_code, h.since, h.price
"""
_NAME: Final = "SELECT name FROM masters WHERE master_id = %s"


def price_history(dsn: Dsn, query: str, limit: int = 1, city_code: int | None = None) -> list[MasterHistory]:
    """The price history of the masters that a query matches (a barcode, a chain's code, a master's id,
    words), in all stores or those of a city."""
    found: list[MasterHistory] = []
    with connect(dsn) as connection:
        for master_id in masters_of_query(connection, query, limit):
            values = {"master_id": master_id, "city_code": city_code}
            points = [PricePoint(*row) for row in connection.execute(_POINTS, values)]
            (name,) = connection.execute(_NAME, (master_id,)).fetchone() or (None,)
            if points:
                found.append(MasterHistory(master_id, name, points))
    return found
