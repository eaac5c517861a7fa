"""The HTTP and FTP client of the engines: polite, bounded, and limited to the portal's hosts."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

import aiohttp
from yarl import URL

from gogobe.discovery.connections import Connections
from gogobe.discovery.ftp import FtpEntry, FtpServer
from gogobe.discovery.http_errors import check_status, network_errors
from gogobe.discovery.listing import ListedFile, ListingError, NotModified, address_refused
from gogobe.discovery.page import Page
from gogobe.discovery.portal import Portal
from gogobe.secrets import SecretError

MAX_BODY_BYTES: Final = 64 << 20
MAX_REDIRECTS: Final = 10
CONNECT_SECONDS: Final = 15.0
_REDIRECTS: Final = (301, 302, 303, 307, 308)


@dataclass
class PortalClient:
    """Sends the requests of one portal's engine.

    `state` keeps the engine's values between listings (a login, for example). `known` returns whether a file
    has been announced: an engine that reads the newest files first may stop at a page of known files; it then
    sets `is_whole` to False.
    """

    portal: Portal
    connections: Connections
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    known: Callable[[ListedFile], bool] = lambda _file: False
    state: dict[str, Any] = field(default_factory=dict)
    _session: aiohttp.ClientSession | None = None
    _validators: dict[str, dict[str, str]] = field(default_factory=dict)
    _new_validators: dict[str, dict[str, str]] = field(default_factory=dict)
    _requests: int = 0
    is_whole: bool = True

    def begin(self) -> None:
        """Begins a listing: resets the request count."""
        self._requests = 0
        self.is_whole = True
        self._new_validators = {}

    def complete(self) -> None:
        """Ends a complete, announced listing: its pages may be requested conditionally from now on."""
        self._validators = self._new_validators

    def forget(self) -> None:
        """Makes the requests of the next listing unconditional."""
        self._validators = {}

    async def close(self) -> None:
        """Closes the session; the connections stay in the pool."""
        if self._session is not None:
            await self._session.close()

    async def get(
        self, url: str, *, params: Mapping[str, str] | None = None, conditional: bool = False
    ) -> Page:
        """Requests one page. `conditional` is for listings of a single page: raises NotModified if the page has
        not changed since the last complete listing. Raises ListingError."""
        address = URL(url).update_query(params) if params else URL(url)
        return await self._request("GET", address, None, conditional=conditional)

    async def post(self, url: str, form: Mapping[str, str]) -> Page:
        """Sends a form and follows redirects. Raises ListingError."""
        return await self._request("POST", URL(url), form)

    async def list_folder(self, folder: str) -> list[FtpEntry]:
        """Lists an FTP folder. Raises ListingError."""
        self._count_request()
        settings = self.portal.settings
        try:
            password = settings.password.value() if settings.password else ""
        except SecretError as error:
            raise ListingError("settings", f"password: {error}") from error
        server = FtpServer.of(settings.url, settings.user, password, settings.timeout)
        context = self.connections.tls(self.portal) if server.tls else None
        async with self.connections.throttles.of(self.portal.host).request():
            return await self.connections.ftp.list_folder(server, folder, context)

    async def _request(
        self, method: str, address: URL, form: Mapping[str, str] | None, *, conditional: bool = False
    ) -> Page:
        asked = str(address)
        headers = dict(self._validators.get(asked, {})) if conditional else {}
        for _ in range(MAX_REDIRECTS + 1):
            self._check_host(address)
            page = await self._ask(method, address, form, headers)
            if page.status not in _REDIRECTS or "Location" not in page.headers:
                break
            if page.status not in (307, 308):
                method, form = "GET", None
            address = _joined(address, page.headers["Location"])
        else:
            raise ListingError("redirect_refused", f"{asked}: more than {MAX_REDIRECTS} redirects")
        if page.status == 304 and headers:
            self._new_validators[asked] = headers
            raise NotModified
        check_status(page)
        if conditional and (found := _validators_of(page.headers)):
            self._new_validators[asked] = found
        return page

    async def _ask(
        self, method: str, address: URL, form: Mapping[str, str] | None, headers: Mapping[str, str]
    ) -> Page:
        self._count_request()
        if self._session is None:
            self._session = self.connections.session()
        settings = self.portal.settings
        # `timeout` bounds the wait for the next bytes; the whole answer may take five times as long.
        timeout = aiohttp.ClientTimeout(
            total=5 * settings.timeout, connect=None, sock_connect=CONNECT_SECONDS, sock_read=settings.timeout
        )
        with network_errors(str(address)):
            async with (
                self.connections.throttles.of(self.portal.host).request(),
                self._session.request(
                    method,
                    address,
                    data=form,
                    headers={"User-Agent": "gogobe", **settings.headers, **headers},
                    allow_redirects=False,
                    timeout=timeout,
                    ssl=self.connections.tls(self.portal),
                    proxy=settings.proxy.value() if settings.proxy else None,
                ) as answer,
            ):
                body = await _read(answer)
                return Page(str(answer.url), answer.status, answer.headers, body, answer.charset)

    def _check_host(self, address: URL) -> None:
        if address.scheme not in ("http", "https") or (address.host or "") not in self.portal.hosts:
            raise ListingError(
                "redirect_refused",
                f"{address.with_query(None)}: not one of the portal's hosts "
                f"({', '.join(sorted(self.portal.hosts))}): add it to `hosts` if it is right",
            )
        # The resolver checks names; an IP address in the URL is never resolved, so check it here.
        if _is_address(address.host) and self.portal.settings.proxy is None:
            refusal = self.connections.allowed.refusal(address.host, address.host, address.port or 0)
            if refusal is not None:
                raise address_refused(address.host, refusal)

    def _count_request(self) -> None:
        self._requests += 1
        most = self.portal.settings.max_pages
        if self._requests > most:
            raise ListingError("listing_cut", f"{self.portal.host}: more than {most} requests (max_pages)")


def _is_address(host: str | None) -> TypeGuard[str]:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True


def _joined(address: URL, location: str) -> URL:
    try:
        target = address.join(URL(location))
    except ValueError as error:
        raise ListingError("redirect_refused", f"{address}: redirects to no address: {error}") from error
    if address.scheme == "https" and target.scheme == "http":
        raise ListingError("redirect_refused", f"{address}: redirects from https to http")
    return target


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise ListingError("too_large", f"{answer.url}: a listing of more than {MAX_BODY_BYTES} bytes")
    return bytes(body)


def _validators_of(headers: Mapping[str, str]) -> dict[str, str]:
    found = {}
    if etag := headers.get("ETag"):
        found["If-None-Match"] = etag
    if modified := headers.get("Last-Modified"):
        found["If-Modified-Since"] = modified
    return found


Engine = Callable[[Portal, PortalClient], AsyncIterator[ListedFile]]
