"""Fetching a published file over HTTP into a local file, whole or not at all.

What goes wrong at the portals: gzip bodies decoded on the way, bodies cut short, login pages with status 200,
links that are dead by the time they are read, redirects to anywhere, answers that never end. Each ends here in
a `FetchError` with a reason code; transient ones only after all attempts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from gogobe.io.curl import Answer, Client, target_of
from gogobe.io.fetching import Fetched, FetchError, FetchSettings
from gogobe.records.addresses import public_address

PERMANENT: Final = {401: "forbidden", 403: "forbidden", 404: "not_found", 410: "not_found"}
REDIRECTS: Final = (301, 302, 303, 307, 308)
HTML_STARTS: Final = (b"<!doctype html", b"<html")


def fetch(
    url: str,
    target: Path,
    settings: FetchSettings,
    client: Client,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> Fetched:
    """Fetches `url` into `target` (overwritten), with retries of what may pass, for `settings.total` seconds in
    all, or until `is_cancelled`. Raises FetchError; OSError where this machine is the reason."""
    end = time.monotonic() + settings.total
    attempt = 1
    while True:
        until = min(time.monotonic() + settings.deadline, end)
        try:
            return _fetch_once(url, target, settings, client, until, is_cancelled=is_cancelled)
        except FetchError as error:
            error.attempts = attempt
            pause = settings.backoff * 2 ** (attempt - 1)
            has_time = attempt < settings.attempts and time.monotonic() + pause < end
            # A portal that says when to come again is not asked before.
            if not error.transient or not has_time or error.retry_after or is_cancelled():
                raise
        time.sleep(pause)
        attempt += 1


def _fetch_once(
    url: str,
    target: Path,
    settings: FetchSettings,
    client: Client,
    until: float,
    *,
    is_cancelled: Callable[[], bool],
) -> Fetched:
    address = url
    with client.session() as session:
        for _ in range(settings.max_redirects + 1):
            with target.open("wb") as file:
                answer = session.get(address, file, until, is_cancelled)
            if answer.status not in REDIRECTS or answer.location is None:
                break
            address = _redirected(address, answer.location, settings)
        else:
            raise FetchError(
                "too_many_redirects",
                f"{public_address(url)}: more than {settings.max_redirects} redirects, the last to "
                f"{public_address(address)}",
            )
    _check_status(address, answer)
    _check_body(address, answer)
    return answer.fetched


def _redirected(address: str, location: str, settings: FetchSettings) -> str:
    """Where a redirect leads. Raises FetchError where it is not followed."""
    shown = public_address(address)
    try:
        redirected = urljoin(address, location)
        scheme = target_of(redirected).scheme
    except ValueError as error:
        raise FetchError("unsupported_url", f"{shown} redirects to what is no address: {error}") from error
    except FetchError as error:
        raise FetchError(error.reason, f"{shown} redirects to {error}") from error
    if scheme == "http" and target_of(address).scheme == "https" and not settings.insecure_redirects:
        raise FetchError(
            "insecure_redirect",
            f"{shown} redirects from https to {public_address(redirected)}; the setting "
            f"fetch_insecure_redirects allows that",
        )
    return redirected


def _check_status(address: str, answer: Answer) -> None:
    status = answer.status
    if status == 200:
        return
    detail = f"{public_address(address)}: the portal answered {status} {answer.phrase}".rstrip()
    if status in PERMANENT:
        raise FetchError(PERMANENT[status], detail)
    if status == 429 or status >= 500:
        raise FetchError("server_error", detail, transient=True, retry_after=answer.retry_after)
    raise FetchError("http_status", detail)


def _check_body(address: str, answer: Answer) -> None:
    if answer.fetched.size == 0:
        raise FetchError("empty_body", f"{public_address(address)}: the portal answered with no bytes at all")
    if answer.start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML_STARTS):
        detail = f"{public_address(address)}: an HTML page (a login, or an expired link), not a feed"
        raise FetchError("html_page", detail)
