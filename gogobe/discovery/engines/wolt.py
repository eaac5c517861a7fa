"""Wolt: an index links to a page for each day, `YYYY-MM-DD.html`, which links to `download/YYYY-MM-DD/NAME`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.page import Page
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import join, last_part

_DAY_PAGE: Final = re.compile(r"\d{4}-\d\d-\d\d\.html")


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files of the newest days in the index."""
    index = await client.get(portal.settings.url)
    days = sorted({link for link in await _links(index) if _DAY_PAGE.fullmatch(last_part(link))}, key=last_part)
    if not days:
        raise ListingError("not_a_listing", f"{index.url}: no link to a day's page")
    for day in reversed(days[-portal.settings.days :]):
        for link in await _links(await client.get(day)):
            if "/download/" in link:
                yield ListedFile(link, last_part(link))


async def _links(page: Page) -> list[str]:
    document = await page.document()
    return [link for href in document.xpath("//a/@href") if (link := join(page.url, href))]
