"""A table of links in pages: `?page=N` until the last page that the pages themselves link to.

Signed links are HTML-escaped (`&amp;`) and expire soon. With `newest_first`, a listing ends at a page of known
files; once an hour it is read to its end.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import Final

from lxml import html

from gogobe.discovery.client import PortalClient
from gogobe.discovery.engines.html_links import days_of, files_on
from gogobe.discovery.listing import ListedFile
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import parameter

WHOLE_SECONDS: Final = 3600.0
_NUMBER: Final = re.compile(r"\d{1,6}")


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files of all pages; for an address with a day, of each day."""
    may_stop = portal.settings.html.newest_first and time.monotonic() < client.state.get("whole_until", 0.0)
    for address in days_of(portal, client.now()):
        async for file in _pages(portal, client, address, may_stop=may_stop):
            yield file
    if not may_stop:
        client.state["whole_until"] = time.monotonic() + WHOLE_SECONDS


async def _pages(
    portal: Portal, client: PortalClient, address: str, *, may_stop: bool
) -> AsyncIterator[ListedFile]:
    name = portal.settings.html.page
    number, last = 1, 1
    while number <= last:
        page = await client.get(address, params={name: str(number)} if number > 1 else None)
        document = await page.document()
        files = files_on(portal, document, page.url)
        for file in files:
            yield file
        if may_stop and files and all(client.known(file) for file in files):
            client.is_whole = False
            return
        last = max(last, _last_page(document, name))
        number += 1


def _last_page(document: html.HtmlElement, name: str) -> int:
    """The highest page number that a page links to, by address or `data-page`."""
    links = (link for link in document.xpath("//a/@href") if f"{name}=" in link)
    numbers = [parameter(link, name) for link in links]
    numbers += document.xpath("//@data-page")
    return max((int(number) for number in numbers if number and _NUMBER.fullmatch(number)), default=1)
