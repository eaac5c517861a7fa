"""Fetching a published file over HTTP into a local file, whole or not at all.

What goes wrong at the portals is listed in the design's notes on downloading: gzip bodies decoded on the
way, bodies cut short, login pages with status 200, links that are dead by the time they are read. Each ends
here in a `FetchError` with a reason code; transient ones only after all attempts.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlsplit

import requests
import urllib3

CHUNK_BYTES: Final = 1 << 18
PERMANENT: Final[Mapping[int, str]] = {
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    410: "not_found",
}
HTML_STARTS: Final = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class FetchSettings:
    """How to ask. Times in seconds; `deadline` bounds one attempt, however steadily bytes come; `headers` may
    carry the browser's User-Agent that some portals need."""

    attempts: int = 4
    backoff: float = 0.5
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    deadline: float = 300.0
    max_bytes: int = 2 << 30
    headers: Mapping[str, str] = field(default_factory=lambda: {"User-Agent": "gogobe"})


@dataclass(frozen=True)
class Fetched:
    """A file as it came: size in bytes and the sha256 (hex) of its raw bytes."""

    size: int
    sha256: str


class FetchError(Exception):
    """A file that could not be had. Reasons: `not_found`, `forbidden`, `html_page`, `http_status`,
    `unsupported_url`, `too_large`, `empty_body` (permanent); `unreachable`, `server_error`, `short_body`,
    `too_slow` (transient, `attempts` were made)."""

    def __init__(self, reason: str, detail: str, *, transient: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.transient = transient
        self.attempts = 1


def fetch(url: str, target: Path, settings: FetchSettings, session: requests.Session) -> Fetched:
    """Fetches `url` into `target` (overwritten), with retries of what may pass. Raises FetchError."""
    _check_url(url)
    attempt = 1
    while True:
        try:
            return _fetch_once(url, target, settings, session)
        except FetchError as error:
            error.attempts = attempt
            if not error.transient or attempt >= settings.attempts:
                raise
        time.sleep(settings.backoff * 2 ** (attempt - 1))
        attempt += 1


def _check_url(url: str) -> None:
    try:
        scheme = urlsplit(url).scheme
    except ValueError as error:
        raise FetchError("unsupported_url", f"{url}: {error}") from error
    if scheme not in ("http", "https"):
        raise FetchError("unsupported_url", f"{url}: only http and https addresses can be fetched")


def _fetch_once(url: str, target: Path, settings: FetchSettings, session: requests.Session) -> Fetched:
    until = time.monotonic() + settings.deadline
    try:
        with session.get(
            url,
            headers={**settings.headers, "Accept-Encoding": "identity"},
            timeout=(settings.connect_timeout, settings.read_timeout),
            stream=True,
        ) as response:
            _check_status(url, response)
            with target.open("wb") as file:
                fetched, start = _copy(url, response, file, settings, until)
    except urllib3.exceptions.ProtocolError as error:
        # urllib3 holds the body against Content-Length.
        raise FetchError("short_body", f"{url}: {error}", transient=True) from error
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise FetchError("unreachable", f"{url}: {error}", transient=True) from error
    except (requests.RequestException, ValueError) as error:
        # A ValueError is urllib's, of an address that the portal redirects to.
        raise FetchError("unsupported_url", f"{url}: {error}") from error
    _check_body(url, fetched, start)
    return fetched


def _check_status(url: str, response: requests.Response) -> None:
    status = response.status_code
    if status in PERMANENT:
        raise FetchError(PERMANENT[status], f"{url}: the portal answered {status} {response.reason}")
    if status == 429 or status >= 500:
        raise FetchError("server_error", f"{url}: the portal answered {status}", transient=True)
    if status != 200:
        raise FetchError("http_status", f"{url}: the portal answered {status} {response.reason}")


def _copy(
    url: str, response: requests.Response, file: BinaryIO, settings: FetchSettings, until: float
) -> tuple[Fetched, bytes]:
    """Copies the raw body, undecoded, for as long as the monotonic clock is not past `until`; returns what came
    and its first bytes."""
    digest = hashlib.sha256()
    size = 0
    start = b""
    # read1 gives what has come; read would wait for the whole chunk, past any deadline.
    while chunk := response.raw.read1(CHUNK_BYTES, decode_content=False):
        start = start if len(start) >= 512 else start + chunk[:512]
        size += len(chunk)
        if size > settings.max_bytes:
            raise FetchError("too_large", f"{url}: more than {settings.max_bytes} bytes")
        if time.monotonic() > until:
            detail = f"{url}: {size} bytes in {settings.deadline:g} seconds, and no end"
            raise FetchError("too_slow", detail, transient=True)
        digest.update(chunk)
        file.write(chunk)
    return Fetched(size, digest.hexdigest()), start


def _check_body(url: str, fetched: Fetched, start: bytes) -> None:
    if fetched.size == 0:
        raise FetchError("empty_body", f"{url}: the portal answered with no bytes at all")
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML_STARTS):
        raise FetchError("html_page", f"{url}: an HTML page (a login, or an expired link), not a feed")
