"""What an engine asks a portal with: HTTP that is polite, bounded and keeps to the portal's hosts."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeGuard

import aiohttp
import msgspec
from aiohttp.abc import ResolveResult
from lxml import etree, html
from yarl import URL

from gogobe.discovery.ftp import FtpEntry, FtpServer, FtpThreads
from gogobe.discovery.listing import Kind, ListedFile, ListingError, NotModified
from gogobe.discovery.portal import Portal
from gogobe.discovery.throttle import Throttles
from gogobe.io.networks import AllowedHosts, ascii_host
from gogobe.secrets import SecretError

MAX_BODY_BYTES: Final = 64 << 20
MAX_REDIRECTS: Final = 10
CONNECT_SECONDS: Final = 15.0
LARGE_BYTES: Final = 1 << 18
_REDIRECTS: Final = (301, 302, 303, 307, 308)
_STATUS: Final[Mapping[int, Kind]] = {
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    410: "not_found",
    429: "rate_limited",
}


@dataclass(frozen=True)
class Page:
    """An answer: where it came from in the end, and its whole body, decompressed."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    charset: str | None = None

    def json(self) -> Any:
        """The body as JSON. Raises ListingError, as for an HTML page when a login is over."""
        try:
            return msgspec.json.decode(self.body.removeprefix(b"\xef\xbb\xbf"))
        except (msgspec.DecodeError, RecursionError) as error:
            raise ListingError("not_a_listing", f"{self.url}: expected JSON: {error}") from error

    def text(self) -> str:
        """The body as text; bytes that its encoding does not know become U+FFFD."""
        try:
            return self.body.decode(self.charset or "utf-8", "replace")
        except LookupError:
            return self.body.decode("utf-8", "replace")

    async def document(self) -> html.HtmlElement:
        """The body as an HTML document. Raises ListingError where it is none."""
        if len(self.body) < LARGE_BYTES:
            return self._parse_html()
        return await asyncio.to_thread(self._parse_html)

    def _parse_html(self) -> html.HtmlElement:
        try:
            parser = html.HTMLParser(encoding=self.charset)
        except LookupError:
            parser = html.HTMLParser()
        try:
            return html.document_fromstring(self.body, parser=parser)
        except (etree.ParserError, etree.XMLSyntaxError) as error:
            raise ListingError("not_a_listing", f"{self.url}: expected an HTML page: {error}") from error


class _Resolver(aiohttp.ThreadedResolver):
    """Gives addresses that may be connected to: the connection is made to the very address that was checked."""

    def __init__(self, allowed: AllowedHosts, proxies: frozenset[str]) -> None:
        super().__init__()
        self._allowed = allowed
        self._proxies = proxies

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await super().resolve(host, port, family)
        if host in self._proxies:
            return found
        refusals = [self._allowed.refusal(ascii_host(host), one["host"], port) for one in found]
        kept = [one for one, refusal in zip(found, refusals, strict=True) if refusal is None]
        if not kept:
            raise ListingError("address_refused", _refused(host, refusals[0] if refusals else None))
        return kept


def _refused(host: str, refusal: str | None) -> str:
    return f"{host}: {refusal}; the setting fetch_hosts lists what is allowed all the same"


class Connections:
    """The connections of all portals of a process: one pool, one throttle a host, and `allowed`, the addresses
    that may be connected to though they are not public. `proxies` are hosts of proxies, which may have any."""

    def __init__(
        self,
        throttles: Throttles,
        allowed: AllowedHosts,
        proxies: frozenset[str] = frozenset(),
        *,
        connections: int = 256,
        ftp_threads: int = 16,
    ) -> None:
        resolver = _Resolver(allowed, proxies)
        self._connector = aiohttp.TCPConnector(limit=connections, ttl_dns_cache=300, resolver=resolver)
        self._contexts: dict[tuple[bool, str], ssl.SSLContext] = {}
        self.allowed = allowed
        self.throttles = throttles
        self.ftp = FtpThreads(ftp_threads, allowed)

    async def close(self) -> None:
        """Ends the connections."""
        self.ftp.close()
        await self._connector.close()

    def session(self) -> aiohttp.ClientSession:
        """A session over the shared pool, with cookies of its own."""
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            # Portals at a bare IP address have cookies too.
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            auto_decompress=True,
        )

    def tls(self, portal: Portal) -> ssl.SSLContext:
        """How a portal's certificate is checked. Raises ListingError when `ca_file` cannot be read."""
        wanted = portal.settings.verify_tls, portal.settings.ca_file
        context = self._contexts.get(wanted)
        if context is None:
            try:
                context = ssl.create_default_context(cafile=wanted[1] or None)
            except OSError as error:
                raise ListingError("settings", f"ca_file: {wanted[1]}: {error}") from error
            # An intermediate certificate in the file is trusted by itself: some portals do not send theirs.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            if not wanted[0]:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[wanted] = context
        return context


@dataclass
class PortalClient:
    """Asks one portal. `state` is the engine's own, from one listing to the next (a login, say).

    `known` says whether a file is remembered as announced, so that an engine whose newest files come first may
    stop there; it then sets `is_whole` to False.
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
        """A new listing begins: requests are counted from here."""
        self._requests = 0
        self.is_whole = True
        self._new_validators = {}

    def complete(self) -> None:
        """The listing was complete and all of it is announced: its pages may now be asked for by condition."""
        self._validators = self._new_validators

    def forget(self) -> None:
        """The next listing is read in full, whatever the portal says of changes."""
        self._validators = {}

    async def close(self) -> None:
        """Ends the session; the connections stay with the pool."""
        if self._session is not None:
            await self._session.close()

    async def get(
        self, url: str, *, params: Mapping[str, str] | None = None, conditional: bool = False
    ) -> Page:
        """One page. `conditional` is for listings of a single page: raises NotModified when the portal says
        that the page is what it was at the last complete listing. Raises ListingError."""
        address = URL(url).update_query(params) if params else URL(url)
        return await self._request("GET", address, None, conditional=conditional)

    async def post(self, url: str, form: Mapping[str, str]) -> Page:
        """The page after a form was sent, redirects followed. Raises ListingError."""
        return await self._request("POST", URL(url), form)

    async def list_folder(self, folder: str) -> list[FtpEntry]:
        """What an FTP folder holds. Raises ListingError."""
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
        _check_status(page)
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
        # Bytes within `timeout`, however long the whole answer takes within five times of it.
        timeout = aiohttp.ClientTimeout(
            total=5 * settings.timeout, connect=None, sock_connect=CONNECT_SECONDS, sock_read=settings.timeout
        )
        with _explained(str(address)):
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
        # A name is checked when it is resolved; an address has to be checked here.
        if _is_address(address.host) and self.portal.settings.proxy is None:
            refusal = self.connections.allowed.refusal(address.host, address.host, address.port or 0)
            if refusal is not None:
                raise ListingError("address_refused", _refused(address.host, refusal))

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


def _check_status(page: Page) -> None:
    if page.status == 200:
        return
    kind = _STATUS.get(page.status, "server_error" if page.status >= 500 else "http_status")
    wait = _retry_after(page.headers.get("Retry-After"))
    raise ListingError(kind, f"{page.url}: the portal answered {page.status}", retry_after=wait)


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait, from a number or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after"""
    if header is None:
        return None
    if header.strip().isascii() and header.strip().isdigit():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def _validators_of(headers: Mapping[str, str]) -> dict[str, str]:
    found = {}
    if etag := headers.get("ETag"):
        found["If-None-Match"] = etag
    if modified := headers.get("Last-Modified"):
        found["If-Modified-Since"] = modified
    return found


@contextlib.contextmanager
def _explained(url: str) -> Iterator[None]:
    """Turns what goes wrong on the network into a ListingError."""
    try:
        yield
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        raise ListingError("tls", f"{url}: {error}") from error
    except TimeoutError as error:
        raise ListingError("timeout", f"{url}: no answer in time") from error
    except aiohttp.ClientPayloadError as error:
        raise ListingError("short_body", f"{url}: {error}") from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise ListingError("bad_link", f"{url}: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ListingError("unreachable", f"{url}: {type(error).__name__}: {error}") from error
    except SecretError as error:
        raise ListingError("settings", f"proxy: {error}") from error


Engine = Callable[[Portal, PortalClient], AsyncIterator[ListedFile]]
