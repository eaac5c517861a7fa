"""What the web interface of Cerberus looks like: its pages, its login form, its files.

GET  /login          a page with <meta name="csrftoken" content="…">
POST /login/user     username, password, csrftoken; redirects to /file, and sets a new cookie on the way
GET  /file           a page with a token of its own, for the listing
GET  /file/d/NAME    a file, or a redirect to /login where the session is over
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
# Half an hour, less a margin.
SESSION_SECONDS: Final = 25 * 60
_TOKEN: Final = re.compile(r"""<meta\s+name=["']csrftoken["']\s+content=["']([^"']*)["']""", re.IGNORECASE)


def token_in(page: str) -> str | None:
    """The token of a page; None where it has none."""
    found = _TOKEN.search(page)
    return html.unescape(found[1]) if found else None


def login_form(user: str, password: str, token: str) -> Mapping[str, str]:
    """The fields of the login form."""
    return {"username": user, "password": password, "csrftoken": token, "r": ""}


def is_login_page(url: str) -> bool:
    """Whether an address that redirects led to is that of the login page."""
    return urlsplit(url).path.startswith(LOGIN_PAGE)
