"""The connections that all portals of a process share: pool, checked addresses, TLS contexts, throttles."""

from __future__ import annotations

import socket
import ssl

import aiohttp
from aiohttp.abc import ResolveResult

from gogobe.discovery.ftp import FtpThreads
from gogobe.discovery.listing import ListingError, address_refused
from gogobe.discovery.portal import Portal
from gogobe.discovery.throttle import Throttles
from gogobe.io.networks import AllowedHosts, ascii_host


class _Resolver(aiohttp.ThreadedResolver):
    """Resolves names to allowed addresses only. The connection is opened to the address that was checked, so a
    second lookup cannot replace it (DNS rebinding)."""

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
            raise address_refused(host, refusals[0] if refusals else None)
        return kept


class Connections:
    """One connection pool and one throttle for each host.

    `allowed` lists addresses that are not public but may be connected to. `proxies` are the hosts of proxies;
    their addresses are not checked. At most `connections` HTTP connections and `ftp_threads` FTP sessions are
    open at once.
    """

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
        """Closes the connections."""
        self.ftp.close()
        await self._connector.close()

    def session(self) -> aiohttp.ClientSession:
        """A new session over the shared pool, with its own cookies."""
        return aiohttp.ClientSession(
            connector=self._connector,
            connector_owner=False,
            # Portals at a bare IP address have cookies too.
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            auto_decompress=True,
        )

    def tls(self, portal: Portal) -> ssl.SSLContext:
        """The TLS context for a portal, by its `verify_tls` and `ca_file`. Raises ListingError if `ca_file`
        cannot be read."""
        wanted = portal.settings.verify_tls, portal.settings.ca_file
        context = self._contexts.get(wanted)
        if context is None:
            try:
                context = ssl.create_default_context(cafile=wanted[1] or None)
            except OSError as error:
                raise ListingError("settings", f"ca_file: {wanted[1]}: {error}") from error
            # Trust an intermediate certificate in `ca_file` by itself: some portals do not send theirs.
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
            if not wanted[0]:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[wanted] = context
        return context
