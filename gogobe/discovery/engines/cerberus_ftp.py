"""Cerberus by FTP: one user a chain, all files in one folder, over explicit TLS.

The address is `ftps://HOST/FOLDER`. Data connections go to the control connection's host, because the server's
passive address may be a private one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from gogobe.discovery.client import PortalClient
from gogobe.discovery.ftp import folder_of
from gogobe.discovery.listing import ListedFile
from gogobe.discovery.portal import Portal


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The folder's files. A file's address has no user; the chain's settings do."""
    for entry in await client.list_folder(folder_of(portal.settings.url)):
        if not entry.is_folder:
            yield ListedFile(portal.base + quote(entry.name), entry.name, entry.size, entry.modified)
