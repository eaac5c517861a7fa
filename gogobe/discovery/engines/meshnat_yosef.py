"""Meshnat Yosef 1: one JSON list, `[{"name", "url", "date"}, …]`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import join, size_of, time_of


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The list's files."""
    page = await client.get(portal.settings.url, conditional=True)
    rows = page.json()
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ListingError("not_a_listing", f"{page.url}: expected a list of objects")
    for row in rows:
        name = str(row.get("name") or "").strip()
        address = join(page.url, str(row.get("url") or ""))
        if name and address:
            yield ListedFile(address, name, size_of(row.get("size")), time_of(row.get("date"), portal.zone))
