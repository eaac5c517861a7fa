"""Prices by city: cities by any spelling of their name, and a master's prices in a city's stores."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Final

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.comparisons import masters_of_query
from gogobe.database.connection import Connection, connect, fetch_as


class City(msgspec.Struct, frozen=True):
    """A city, by number and name of the Central Bureau of Statistics, with its coordinates in degrees, if
    known."""

    city_code: int
    name: str
    latitude: Decimal | None
    longitude: Decimal | None


class StorePrice(msgspec.Struct, frozen=True):
    """A master's price in one store, in the chain's currency. `last_seen_at`: the publication time (UTC) of
    the newest file that lists it; `is_old`: too old to compare."""

    chain: str
    chain_id: str
    store_key: int
    store: str | None
    address: str | None
    city: str | None
    price: Decimal
    last_seen_at: datetime
    is_old: bool


class LocalPrices(msgspec.Struct, frozen=True):
    """A master and its prices in the stores of a city, cheapest first, old ones last."""

    master_id: int
    name: str | None
    city: City
    prices: list[StorePrice]


class UnknownCityError(ValueError):
    """An unknown city; the message has similar names."""


_CITY: Final = """
    SELECT c.city_code, c.name, c.latitude, c.longitude
    FROM city_names n JOIN cities c ON c.city_code = n.city_code WHERE n.name_key = city_key(%s)
"""
_SIMILAR: Final = """
    SELECT name FROM cities
    ORDER BY similarity(search_text(name), search_text(%s)) DESC, name LIMIT 3
"""
# OFFSET 0 keeps the planner from joining the whole view; it is queried once per master.
_PRICES: Final = """
    SELECT wanted.master_id, m.name, p.chain, p.chain_id, p.store_key, p.store, p.address, p.city, p.price,
           p.last_seen_at, p.is_old
    FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (master_id, place)
    JOIN masters m ON m.master_id = wanted.master_id
    CROSS JOIN LATERAL (
        SELECT * FROM current_prices c
        WHERE c.master_id = wanted.master_id AND c.store_key IN (
            SELECT s.store_key FROM stores s
            WHERE city_key(s.city) IN (SELECT name_key FROM city_names WHERE city_code = %(city_code)s))
        OFFSET 0
    ) p
    ORDER BY wanted.place, p.is_old, p.price, p.chain, p.store, p.store_key
"""
CITY_CANDIDATES: Final = 100
"""Masters found by a query, of which the ones that the city's stores sell are shown."""


def city_of(connection: Connection, text: str) -> City:
    """The city with this name, in any spelling, or this number. Raises UnknownCityError."""
    cities = fetch_as(connection, City, _CITY, (text,))
    if not cities:
        similar = ", ".join(name for (name,) in connection.execute(_SIMILAR, (text,)))
        raise UnknownCityError(f"there is no city {text!r}; similar names: {similar}")
    return cities[0]


def prices_in_city(dsn: Dsn, query: str, city: str, limit: int = 10) -> list[LocalPrices]:
    """The masters that match a query, with their prices in the stores of a city, at most `limit`; masters
    that no store there sells are left out. Raises UnknownCityError."""
    found: list[LocalPrices] = []
    with connect(dsn) as connection:
        place = city_of(connection, city)
        ids = masters_of_query(connection, query, max(limit, CITY_CANDIDATES))
        rows = connection.execute(_PRICES, {"ids": ids, "city_code": place.city_code})
        for (master_id, name), prices in groupby(rows, key=lambda row: (row[0], row[1])):
            found.append(LocalPrices(master_id, name, place, [StorePrice(*row[2:]) for row in prices]))
    return found[:limit]
