"""HTTP answers and network errors of a portal as `ListingError`, with the reason code of each."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final

import aiohttp

from gogobe.discovery.listing import Kind, ListingError
from gogobe.discovery.page import Page
from gogobe.io.retry_after import seconds_until
from gogobe.secrets import SecretError

_KINDS: Final[Mapping[int, Kind]] = {
    401: "forbidden",
    403: "forbidden",
    404: "not_found",
    410: "not_found",
    429: "rate_limited",
}


def check_status(page: Page) -> None:
    """Raises ListingError for any status other than 200."""
    if page.status == 200:
        return
    kind = _KINDS.get(page.status, "server_error" if page.status >= 500 else "http_status")
    wait = seconds_until(page.headers.get("Retry-After"))
    raise ListingError(kind, f"{page.url}: the portal answered {page.status}", retry_after=wait)


@contextlib.contextmanager
def network_errors(url: str) -> Iterator[None]:
    """Raises network errors of the body as ListingError; `url` is named in the message."""
    try:
        yield
    except aiohttp.ClientConnectorCertificateError as error:
        raise ListingError("tls", f"{url}: {error.certificate_error}") from error
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        raise ListingError("tls", f"{url}: {_reason(error)}") from error
    except TimeoutError as error:
        raise ListingError("timeout", f"{url}: no answer in time") from error
    except aiohttp.ClientPayloadError as error:
        raise ListingError("short_body", f"{url}: {error}") from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise ListingError("bad_link", f"{url}: {error}") from error
    except (aiohttp.ClientError, OSError) as error:
        raise ListingError("unreachable", f"{url}: {_reason(error)}") from error
    except SecretError as error:
        raise ListingError("settings", f"proxy: {error}") from error


def _reason(error: Exception) -> str:
    """The error in words. aiohttp's own text of a failed connection shows Python objects."""
    if not isinstance(error, aiohttp.ClientConnectorError):
        return str(error) or type(error).__name__
    return f"no connection to {error.host}:{error.port}: {_words(error.os_error)}"


def _words(error: OSError) -> str:
    # These two have numbers of their own, which `strerror` would take for those of the system.
    if isinstance(error, (ssl.SSLError, socket.gaierror)) or not error.errno:
        return error.strerror or str(error)
    return os.strerror(error.errno)
