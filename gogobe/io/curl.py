"""One HTTP request at a time over libcurl, to addresses that are allowed, within a deadline.

libcurl, because its time limit covers all of a request, the lookup of the name too, and because it asks before
it connects: `CURLOPT_OPENSOCKETFUNCTION` is called with the very address of the connection, so what is checked
is what is connected to. Proxies of the environment are not used: they would connect to anything.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import re
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple
from urllib.parse import quote, urlsplit
from urllib.request import getproxies_environment

import certifi
import pycurl

from gogobe.io.fetching import Fetched, FetchError, FetchSettings
from gogobe.io.networks import ascii_host
from gogobe.io.retry_after import seconds_until
from gogobe.records.addresses import has_credentials, public_address

logger = logging.getLogger(__name__)

PORTS: Final[Mapping[str, int]] = {"http": 80, "https": 443}
BUFFER_BYTES: Final = 1 << 18
START_BYTES: Final = 512
# What comes with a status other than 200 is read to its end, for the connection's sake, unless it is longer.
DISCARDED_BYTES: Final = 1 << 16
MAX_PHRASE: Final = 100

_HOST: Final = re.compile(r"[a-z0-9_.-]+|\[[0-9a-f:.]+(?:%[a-z0-9_.-]+)?\]")
_STATUS: Final = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3}) ?(.*)")
_OURS: Final = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

# What pycurl has no names for.
_QUICK_EXIT: Final = 322
_E_TOO_LARGE: Final = 100
# What answers speaks no HTTP, or its headers have no end.
_BAD_RESPONSE: Final = (pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY, _E_TOO_LARGE)


@dataclass(frozen=True)
class Target:
    """An address in the only form that is given to libcurl, with the parts that are checked."""

    url: str
    scheme: str
    host: str
    port: int


def target_of(url: str) -> Target:
    """Reads an address. Raises FetchError: `credentials_in_url`, `unsupported_url`."""
    shown = public_address(url)
    if has_credentials(url):
        raise FetchError(
            "credentials_in_url",
            f"{shown}: the address carried a user or a password; announce it without",
        )
    try:
        parts = urlsplit(url.strip())
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else ascii_host(parts.hostname or "")
        port = parts.port
    except ValueError as error:
        raise FetchError("unsupported_url", f"{shown}: {error}") from error
    if parts.scheme not in PORTS:
        raise FetchError("unsupported_url", f"{shown}: only http and https addresses can be fetched")
    if not _HOST.fullmatch(host) or port == 0:
        raise FetchError("unsupported_url", f"{shown}: it names no host that can be asked")
    path = quote(parts.path or "/", safe="/%!$&'()*+,;=:@~", errors="replace")
    query = quote(parts.query, safe="/%!$&'()*+,;=:@~?", errors="replace")
    number = port or PORTS[parts.scheme]
    address = f"{parts.scheme}://{host}:{number}{path}{'?' if query else ''}{query}"
    return Target(address, parts.scheme, host.strip("[]"), number)


class Answer(NamedTuple):
    """What a portal answered: the status, where a redirect leads, the file (of a 200) and its first bytes."""

    status: int
    phrase: str
    location: str | None
    fetched: Fetched
    start: bytes
    retry_after: float | None = None


class Client:
    """Connections to portals, kept open for the next request; may be shared by threads."""

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._idle: deque[pycurl.Curl] = deque()
        for scheme, proxy in getproxies_environment().items():
            if scheme in (*PORTS, "all"):
                logger.warning("the environment's proxy %s is not used for downloads", public_address(proxy))

    @contextlib.contextmanager
    def session(self) -> Iterator[Session]:
        """A session for one file; its cookies end with it."""
        try:
            curl = self._idle.pop()
        except IndexError:  # not asked before: another thread may take the last one in between
            curl = pycurl.Curl()
        try:
            yield Session(curl, self._settings)
        except BaseException:
            # A handle whose lookup was given up makes the next lookup wait for it.
            curl.close()
            raise
        curl.setopt(pycurl.COOKIELIST, "ALL")
        self._idle.append(curl)

    def close(self) -> None:
        """Closes the connections that no thread uses."""
        while self._idle:
            self._idle.pop().close()


class Session:
    """Requests for one file, redirects among them, over one handle."""

    def __init__(self, curl: pycurl.Curl, settings: FetchSettings) -> None:
        self._curl = curl
        self._settings = settings

    def get(
        self, url: str, file: BinaryIO, until: float, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Answer:
        """Asks for an address and writes the body of a 200, as it comes and undecoded, into `file`.

        Ends when the monotonic clock is at `until`, at the latest, and about a second after `is_cancelled`.
        Raises FetchError; OSError where the machine itself is the reason, as with a full disk.
        """
        exchange = _Exchange(target_of(url), public_address(url), self._settings, file, is_cancelled)
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise exchange.too_slow()
        self._prepare(exchange, seconds)
        try:
            self._curl.perform()
        except pycurl.error as error:
            if not exchange.answered:
                raise exchange.failure(int(error.args[0]), self._curl.errstr(), asked=self._asked()) from error
        return exchange.answer()

    def _asked(self) -> bool:
        """Whether the request was sent: before that, what fails is the connection."""
        return bool(self._curl.getinfo(pycurl.REQUEST_SIZE))

    def _prepare(self, exchange: _Exchange, seconds: float) -> None:
        settings, curl = self._settings, self._curl
        curl.reset()
        headers = {**settings.headers, "Accept-Encoding": "identity"}
        options: dict[int, object] = {
            pycurl.URL: exchange.target.url,
            pycurl.PROXY: "",
            pycurl.NOSIGNAL: 1,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.HTTPHEADER: [f"{name}: {value}".encode() for name, value in headers.items()],
            pycurl.COOKIEFILE: "",
            pycurl.CAINFO: settings.ca_file or certifi.where(),
            pycurl.BUFFERSIZE: BUFFER_BYTES,
            pycurl.TIMEOUT_MS: max(1, int(seconds * 1000)),
            pycurl.CONNECTTIMEOUT_MS: max(1, int(min(seconds, settings.connect_timeout) * 1000)),
            _QUICK_EXIT: 1,  # closing a handle does not wait for its lookup
            pycurl.LOW_SPEED_LIMIT: 1,
            pycurl.LOW_SPEED_TIME: max(1, round(settings.read_timeout)),
            pycurl.OPENSOCKETFUNCTION: exchange.open_socket,
            pycurl.HEADERFUNCTION: exchange.take_header,
            pycurl.WRITEFUNCTION: exchange.take_body,
            pycurl.NOPROGRESS: 0,
            pycurl.XFERINFOFUNCTION: exchange.goes_on,
        }
        for option, value in options.items():
            curl.setopt(option, value)


class _Exchange:
    """One request and what comes back: libcurl's callbacks. What they raise would be lost, so they keep it."""

    def __init__(
        self,
        target: Target,
        shown: str,
        settings: FetchSettings,
        file: BinaryIO,
        is_cancelled: Callable[[], bool],
    ) -> None:
        self.target = target
        self._is_cancelled = is_cancelled
        self._shown = shown
        self._settings = settings
        self._file = file
        self._digest = hashlib.sha256()
        self._status = 0
        self._phrase = ""
        self._location: str | None = None
        self._retry_after: float | None = None
        self._size = 0
        self._discarded = 0
        self._start = b""
        self._refused: str | None = None
        self._error: OSError | FetchError | None = None

    def open_socket(self, _purpose: int, address: pycurl.CurlSockAddr) -> socket.socket | int:
        """Opens a socket for an address that the host's name was resolved to, if it may be connected to."""
        if address.family not in (socket.AF_INET, socket.AF_INET6):
            return pycurl.SOCKET_BAD
        self._refused = self._settings.allowed.refusal(self.target.host, str(address.addr[0]), self.target.port)
        if self._refused is not None:
            return pycurl.SOCKET_BAD
        try:
            return socket.socket(address.family, address.socktype, address.protocol)
        except OSError as error:  # for one, a machine without IPv6: the next address is tried
            self._error = error if error.errno in _OURS else None
            return pycurl.SOCKET_BAD

    def take_header(self, line: bytes) -> None:
        """Takes one line of the headers."""
        if status := _STATUS.match(line):
            self._status, self._location, self._retry_after = int(status[1]), None, None
            self._phrase = status[2][:MAX_PHRASE].decode("latin-1").strip()
        name, _, value = line.partition(b":")
        match name.strip().lower():
            case b"location":
                self._location = value.strip().decode("utf-8", "replace")
            case b"retry-after":
                self._retry_after = seconds_until(value.decode("latin-1"))

    def goes_on(self, *_progress: float) -> int:
        """Asked by libcurl about once a second: anything but 0 ends the request."""
        return int(self._is_cancelled())

    def take_body(self, chunk: bytes) -> int:
        """Takes some of the body; ends the request where it is unwanted, too large or cannot be written."""
        if self._status != 200:
            self._discarded += len(chunk)
            return len(chunk) if self._discarded <= DISCARDED_BYTES else -1
        if len(self._start) < START_BYTES:
            self._start += chunk[:START_BYTES]
        self._size += len(chunk)
        if self._size > self._settings.max_bytes:
            detail = f"{self._shown}: more than {self._settings.max_bytes} bytes"
            self._error = FetchError("too_large", detail)
            return -1
        self._digest.update(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            self._error = error
            return -1
        return len(chunk)

    @property
    def answered(self) -> bool:
        """Whether all is known although the request was ended: the body of a redirect or an error was long."""
        return self._discarded > DISCARDED_BYTES

    def answer(self) -> Answer:
        """What came."""
        fetched = Fetched(self._size, self._digest.hexdigest())
        return Answer(self._status, self._phrase, self._location, fetched, self._start, self._retry_after)

    def failure(self, code: int, message: str, *, asked: bool) -> Exception:
        """What libcurl's error means; `asked` says whether the request was sent."""
        if self._error is not None:
            return self._error
        if self._refused is not None and code == pycurl.E_COULDNT_CONNECT:
            return FetchError(
                "forbidden_address",
                f"{self._shown}: {self._refused}; the setting fetch_hosts lists what is allowed all the same",
            )
        if code == pycurl.E_PEER_FAILED_VERIFICATION:
            return FetchError("bad_certificate", f"{self._shown}: {message}")
        if code in (pycurl.E_SSL_CACERT_BADFILE, pycurl.E_OUT_OF_MEMORY):
            return OSError(f"libcurl: {message}")
        if code == pycurl.E_OPERATION_TIMEDOUT and asked:
            return self.too_slow()
        return self._passing(code, message)

    def _passing(self, code: int, message: str) -> FetchError:
        """An error that may pass."""
        reason = "unreachable"
        if code == pycurl.E_ABORTED_BY_CALLBACK:
            reason, message = "too_slow", "given up for lack of room"
        elif code == pycurl.E_PARTIAL_FILE or (self._size and code == pycurl.E_RECV_ERROR):
            reason = "short_body"
        elif code in _BAD_RESPONSE:
            reason = "bad_response"
        return FetchError(reason, f"{self._shown}: {message}", transient=True)

    def too_slow(self) -> FetchError:
        """The error of a request that was given up."""
        settings = self._settings
        return FetchError(
            "too_slow",
            f"{self._shown}: {self._size} bytes came, and no end within {settings.deadline:g} seconds "
            f"(fetch_deadline) or what was left of {settings.total:g} (fetch_total), or no byte for "
            f"{settings.read_timeout:g}",
            transient=True,
        )
