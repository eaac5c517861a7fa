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
    lists hosts that may be asked although they are not public or no host of a chain, `folders` the folders and
    buckets that files may be copied from, with the buckets' server `endpoint`; `insecure_redirects` lets a
    redirect leave https for http. `headers` are sent to every host on the way, so they hold no secrets.
    `ca_file` has the certificates to trust, the usual ones unless given.
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
    """A file as it came: size in bytes and the sha256 (hex) of its raw bytes."""

    size: int
    sha256: str


class FetchError(Exception):
    """A file that could not be downloaded; its message names the address without credentials and signature.

    `transient` reasons may pass: `unreachable`, `bad_response`, `server_error`, `short_body`, `too_slow`,
    `login_failed`, `no_secret`. All others are permanent; docs/downloads.md lists them. `attempts` counts the
    attempts that failed; `retry_after` are the seconds that the portal asks to wait.
    """

    def __init__(
        self, reason: str, detail: str, *, transient: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.reason = reason
        self.transient = transient
        self.retry_after = retry_after
        self.attempts = 1
