"""Cerberus by web login: a token from the login page, a session cookie for half an hour, a JSON listing.

    GET  /login          a page with <meta name="csrftoken" content="…">
    POST /login/user     username, password, csrftoken; redirects to /file and sets new cookies
    GET  /file           a page with the token for the listing
    POST /file/json/dir  csrftoken, cd (the folder) → {"aaData": [{"fname", "size", "time"}, …]}

The address is `https://HOST/FOLDER`; files are at `/file/d/FOLDER/NAME`.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from gogobe.discovery.client import PortalClient
from gogobe.discovery.listing import ListedFile, ListingError
from gogobe.discovery.page import Page
from gogobe.discovery.portal import Portal
from gogobe.discovery.texts import size_of, time_of
from gogobe.io.cerberus import (
    FILES_PAGE,
    LOGIN_FORM,
    LOGIN_PAGE,
    SESSION_SECONDS,
    is_login_page,
    login_form,
    token_in,
)
from gogobe.secrets import SecretError

_TAG: Final = re.compile(r"<[^>]*>")


async def list_files(portal: Portal, client: PortalClient) -> AsyncIterator[ListedFile]:
    """The folder's files. If the server has ended the session, one new login is made."""
    folder = unquote(urlsplit(portal.settings.url).path).rstrip("/") or "/"
    rows = await _rows(portal, client, folder)
    if rows is None:
        client.state.pop("token", None)
        rows = await _rows(portal, client, folder)
    if rows is None:
        raise ListingError(
            "login_failed", f"{portal.host}: no listing after a login as {portal.settings.user!r}"
        )
    files = urljoin(portal.base, f"/file/d{quote(folder.rstrip('/'))}/")
    for row in rows:
        # Some versions wrap the name in a link.
        name = html.unescape(_TAG.sub("", str(row.get("fname") or row.get("name") or ""))).strip()
        if not name or row.get("type") in ("folder", "dir"):
            continue
        modified = time_of(row.get("time"), portal.zone) or time_of(row.get("ftime"), portal.zone)
        yield ListedFile(files + quote(name), name, size_of(row.get("size")), modified)


async def _rows(portal: Portal, client: PortalClient, folder: str) -> list[dict[str, Any]] | None:
    """The listing's rows; None if the session has ended."""
    page = await client.post(
        urljoin(portal.base, "/file/json/dir"),
        {
            "sEcho": "1",
            "iDisplayStart": "0",
            "iDisplayLength": "100000",
            "sSearch": "",
            "cd": folder,
            "csrftoken": await _token(portal, client),
        },
    )
    try:
        found = page.json()
    except ListingError:
        if token_in(page.text()) is not None:  # the login page instead
            return None
        raise
    rows = found.get("aaData") if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ListingError("not_a_listing", f"{page.url}: expected an object with a list `aaData`")
    return rows


async def _token(portal: Portal, client: PortalClient) -> str:
    """The listing's token; logs in if there is no session that may be valid."""
    token, until = client.state.get("token", ("", 0.0))
    if time.monotonic() > until:
        token = await _log_in(portal, client)
        client.state["token"] = token, time.monotonic() + SESSION_SECONDS
    return str(token)


async def _log_in(portal: Portal, client: PortalClient) -> str:
    settings = portal.settings
    try:
        password = settings.password.value() if settings.password else ""
    except SecretError as error:
        raise ListingError("settings", f"password: {error}") from error
    token = _token_of(await client.get(urljoin(portal.base, LOGIN_PAGE)))
    await client.post(urljoin(portal.base, LOGIN_FORM), login_form(settings.user, password, token))
    page = await client.get(urljoin(portal.base, FILES_PAGE))
    if is_login_page(page.url):
        raise ListingError("login_failed", f"{portal.host}: the login of {settings.user!r} was refused")
    return _token_of(page)


def _token_of(page: Page) -> str:
    found = token_in(page.text())
    if found is None:
        raise ListingError("not_a_listing", f"{page.url}: a page without a csrftoken")
    return found
