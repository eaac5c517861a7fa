"""The settings, the result and the error of a download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gogobe.io.networks import AllowedHosts


@dataclass(frozen=True)
class FetchSettings:
    """The settings of a download. All times are in seconds.

    `total` bounds all attempts with their pauses. `deadline` bounds one attempt, from the name lookup over
    connection, TLS, headers and redirects to the last byte. Within an attempt, `connect_timeout` bounds each
    lookup with its connection, and `read_timeout` the time without a byte.

    `allowed` lists hosts that may be requested although they are not public, or not hosts of a chain.
    `folders` lists the folders and buckets that files may be copied from; `endpoint` is the server of the
    buckets. `insecure_redirects` allows redirects from https to http. `headers` are sent to every host, so
    they must not contain secrets. `ca_file` has the trusted certificates; empty: the default ones.
    """

    attempts: int = 2
    backoff: float = 0.5
    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    deadline: float = 120.0
    total: float = 300.0
    max_bytes: int = 2 << 30
    max_redirects: int = 5
    insecure_redirects: bool = False
    allowed: AllowedHosts = field(default_factory=AllowedHosts)
    headers: Mapping[str, str] = field(default_factory=lambda: {"User-Agent": "gogobe"})
    ca_file: str = ""
    folders: tuple[str, ...] = ()
    endpoint: str = ""


@dataclass(frozen=True)
class Fetched:
    """A downloaded file: size in bytes and SHA-256 (hex) of its raw bytes. `is_truncated`: it begins as gzip,
    and is truncated or does not match its trailer."""

    size: int
    sha256: str
    is_truncated: bool = False


class FetchError(Exception):
    """A failed download; the message has the address without credentials and signature.

    `transient` reasons: `unreachable`, `bad_response`, `server_error`, `short_body`, `too_slow`,
    `login_failed`, `no_secret`. All others are permanent; docs/downloads.md lists them. `attempts` is the
    number of failed attempts; `retry_after` are the seconds that the portal requests to wait.
    """

    def __init__(
        self, reason: str, detail: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.transient = transient
        self.retry_after = retry_after
        self.attempts = 1
