"""Logins of portals that serve files to sessions only: one session for each portal and process, shared by
threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urljoin

from gogobe.io.access import Access
from gogobe.io.cerberus import (
    FILES_PAGE,
    LOGIN_FORM,
    LOGIN_PAGE,
    SESSION_SECONDS,
    is_login_page,
    login_form,
    token_in,
)
from gogobe.io.curl import Session
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.web import read_page


@dataclass
class _Login:
    cookies: Sequence[str] = ()
    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Logins:
    """The sessions of Cerberus portals, by address and user. Thread-safe."""

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._logins: dict[tuple[str, str], _Login] = {}

    def enter(self, session: Session, until: float, *, after: Sequence[str] = ()) -> Sequence[str]:
        """Sets the cookies of the portal's login in a session; logs in if there is no valid one. Returns the
        cookies. `after` are cookies that the portal has rejected. Raises FetchError."""
        access = session.access
        with self._lock:
            login = self._logins.setdefault((access.url, access.user), _Login())
        with login.lock:
            if time.monotonic() >= login.until or login.cookies == after:
                login.until = 0.0
                login.cookies = self._log_in(session, access, until)
                login.until = time.monotonic() + SESSION_SECONDS
            session.set_cookies(login.cookies)
            return login.cookies

    def _log_in(self, session: Session, access: Access, until: float) -> Sequence[str]:
        session.set_cookies(())
        base = access.url.rstrip("/") + "/"
        address, page = read_page(session, urljoin(base, LOGIN_PAGE), until, self._settings)
        token = token_in(page)
        if token is None:
            raise FetchError("login_failed", f"{address}: a page without a csrftoken", transient=True)
        form = login_form(access.user, access.password_value(), token)
        read_page(session, urljoin(base, LOGIN_FORM), until, self._settings, form)
        address, _ = read_page(session, urljoin(base, FILES_PAGE), until, self._settings)
        if is_login_page(address):
            detail = f"{address}: the login of {access.user!r} was refused"
            raise FetchError("login_failed", detail, transient=True)
        return session.cookies
