"""One module for each engine: its `list_files` yields the files that a portal of its kind publishes now.

An engine is an asynchronous generator over `(portal, client)`. It yields each file as soon as it is read. It
raises `ListingError` if the listing fails, at the start or part way (files yielded before are announced), and
`NotModified` if the portal reports no change. All requests go through the client, which is polite and bounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from gogobe.discovery.client import Engine
from gogobe.discovery.engines import (
    bina,
    cerberus_ftp,
    cerberus_web,
    directory_index,
    html_links,
    laibcatalog,
    meshnat_yosef,
    netiv_hesed,
    paged_html,
    publishprice,
    wolt,
)

ENGINES: Final[Mapping[str, Engine]] = {
    "bina": bina.list_files,
    "cerberus_ftp": cerberus_ftp.list_files,
    "cerberus_web": cerberus_web.list_files,
    "directory_index": directory_index.list_files,
    "html_links": html_links.list_files,
    "laibcatalog": laibcatalog.list_files,
    "meshnat_yosef": meshnat_yosef.list_files,
    "netiv_hesed": netiv_hesed.list_files,
    "paged_html": paged_html.list_files,
    "publishprice": publishprice.list_files,
    "wolt": wolt.list_files,
}
