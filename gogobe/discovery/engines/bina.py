"""Bina: a JSON listing that is cut at 1,000 rows and therefore requested in smaller parts.

    GET MainIO_Hok.aspx?WStore=&WDate=dd/mm/yyyy&WFileType=0  → [{"FileNm", "Store", "DateFile", …}, …]
    GET Download.aspx?FileNm=NAME                             → [{"SPath": address}]

A day is requested as a whole; if that is cut, by type; a type that is cut, by store. The stores are those of
all rows seen so far, for any day and type. If the part of one store is cut, the listing fails.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from typing import Any, Final

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import time_of
from gogobe.feeds.names import parse_if_known
from gogobe.io.bina import download_address

CUT_ROWS: Final = 1000
EVERY_TYPE: Final = "0"
TYPES: Final = ("1", "2", "3", "4", "5")  # Stores, Price, Promo, PriceFull, PromoFull


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files of the last days. A file's address is the request that returns its location."""
    seen: set[str] = set()
    async for row in _rows(portal, client):
        name = str(row.get("FileNm") or "").strip()
        if name and name not in seen:
            seen.add(name)
            address = download_address(portal.base, name)
            yield ListedFile(address, name, None, time_of(row.get("DateFile"), portal.zone))


async def _rows(portal: Portal, client: PortalClient) -> AsyncIterator[dict[str, Any]]:
    stores: set[str] = client.state.setdefault("stores", set())
    for day in portal.days(client.now()):
        whole = await _part(portal, client, day)
        for row in _noted(whole, stores):
            yield row
        if len(whole) < CUT_ROWS:
            continue
        cut = []
        for kind in TYPES:
            rows = await _part(portal, client, day, kind)
            for row in _noted(rows, stores):
                yield row
            if len(rows) >= CUT_ROWS:
                cut.append(kind)
        for kind in cut:
            for store in sorted(stores):
                rows = await _part(portal, client, day, kind, store)
                for row in rows:
                    yield row
                if len(rows) >= CUT_ROWS:
                    raise ListingError(
                        "listing_cut", f"{portal.host}: {len(rows)} rows of type {kind} for store {store} alone"
                    )


async def _part(
    portal: Portal, client: PortalClient, day: date, kind: str = EVERY_TYPE, store: str = ""
) -> list[dict[str, Any]]:
    page = await client.get(
        f"{portal.base}MainIO_Hok.aspx",
        params={"WStore": store, "WDate": f"{day:%d/%m/%Y}", "WFileType": kind},
    )
    rows = page.json()
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ListingError("not_a_listing", f"{page.url}: expected a list of objects")
    return rows


def _noted(rows: list[dict[str, Any]], stores: set[str]) -> list[dict[str, Any]]:
    """Adds the rows' stores to `stores`; returns the rows."""
    for row in rows:
        # A store is a number and a name; if it is missing, the file's name has the number.
        number = str(row.get("Store") or "").strip().partition(" ")[0]
        if not number.isdecimal():
            name = parse_if_known(str(row.get("FileNm") or "").strip())
            number = name.store_id or "" if name else ""
        if number:
            stores.add(number)
    return rows
