"""Any HTML page with links to files, by CSS selectors (`html` in the portal's settings).

The address may have a placeholder for the day: `{day:%Y-%m-%d}` is today and the days before, `days` in all.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from functools import cache

from lxml import html
from lxml.cssselect import CSSSelector

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import asks_for_login, join, last_part, size_of, text_of, time_of


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files that the page links to; for an address with a day, those of each day's page."""
    addresses = days_of(portal, client.now())
    for address in addresses:
        page = await client.get(address, conditional=len(addresses) == 1)
        for file in files_on(portal, await page.document(), page.url):
            yield file


def days_of(portal: Portal, now: datetime) -> list[str]:
    """The portal's address for each of its days; one address if it has no placeholder."""
    url = portal.settings.url
    return [url.format(day=day) for day in portal.days(now)] if "{day" in url else [url]


def files_on(portal: Portal, document: html.HtmlElement, url: str) -> list[ListedFile]:
    """The files of one page. Raises ListingError for a page that is not a listing."""
    layout = portal.settings.html
    if asks_for_login(document):
        raise ListingError("login_failed", f"{url}: a login page instead of a listing")
    if layout.container and not _select(layout.container)(document):
        raise ListingError("not_a_listing", f"{url}: no element matches {layout.container!r}")
    files = (_file(portal, row, url) for row in _select(layout.row)(document))
    return [file for file in files if file is not None]


def _file(portal: Portal, row: html.HtmlElement, url: str) -> ListedFile | None:
    layout = portal.settings.html
    link = row if row.get("href") and not layout.link else _first(row, layout.link)
    address = join(url, link.get("href", "")) if link is not None else None
    if address is None:
        return None
    name = text_of(_first(row, layout.name)) if layout.name else last_part(address)
    modified = time_of(text_of(_first(row, layout.modified)), portal.zone, layout.modified_format)
    return ListedFile(address, name, size_of(text_of(_first(row, layout.size))), modified) if name else None


def _first(row: html.HtmlElement, selector: str) -> html.HtmlElement | None:
    return next(iter(_select(selector)(row)), None) if selector else None


@cache
def _select(selector: str) -> CSSSelector:
    return CSSSelector(selector, translator="html")
