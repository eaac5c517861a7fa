"""What a download is asked with, what it gives, and how it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gogobe.io.networks import AllowedHosts


@dataclass(frozen=True)
class FetchSettings:
    """How to download one file. All times are in seconds.

    `total` bounds all attempts at the file, with the pauses between them; `deadline` one attempt, from the
    lookup of the host's name over connection, TLS, headers and redirects to the last byte. Within an attempt,
    `connect_timeout` bounds each lookup with its connection, `read_timeout` the time without a byte. `allowed`
    lists what may be connected to although it is not public, `insecure_redirects` lets a redirect leave https
    for http. `headers` are sent to every host on the way, so they hold no secrets. `ca_file` has the
    certificates to trust, the usual ones unless given.
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


@dataclass(frozen=True)
class Fetched:
    """A file as it came: size in bytes and the sha256 (hex) of its raw bytes."""

    size: int
    sha256: str


class FetchError(Exception):
    """A file that could not be downloaded; its message names the address without credentials and signature.

    Permanent reasons: `unsupported_url`, `credentials_in_url`, `forbidden_address`, `too_many_redirects`,
    `insecure_redirect`, `bad_certificate`, `not_found`, `forbidden`, `http_status`, `too_large`, `empty_body`,
    `html_page`. Transient ones, after `attempts`: `unreachable`, `bad_response`, `server_error`, `short_body`,
    `too_slow`.
    """

    def __init__(
        self, reason: str, detail: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.transient = transient
        self.retry_after = retry_after
        self.attempts = 1
