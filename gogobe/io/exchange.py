"""One libcurl request and its answer: the callbacks, and the FetchError for each libcurl error."""

from __future__ import annotations

import errno
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import pycurl

from gogobe.io.access import Access
from gogobe.io.body import Body
from gogobe.io.fetching import Fetched, FetchError, FetchSettings
from gogobe.io.retry_after import seconds_until
from gogobe.io.targets import Target

# The body of any answer other than 200 is read and discarded to keep the connection, unless it is longer.
DISCARDED_BYTES: Final = 1 << 16
MAX_PHRASE: Final = 100

_STATUS: Final = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3}) ?(.*)")
_OURS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# pycurl has no name for this error.
_E_TOO_LARGE: Final = 100
# Answers that are not HTTP, or with endless headers.
_BAD_RESPONSE: Final = (pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY, _E_TOO_LARGE)
_NO_FILE: Final = (
    pycurl.E_FTP_COULDNT_RETR_FILE,
    pycurl.E_REMOTE_FILE_NOT_FOUND,
    pycurl.E_REMOTE_ACCESS_DENIED,
)


class Answer(NamedTuple):
    """A portal's answer: the status (200 for a file by FTP), the target of a redirect, and the body of a 200
    with its first bytes."""

    status: int
    phrase: str
    location: str | None
    fetched: Fetched
    start: bytes
    retry_after: float | None = None


@dataclass(frozen=True)
class Rules:
    """The constraints of a request: the settings, the chain's access, and a function that returns whether it
    is cancelled."""

    settings: FetchSettings
    access: Access
    is_cancelled: Callable[[], bool]


class Exchange:
    """The callbacks of libcurl. libcurl drops their exceptions, so they are stored.

    `peers` are the addresses to which connections of this handle were opened. A data connection of FTP goes
    to one of them; the address in the server's passive answer is ignored.
    """

    def __init__(
        self, target: Target, shown: str, rules: Rules, body: Body, peers: set[str], *, proxy: bool
    ) -> None:
        self.target = target
        self._shown = shown
        self._settings = rules.settings
        self._hosts = rules.access.hosts
        self._is_cancelled = rules.is_cancelled
        self._body = body
        self._peers = peers
        self._has_proxy = proxy
        self._status = 200 if target.is_ftp else 0
        self._phrase = ""
        self._location: str | None = None
        self._retry_after: float | None = None
        self._discarded = 0
        self._refused: FetchError | None = None
        self._error: OSError | FetchError | None = None

    def open_socket(self, _purpose: int, address: pycurl.CurlSockAddr) -> socket.socket | int:
        """Opens a socket for a resolved address of the host, if connecting to it is allowed."""
        if address.family not in (socket.AF_INET, socket.AF_INET6):
            return pycurl.SOCKET_BAD
        peer, port = str(address.addr[0]), int(address.addr[1])
        if not self._has_proxy:
            self._refused = self._refusal(peer, port)
            if self._refused is not None:
                return pycurl.SOCKET_BAD
            self._peers.add(peer)
        try:
            return socket.socket(address.family, address.socktype, address.protocol)
        except OSError as error:  # for example, no IPv6: libcurl tries the next address
            self._error = error if error.errno in _OURS else None
            return pycurl.SOCKET_BAD

    def _refusal(self, peer: str, port: int) -> FetchError | None:
        target, allowed = self.target, self._settings.allowed
        if target.is_ftp and port != target.port:
            if peer in self._peers:
                return None
            detail = f"{self._shown}: the server's passive address {peer} is not its own"
            return FetchError("forbidden_address", detail)
        is_foreign = self._hosts is not None and target.host not in self._hosts
        if is_foreign and not allowed.admits(target.host, peer, target.port):
            return foreign_host(target.host, self._shown)
        refusal = allowed.refusal(target.host, peer, target.port)
        if refusal is None:
            return None
        detail = f"{self._shown}: {refusal}; the setting fetch_hosts lists what is allowed all the same"
        return FetchError("forbidden_address", detail)

    def on_header(self, line: bytes) -> None:
        """Receives one header line."""
        if status := _STATUS.match(line):
            self._status, self._location, self._retry_after = int(status[1]), None, None
            self._phrase = status[2][:MAX_PHRASE].decode("latin-1").strip()
        name, _, value = line.partition(b":")
        match name.strip().lower():
            case b"location":
                self._location = value.strip().decode("utf-8", "replace")
            case b"retry-after":
                self._retry_after = seconds_until(value.decode("latin-1"))

    def on_progress(self, *_progress: float) -> int:
        """Called by libcurl about once a second; any result other than 0 ends the request."""
        return int(self._is_cancelled())

    def on_body(self, chunk: bytes) -> int:
        """Receives a part of the body. Ends the request if the body is discarded, too large or cannot be
        written."""
        if self._status != 200:
            self._discarded += len(chunk)
            return len(chunk) if self._discarded <= DISCARDED_BYTES else -1
        if self._body.size + len(chunk) > self._settings.max_bytes:
            detail = f"{self._shown}: more than {self._settings.max_bytes} bytes"
            self._error = FetchError("too_large", detail)
            return -1
        try:
            self._body.take(chunk)
        except OSError as error:
            self._error = error
            return -1
        return len(chunk)

    @property
    def answered(self) -> bool:
        """Whether the answer is complete although the request was ended, because the body of a redirect or an
        error was long."""
        return self._discarded > DISCARDED_BYTES

    @property
    def is_refused(self) -> bool:
        """Whether a callback ended the request, for a reason of its own."""
        return self._error is not None or self._refused is not None

    def answer(self) -> Answer:
        """The answer that was received, after the rest of its body is written. Raises OSError."""
        fetched = self._body.end()
        return Answer(self._status, self._phrase, self._location, fetched, self._body.start, self._retry_after)

    def failure(self, code: int, message: str, *, asked: bool, response: int) -> Exception:
        """The exception for a libcurl error. `asked`: the request was sent; `response`: the last status
        code."""
        if known := self._error or self._refused:
            return known
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            return FetchError("bad_certificate", f"{self._shown}: {message}")
        if code in (pycurl.E_SSL_CACERT_BADFILE, pycurl.E_OUT_OF_MEMORY):
            return OSError(f"libcurl: {message}")
        if self.target.is_ftp and (error := self._ftp_failure(code, message, response)) is not None:
            return error
        if code == pycurl.E_OPERATION_TIMEDOUT and asked:
            return self.too_slow()
        return self._transient(code, message)

    def _ftp_failure(self, code: int, message: str, response: int) -> FetchError | None:
        detail = f"{self._shown}: {message}"
        if code == pycurl.E_LOGIN_DENIED:
            return FetchError("login_failed", detail, transient=True)
        if code in _NO_FILE and response // 100 == 5:
            return FetchError("not_found", detail)
        if code in _NO_FILE:
            return FetchError("server_error", detail, transient=True)
        return None

    def _transient(self, code: int, message: str) -> FetchError:
        """A transient error."""
        reason = "unreachable"
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            reason, message = "too_slow", "given up for lack of room"
        elif code == pycurl.E_PARTIAL_FILE or (self._body.size and code == pycurl.E_RECV_ERROR):
            reason = "short_body"
        elif code in _BAD_RESPONSE:
            reason = "bad_response"
        return FetchError(reason, f"{self._shown}: {message}", transient=True)

    def too_slow(self) -> FetchError:
        """The error of a request that exceeded its time."""
        settings = self._settings
        return FetchError(
            "too_slow",
            f"{self._shown}: {self._body.size} bytes came, and no end within {settings.deadline:g} seconds "
            f"(fetch_deadline) or what was left of {settings.total:g} (fetch_total), or no byte for "
            f"{settings.read_timeout:g}",
            transient=True,
        )


def foreign_host(host: str, shown: str) -> FetchError:
    """The error of an address on a host that is not one of the chain's."""
    return FetchError(
        "foreign_host",
        f"{shown}: {host} is no host of the chain's portals: add it to `hosts` of the portal in chains.toml, "
        "or to the setting fetch_hosts",
    )
