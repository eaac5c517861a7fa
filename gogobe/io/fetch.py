"""Fetching one published file into a local file, whole or not at all, by any scheme from any kind of portal.

What goes wrong at the portals: gzip bodies decoded on the way, bodies cut short, login pages with status 200,
links that are dead by the time they are read, redirects to anywhere, answers that never end. Each ends here in
a `FetchError` with a reason code; transient ones only after all attempts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gogobe.io.access import Access
from gogobe.io.backoff import backoff
from gogobe.io.bina import MAX_BYTES as MAX_LINK_BYTES
from gogobe.io.bina import link_in
from gogobe.io.cerberus import is_login_page
from gogobe.io.copying import SCHEMES as PLACES
from gogobe.io.copying import copy_file
from gogobe.io.curl import Client, Session
from gogobe.io.exchange import Answer, Rules
from gogobe.io.fetching import Fetched, FetchError, FetchSettings
from gogobe.io.logins import Logins
from gogobe.io.targets import FTP
from gogobe.io.web import check_body, fetch_body, is_html, redirected

ANYWHERE = Access()
LONGEST_PAUSE: Final = 30.0


class Fetcher:
    """Fetches files over shared connections and logins; may be used by several threads."""

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._client = Client(settings)
        self._logins = Logins(settings)

    def close(self) -> None:
        """Closes the connections that no thread uses."""
        self._client.close()

    def fetch(
        self,
        url: str,
        target: Path,
        access: Access = ANYWHERE,
        is_cancelled: Callable[[], bool] = lambda: False,
    ) -> Fetched:
        """Fetches `url` into `target` (overwritten), with retries of what may pass, for `settings.total`
        seconds in all, or until `is_cancelled`.

        A gzip file that breaks off is fetched once more; when the same bytes come again, it is as published.
        Raises FetchError; OSError where this machine is the reason.
        """
        settings = self._settings
        end = time.monotonic() + settings.total
        attempt, cut = 1, ""
        while True:
            until = min(time.monotonic() + settings.deadline, end)
            pause = backoff(attempt, settings.backoff, LONGEST_PAUSE)
            try:
                answer = self._fetch_once(url, target, access, until, is_cancelled)
            except FetchError as error:
                error.attempts = attempt
                # A portal that says when to come again is not asked before.
                if not error.transient or error.retry_after or is_cancelled():
                    raise
                if attempt >= settings.attempts or time.monotonic() + pause >= end:
                    raise
            else:
                if not answer.fetched.is_truncated or answer.fetched.sha256 == cut:
                    return answer.fetched
                if attempt >= settings.attempts or time.monotonic() + pause >= end:
                    return answer.fetched
                cut = answer.fetched.sha256
            time.sleep(pause)
            attempt += 1

    def _fetch_once(
        self, url: str, target: Path, access: Access, until: float, is_cancelled: Callable[[], bool]
    ) -> Answer:
        scheme = url.strip().partition(":")[0].lower()
        if scheme in PLACES:
            rules = Rules(self._settings, access, is_cancelled)
            address, answer = url, copy_file(url.strip(), target, rules, until)
        else:
            with self._client.session(url, access, is_cancelled) as session:
                if scheme in FTP:
                    with target.open("wb") as file:
                        address, answer = url, session.request(url, file, until)
                else:
                    address, answer = self._from_web(session, url, target, until)
        check_body(address, answer)
        return answer

    def _from_web(self, session: Session, url: str, target: Path, until: float) -> tuple[str, Answer]:
        """A file by HTTP, the way of its portal's engine."""
        match session.access.engine:
            case "cerberus_web":
                return self._with_login(session, url, target, until)
            case "bina":
                return self._by_link(session, url, target, until)
        return fetch_body(session, url, target, until, self._settings)

    def _with_login(self, session: Session, url: str, target: Path, until: float) -> tuple[str, Answer]:
        """A session that the portal has ended early is begun anew, once."""
        cookies = self._logins.enter(session, until)
        address, answer = fetch_body(session, url, target, until, self._settings)
        if is_login_page(address) or is_html(answer):
            self._logins.enter(session, until, after=cookies)
            address, answer = fetch_body(session, url, target, until, self._settings)
        if is_login_page(address):
            raise FetchError("login_failed", f"{url}: a login page after a login", transient=True)
        return address, answer

    def _by_link(self, session: Session, url: str, target: Path, until: float) -> tuple[str, Answer]:
        """The answer may say where the file is."""
        address, answer = fetch_body(session, url, target, until, self._settings)
        if answer.fetched.size > MAX_LINK_BYTES or (link := link_in(target.read_bytes())) is None:
            return address, answer
        return fetch_body(session, redirected(address, link, self._settings), target, until, self._settings)
