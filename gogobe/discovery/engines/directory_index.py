"""Any directory index, `depth` folders deep: FTP, FTPS, or HTTP as written by Apache, nginx, IIS and others."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from lxml import html

from gogobe.discovery.client import PortalClient
from gogobe.discovery.ftp import folder_of
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import asks_for_login, join, last_part, size_of, text_of, time_of

# As Apache, nginx and IIS write it.
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?"
    r"|\d\d-\w{3}-\d{4} \d\d:\d\d(?::\d\d)?"
    r"|\d{1,2}/\d{1,2}/\d{4}\s+\d{1,2}:\d\d(?: [AP]M)?"
)
_SIZE: Final = re.compile(r"(?<![\w.:/-])\d+(?:\.\d+)?\s?[KMGT]?B?(?![\w.:/-])", re.IGNORECASE)
_IIS_TIME: Final = "%m/%d/%Y %I:%M %p"


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The files of the folder at the portal's address, and of the folders below it."""
    folders = [(portal.base, 0)]
    while folders:
        address, depth = folders.pop()
        if portal.settings.url.startswith("ftp"):
            found, below = await _ftp_folder(client, address)
        else:
            found, below = await _http_folder(portal, client, address)
        for file in found:
            yield file
        if depth < portal.settings.depth:
            folders += [(folder, depth + 1) for folder in sorted(below)]


async def _ftp_folder(client: PortalClient, address: str) -> tuple[list[ListedFile], list[str]]:
    entries = await client.list_folder(folder_of(address))
    files = [
        ListedFile(address + quote(entry.name), entry.name, entry.size, entry.modified)
        for entry in entries
        if not entry.is_folder
    ]
    return files, [f"{address}{quote(entry.name)}/" for entry in entries if entry.is_folder]


async def _http_folder(
    portal: Portal, client: PortalClient, address: str
) -> tuple[list[ListedFile], list[str]]:
    page = await client.get(address, conditional=portal.settings.depth == 0)
    document = await page.document()
    if asks_for_login(document):
        raise ListingError("login_failed", f"{page.url}: a login page instead of an index")
    base = page.url.partition("?")[0].rsplit("/", 1)[0] + "/"
    files: dict[str, ListedFile] = {}
    folders = set()
    for link in document.iter("a"):
        target = join(base, link.get("href", ""))
        # Only entries of this folder: not its parent, not the same index in another order.
        if target is None or not _is_child(base, target):
            continue
        if target.endswith("/"):
            folders.add(target)
        else:
            time, size = _time_and_size(link)
            modified = time_of(time, portal.zone, _IIS_TIME if time.endswith("M") else "")
            files.setdefault(target, ListedFile(target, last_part(target), size_of(size), modified))
    if not files and not folders and not _is_index(document):
        raise ListingError("not_a_listing", f"{page.url}: not a directory index")
    return list(files.values()), list(folders)


def _is_child(base: str, target: str) -> bool:
    parts, own = urlsplit(target), urlsplit(base)
    if (parts.scheme, parts.netloc) != (own.scheme, own.netloc) or parts.query:
        return False
    path, folder = unquote(parts.path), unquote(own.path)
    return path.startswith(folder) and path != folder and "/" not in path[len(folder) :].rstrip("/")


def _is_index(document: html.HtmlElement) -> bool:
    """Whether a page without entries is the index of an empty folder, by its title or a link to the parent."""
    title = text_of(document.find(".//title")).lower()
    if "index of" in title or "directory listing" in title:
        return True
    return any(
        link.get("href") in ("..", "../") or "parent" in text_of(link).lower() for link in document.iter("a")
    )


def _time_and_size(link: html.HtmlElement) -> tuple[str, str]:
    """The time and the size in the link's table row, or on its line."""
    row = next(link.iterancestors("tr"), None)
    if row is not None:
        text = " ".join(text_of(cell) for cell in row.iter("td") if link not in cell.iter("a"))
    else:
        previous = link.getprevious()
        before = (previous.tail if previous is not None else link.getparent().text) or ""
        after = (link.tail or "").strip()
        text = after.splitlines()[0] if after else before.strip().splitlines()[-1] if before.strip() else ""
    time = _TIME.search(text)
    rest = text[time.end() :] if time else text
    sizes = _SIZE.findall(rest)
    return (" ".join(time[0].split()) if time else ""), (sizes[-1] if sizes else "")
