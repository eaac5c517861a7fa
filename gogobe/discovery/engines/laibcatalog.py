"""Laibcatalog: a JSON interface that lists the files of a ChainId; empty until the first files of a morning.

GET webapi/api/getfiles?edi=CHAINID   → [{"fileName", "fileSize", "fileDate" or "lastModified"}, …]
GET webapi/CHAINID/NAME               the file
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.page import Page
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import size_of, time_of

_WRAPPERS: Final = ("files", "data", "items", "results")


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files of each of the chain's ids."""
    is_single = len(portal.chain_ids) == 1
    for chain_id in portal.chain_ids:
        page = await client.get(
            f"{portal.base}webapi/api/getfiles", params={"edi": chain_id}, conditional=is_single
        )
        for row in _rows(page):
            name = str(row.get("fileName") or "").strip()
            if name:
                modified = row.get("lastModified") or row.get("fileDate")
                yield ListedFile(
                    f"{portal.base}webapi/{quote(chain_id)}/{quote(name)}",
                    name,
                    size_of(row.get("fileSize")),
                    time_of(modified, portal.zone),
                )


def _rows(page: Page) -> list[dict[str, Any]]:
    found = page.json()
    if isinstance(found, dict):
        found = next((found[name] for name in _WRAPPERS if name in found), None)
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise ListingError("not_a_listing", f"{page.url}: expected a list of files")
    return found
