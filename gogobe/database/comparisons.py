"""Price comparison: a master's current price in each chain, with the best running offer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, connect
from gogobe.database.offers import best_offers
from gogobe.database.search import find_masters
from gogobe.records.offers import OpenOffer


class ChainPrice(msgspec.Struct, frozen=True):
    """A master's current price in one chain's stores, in the chain's currency; `median` is the price of an
    actual store. `last_seen_at` is the publication time (UTC) of the newest file that lists it; `is_old` says
    that it is too old to compare. `offer` is the best promotion that is running now."""

    chain: str
    chain_id: str
    cheapest: Decimal
    median: Decimal
    dearest: Decimal
    stores: int
    last_seen_at: datetime
    is_old: bool
    offer: OpenOffer | None = None


class MasterComparison(msgspec.Struct, frozen=True):
    """A master and its price by chain: the cheapest chain first, chains with an old price last."""

    master_id: int
    name: str | None
    brand: str | None
    prices: list[ChainPrice]


WEIGHED_CANDIDATES: Final = 50
"""Masters found by a name, among which `sold_by_weight` looks for goods that are sold by weight."""
BEST_WEIGHED: Final = 5
"""The best of these, of which it takes the one that most chains sell."""

_BY_CODE: Final = """
    SELECT DISTINCT coalesce(m.merged_into, m.master_id) AS master_id FROM masters m
    WHERE m.master_id IN (
        SELECT %(number)s::bigint
        UNION SELECT a.master_id FROM master_aliases a WHERE a.item_code = ANY(%(codes)s))
    ORDER BY 1 LIMIT %(limit)s
"""

_WEIGHED: Final = """
    SELECT DISTINCT coalesce(m.merged_into, m.master_id) FROM masters m
    JOIN master_aliases a ON a.master_id = m.master_id
    WHERE (m.master_id = ANY(%(ids)s) OR m.merged_into = ANY(%(ids)s)) AND a.is_weighted
"""

_CHAINS_OF: Final = """
    SELECT master_id, count(*) FROM master_chain_prices
    WHERE master_id = ANY(%(ids)s) AND last_seen_at >= coalesce(%(as_of)s, now()) - price_max_age()
    GROUP BY master_id
"""

_MOST_SOLD: Final = """
    SELECT master_id FROM master_search ORDER BY chains DESC, stores DESC, master_id LIMIT %(limit)s
"""

_NEWEST: Final = "SELECT max(last_seen_at) FROM master_chain_prices"

_MASTERS: Final = """
    SELECT m.master_id, m.name, m.brand, c.name, v.chain_id, v.cheapest, v.median, v.dearest, v.stores,
           v.last_seen_at, v.last_seen_at < coalesce(%(as_of)s, now()) - price_max_age() AS is_old
    FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (master_id, place)
    JOIN masters m ON m.master_id = wanted.master_id
    JOIN master_chain_prices v ON v.master_id = m.master_id
    JOIN chains c ON c.chain_id = v.chain_id
    ORDER BY wanted.place, is_old, v.cheapest, c.name, v.chain_id
"""


def compare_prices(
    dsn: Dsn, query: str, limit: int = 10, as_of: datetime | None = None
) -> list[MasterComparison]:
    """Masters that are sold now and match the query, with their price by chain, the best match first.

    A query of digits is a barcode (leading zeros do not matter) or a chain's own code; any other query is
    words of a name (`gogobe.database.search`). A price's age is measured at `as_of` (aware; None: now).
    """
    with connect(dsn) as connection:
        return _comparisons(connection, masters_of_query(connection, query, limit), as_of)


def sold_by_weight(dsn: Dsn, names: Sequence[str], as_of: datetime | None = None) -> list[MasterComparison]:
    """For each name a master that is sold by weight, with its price by chain: of the best matches the one that
    most chains sell. Names without a match are left out; a master that several names match appears once."""
    best: list[int] = []
    with connect(dsn) as connection:
        for name in names:
            found = find_masters(connection, name, WEIGHED_CANDIDATES)
            weighed = set(_ids(connection, _WEIGHED, {"ids": found}))
            matches = [master_id for master_id in found if master_id in weighed][:BEST_WEIGHED]
            values = {"ids": matches, "as_of": as_of}
            chains: dict[int, int] = dict(connection.execute(_CHAINS_OF, values).fetchall())
            best += sorted(matches, key=lambda master_id: -chains.get(master_id, 0))[:1]
        return _comparisons(connection, list(dict.fromkeys(best)), as_of)


def most_sold(dsn: Dsn, n: int, as_of: datetime | None = None) -> list[MasterComparison]:
    """The `n` masters that most chains sell (then most stores), with their price by chain."""
    with connect(dsn) as connection:
        return _comparisons(connection, _ids(connection, _MOST_SOLD, {"limit": n}), as_of)


def newest_price(dsn: Dsn) -> datetime | None:
    """The publication time (UTC) of the newest price; None without prices. A database of old files uses it as
    `as_of`."""
    with connect(dsn) as connection:
        newest: datetime | None
        (newest,) = connection.execute(_NEWEST).fetchone() or (None,)
        return newest


def masters_of_query(connection: Connection, query: str, limit: int) -> list[int]:
    """The masters that a query matches: by barcode, by a chain's code, or by words."""
    text = query.strip()
    if text.isascii() and text.isdecimal():
        return _by_code(connection, text, limit)
    return find_masters(connection, text, limit)


def _by_code(connection: Connection, digits: str, limit: int) -> list[int]:
    bare = digits.lstrip("0") or "0"
    number = int(bare) if len(bare) <= 16 else -1
    codes = sorted({digits, bare, *(bare.zfill(length) for length in (8, 12, 13, 14))})
    return _ids(connection, _BY_CODE, {"number": number, "codes": codes, "limit": limit})


def _ids(connection: Connection, statement: str, values: dict[str, Any]) -> list[int]:
    return [row[0] for row in connection.execute(statement.encode(), values)]


def _comparisons(
    connection: Connection, master_ids: Sequence[int], as_of: datetime | None
) -> list[MasterComparison]:
    found: dict[int, MasterComparison] = {}
    offers = best_offers(connection, master_ids, as_of)
    values = {"ids": list(master_ids), "as_of": as_of}
    for master_id, name, brand, *price in connection.execute(_MASTERS, values):
        comparison = found.setdefault(master_id, MasterComparison(master_id, name, brand, []))
        one = ChainPrice(*price)
        offer = offers.get((master_id, one.chain_id))
        comparison.prices.append(msgspec.structs.replace(one, offer=offer))
    return list(found.values())
