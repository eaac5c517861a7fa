"""PublishPrice: an HTML page whose script holds the day's folder and its files.

    const path = '20260811';
    const files = [{"name": "Price….gz", "size": 581, "modified": "12:00 11-08-2026"}, …];

The page at the address is today's; an earlier day's is at `?p=./YYYYMMDD`. Files are at `FOLDER/NAME`.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.page import Page
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import size_of, time_of

_PATH: Final = re.compile(r"""\bpath\s*=\s*["']([^"'<>]*)["']""")
_FILES: Final = re.compile(r"\bfiles\s*=\s*(?=\[)")


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files of the last days; each day once, also if the default page is yesterday's."""
    seen: set[str] = set()
    for number, day in enumerate(portal.days(client.now())):
        params = {"p": f"./{day:%Y%m%d}"} if number else None
        folder, rows = _listing(await client.get(portal.settings.url, params=params))
        if folder in seen:
            continue
        seen.add(folder)
        for row in rows:
            name = str(row.get("name") or "").strip()
            if name:
                address = portal.base + "/".join(quote(part) for part in (*folder.split("/"), name) if part)
                modified = time_of(row.get("modified"), portal.zone)
                yield ListedFile(address, name, size_of(row.get("size")), modified)


def _listing(page: Page) -> tuple[str, list[dict[str, Any]]]:
    """The folder and its files, from the page's script."""
    text = page.text()
    files = _FILES.search(text)
    if files is None:
        raise ListingError("not_a_listing", f"{page.url}: no list `files` in the page's script")
    try:
        rows, _ = json.JSONDecoder().raw_decode(text, files.end())
    except (ValueError, RecursionError) as error:
        raise ListingError("not_a_listing", f"{page.url}: the list `files` is no JSON: {error}") from error
    if not all(isinstance(row, dict) for row in rows):
        raise ListingError("not_a_listing", f"{page.url}: the list `files` holds no objects")
    path = _PATH.search(text)
    return (path[1].removeprefix("./").strip("/") if path else ""), rows
