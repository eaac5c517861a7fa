"""HTTP requests with redirects. Each redirect is checked, and the last answer must be a file or a page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from gogobe.io.curl import Session
from gogobe.io.exchange import Answer
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.targets import WEB, target_of
from gogobe.records.addresses import public_address

PERMANENT: Final = {401: "forbidden", 403: "forbidden", 404: "not_found", 410: "not_found"}
REDIRECTS: Final = (301, 302, 303, 307, 308)
SAME_METHOD: Final = (307, 308)
HTML_STARTS: Final = (b"<!doctype html", b"<html")


def fetch_body(
    session: Session, url: str, target: Path, until: float, settings: FetchSettings
) -> tuple[str, Answer]:
    """Downloads the body at an address to a file, following redirects. Returns the last address and its
    answer, a 200. Raises FetchError."""
    address = url
    for _ in range(settings.max_redirects + 1):
        with target.open("wb") as file:
            answer = session.request(address, file, until)
        if answer.status not in REDIRECTS or answer.location is None:
            check_status(address, answer)
            return address, answer
        address = redirected(address, answer.location, settings)
    raise _too_many(url, address, settings)


def read_page(
    session: Session,
    url: str,
    until: float,
    settings: FetchSettings,
    form: Mapping[str, str] | None = None,
) -> tuple[str, str]:
    """The text of a page, or of the answer to a form, after redirects, and its last address. Raises
    FetchError."""
    address = url
    for _ in range(settings.max_redirects + 1):
        answer, body = session.read(address, until, form)
        if answer.status not in REDIRECTS or answer.location is None:
            check_status(address, answer)
            return address, body.decode("utf-8", "replace")
        if answer.status not in SAME_METHOD:
            form = None
        address = redirected(address, answer.location, settings)
    raise _too_many(url, address, settings)


def redirected(address: str, location: str, settings: FetchSettings) -> str:
    """The target of a redirect. Raises FetchError if it may not be followed."""
    shown = public_address(address)
    try:
        found = urljoin(address, location)
        scheme = target_of(found).scheme
    except ValueError as error:
        raise FetchError("unsupported_url", f"{shown} redirects to what is no address: {error}") from error
    except FetchError as error:
        raise FetchError(error.reason, f"{shown} redirects to {error}") from error
    if scheme not in WEB:
        raise FetchError("unsupported_url", f"{shown} redirects to another scheme: {public_address(found)}")
    if scheme == "http" and target_of(address).scheme == "https" and not settings.insecure_redirects:
        raise FetchError(
            "insecure_redirect",
            f"{shown} redirects from https to {public_address(found)}; the setting "
            f"fetch_insecure_redirects allows that",
        )
    return found


def check_status(address: str, answer: Answer) -> None:
    """Raises FetchError for an answer other than 200."""
    status = answer.status
    if status == 200:
        return
    detail = f"{public_address(address)}: the portal answered {status} {answer.phrase}".rstrip()
    if status in PERMANENT:
        raise FetchError(PERMANENT[status], detail)
    if status == 429 or status >= 500:
        raise FetchError("server_error", detail, transient=True, retry_after=answer.retry_after)
    raise FetchError("http_status", detail)


def is_html(answer: Answer) -> bool:
    """Whether an answer is an HTML page: a login, an error, an expired link."""
    return answer.start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML_STARTS)


def check_body(address: str, answer: Answer) -> None:
    """Raises FetchError for a body that is not a feed."""
    if answer.fetched.size == 0:
        raise FetchError("empty_body", f"{public_address(address)}: the portal answered with no bytes at all")
    if is_html(answer):
        detail = f"{public_address(address)}: an HTML page (a login, or an expired link), not a feed"
        raise FetchError("html_page", detail)


def _too_many(url: str, address: str, settings: FetchSettings) -> FetchError:
    last = public_address(address)
    detail = f"{public_address(url)}: more than {settings.max_redirects} redirects, the last to {last}"
    return FetchError("too_many_redirects", detail)
