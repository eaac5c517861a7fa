"""Netiv Hesed: a page for each day, `?Date=YYYY-MM-DD`, with links `/Prices/Download?fileName=NAME`."""

from __future__ import annotations

from collections.abc import AsyncIterator

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import join, parameter, size_of, text_of


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files of the last days. Today's page may be empty. Raises ListingError if no day has a link: the
    portal's bot protection answers with other pages."""
    found = False
    for day in portal.days(client.now()):
        page = await client.get(portal.settings.url, params={"Date": day.isoformat()})
        document = await page.document()
        for link in document.iter("a"):
            address = join(page.url, link.get("href", ""))
            name = parameter(address, "fileName") if address else None
            if address and name:
                found = True
                yield ListedFile(address, name, _size_in_row(link))
    if not found:
        raise ListingError("not_a_listing", f"{portal.settings.url}: no link to a file on any day's page")


def _size_in_row(link: object) -> int | None:
    """The size in another cell of the link's row; None without one."""
    row = next(link.iterancestors("tr"), None)  # type: ignore[attr-defined]
    cells = row.iter("td") if row is not None else ()
    sizes = (size_of(text) for cell in cells if (text := text_of(cell)).upper().endswith("B"))
    return next((size for size in sizes if size is not None), None)
