"""The web interface of Cerberus: its pages, its login form, its files.

GET  /login          a page with <meta name="csrftoken" content="…">
POST /login/user     username, password, csrftoken; redirects to /file and sets a new cookie with the redirect
GET  /file           a page with its own token, for the listing
GET  /file/d/NAME    a file, or a redirect to /login if the session has expired
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

LOGIN_PAGE: Final = "/login"
LOGIN_FORM: Final = "/login/user"
FILES_PAGE: Final = "/file"
# The server's half an hour, minus a margin.
SESSION_SECONDS: Final = 25 * 60
_TOKEN: Final = re.compile(r"""<meta\s+name=["']csrftoken["']\s+content=["']([^"']*)["']""", re.IGNORECASE)


def token_in(page: str) -> str | None:
    """The token of a page; None without one."""
    found = _TOKEN.search(page)
    return html.unescape(found[1]) if found else None


def login_form(user: str, password: str, token: str) -> Mapping[str, str]:
    """The fields of the login form."""
    return {"username": user, "password": password, "csrftoken": token, "r": ""}


def is_login_page(url: str) -> bool:
    """Whether the address after redirects is the login page."""
    return urlsplit(url).path.startswith(LOGIN_PAGE)
