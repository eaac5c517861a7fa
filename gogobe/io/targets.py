"""Checked addresses in the only form that is passed to libcurl."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from gogobe.io.fetching import FetchError
from gogobe.io.networks import ascii_host
from gogobe.records.addresses import has_credentials, public_address

WEB: Final = ("http", "https")
FTP: Final = ("ftp", "ftps")
IMPLICIT_TLS_PORT: Final = 990
_PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443, "ftp": 21, "ftps": 21}
_HOST: Final = re.compile(r"[a-z0-9_.-]+|\[[0-9a-f:.]+(?:%[a-z0-9_.-]+)?\]")


@dataclass(frozen=True)
class Target:
    """An address for libcurl with its checked parts. `scheme` is the announced one: ftps means explicit TLS,
    or implicit TLS on port 990."""

    url: str
    scheme: str
    host: str
    port: int

    @property
    def is_ftp(self) -> bool:
        return self.scheme in FTP


def target_of(url: str) -> Target:
    """Parses an address. Raises FetchError: `credentials_in_url`, `unsupported_url`."""
    shown = public_address(url)
    if has_credentials(url):
        raise FetchError(
            "credentials_in_url", f"{shown}: the address carried a user or a password; announce it without"
        )
    try:
        parts = urlsplit(url.strip())
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else ascii_host(parts.hostname or "")
        port = parts.port
    except ValueError as error:
        raise FetchError("unsupported_url", f"{shown}: {error}") from error
    if parts.scheme not in _PORTS:
        raise FetchError(
            "unsupported_url", f"{shown}: none of the schemes http, https, ftp, ftps, file, s3, gs"
        )
    if not _HOST.fullmatch(host) or port == 0:
        raise FetchError("unsupported_url", f"{shown}: it names no host that can be asked")
    number = port or _PORTS[parts.scheme]
    if parts.scheme in FTP:
        rest = _ftp_path(parts.path, shown)
    else:
        path = quote(parts.path or "/", safe="/%!$&'()*+,;=:@~", errors="replace")
        query = quote(parts.query, safe="/%!$&'()*+,;=:@~?", errors="replace")
        rest = f"{path}{'?' if query else ''}{query}"
    scheme = parts.scheme
    if scheme == "ftps" and number != IMPLICIT_TLS_PORT:
        scheme = "ftp"  # ftps means implicit TLS for libcurl; explicit TLS is a separate option
    return Target(f"{scheme}://{host}:{number}{rest}", parts.scheme, host.strip("[]"), number)


def _ftp_path(path: str, shown: str) -> str:
    """The path from the server's root on. Without the escaped slash, libcurl starts in the login's folder."""
    name = unquote(path.lstrip("/"))
    if not name or name.endswith("/") or any(character in name for character in "\r\n\0"):
        raise FetchError("unsupported_url", f"{shown}: it names no file")
    return "/%2F" + quote(name, safe="/")
