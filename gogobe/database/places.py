"""Prices near a shopper: cities by any spelling, and a master's prices in the stores of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from psycopg.rows import class_row

from gogobe.database.address import Dsn
from gogobe.database.comparisons import find
from gogobe.database.connection import Connection, connect


class City(msgspec.Struct, frozen=True):
    """A city by the number and name of the Central Bureau of Statistics; its point in degrees, where known."""

    city_code: int
    name: str
    latitude: Decimal | None
    longitude: Decimal | None


class StorePrice(msgspec.Struct, frozen=True):
    """A master's price in one store, in the chain's currency. `last_seen_at`: the newest file (published, UTC)
    that lists it; `is_old`: too old to be compared."""

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
    """A master and its prices in the stores of a city, the cheapest first, old ones last."""

    master_id: int
    name: str | None
    city: City
    prices: list[StorePrice]


class UnknownCityError(ValueError):
    """A city that is in no table and that no store has; the message names similar ones."""


_CITY: Final = """
    SELECT c.city_code, c.name, c.latitude, c.longitude
    FROM city_names n JOIN cities c ON c.city_code = n.city_code WHERE n.name_key = city_key(%s)
"""
_SIMILAR: Final = """
    SELECT name FROM cities
    ORDER BY similarity(search_text(name), search_text(%s)) DESC, name LIMIT 3
"""
# The city's stores first: a chain has many more elsewhere.
_PRICES: Final = """
    SELECT chain, chain_id, store_key, store, address, city, price, last_seen_at, is_old
    FROM current_prices
    WHERE master_id = %(master_id)s AND store_key IN (
        SELECT s.store_key FROM stores s
        WHERE city_key(s.city) IN (SELECT name_key FROM city_names WHERE city_code = %(city_code)s))
    ORDER BY is_old, price, chain, store, store_key
"""
_NAME: Final = "SELECT name FROM masters WHERE master_id = %s"


def city_of(connection: Connection, text: str) -> City:
    """The city with this name, in any spelling, or number. Raises UnknownCityError."""
    with connection.cursor(row_factory=class_row(City)) as cursor:
        city = cursor.execute(_CITY, (text,)).fetchone()
    if city is None:
        similar = ", ".join(name for (name,) in connection.execute(_SIMILAR, (text,)))
        raise UnknownCityError(f"there is no city {text!r}; similar names: {similar}")
    return city


def prices_in_city(dsn: Dsn, query: str, city: str, limit: int = 10) -> list[LocalPrices]:
    """The masters that a query means with their prices in the stores of a city; masters that no store there has
    are left out. Raises UnknownCityError."""
    found: list[LocalPrices] = []
    with connect(dsn) as connection:
        place = city_of(connection, city)
        for master_id in find(connection, query, limit):
            prices = _prices(connection, master_id, place.city_code)
            if prices:
                (name,) = connection.execute(_NAME, (master_id,)).fetchone() or (None,)
                found.append(LocalPrices(master_id, name, place, list(prices)))
    return found


def _prices(connection: Connection, master_id: int, city_code: int) -> Sequence[StorePrice]:
    with connection.cursor(row_factory=class_row(StorePrice)) as cursor:
        return cursor.execute(_PRICES, {"master_id": master_id, "city_code": city_code}).fetchall()
