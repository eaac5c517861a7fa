"""Single HTTP and FTP requests by libcurl, to allowed addresses, with a deadline.

libcurl's time limit covers the whole request, including the name lookup. It calls
`CURLOPT_OPENSOCKETFUNCTION` with the address of each connection, so the checked address is the one that is
connected to. The environment's proxies are not used, because they would connect to any address.
"""

from __future__ import annotations

import contextlib
import io
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Final
from urllib.parse import urlencode
from urllib.request import getproxies_environment

import certifi
import pycurl

from gogobe.io.access import Access
from gogobe.io.body import Body
from gogobe.io.exchange import Answer, Exchange, Rules, foreign_host
from gogobe.io.fetching import FetchSettings
from gogobe.io.targets import WEB, Target, target_of
from gogobe.records.addresses import authority_of, public_address

logger = logging.getLogger(__name__)

BUFFER_BYTES: Final = 1 << 18
MOST_IDLE: Final = 128
# pycurl has no name for this option: closing a handle does not wait for its name lookup.
_QUICK_EXIT: Final = 322
_Key = tuple[str, Access]


@dataclass(eq=False)
class _Handle:
    """A libcurl handle with its open connections, and the addresses that they are connected to."""

    curl: pycurl.Curl = field(default_factory=pycurl.Curl)
    peers: set[str] = field(default_factory=set)


class Client:
    """Keeps connections to portals open between requests. Thread-safe.

    A connection serves files of one host with one chain's access only, because it is checked when it is
    opened.
    """

    def __init__(self, settings: FetchSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._idle: OrderedDict[_Handle, _Key] = OrderedDict()
        self._by_key: dict[_Key, list[_Handle]] = {}
        for scheme, proxy in getproxies_environment().items():
            if scheme in (*WEB, "all"):
                logger.warning("the environment's proxy %s is not used for downloads", public_address(proxy))

    @contextlib.contextmanager
    def session(
        self, url: str, access: Access, is_cancelled: Callable[[], bool] = lambda: False
    ) -> Iterator[Session]:
        """A session for one file. Its cookies are deleted at the end."""
        key = authority_of(url), access
        handle = self._take(key) or _Handle()
        try:
            yield Session(handle.curl, handle.peers, Rules(self._settings, access, is_cancelled))
        except BaseException:
            # A handle with an abandoned lookup would make the next lookup wait for it.
            handle.curl.close()
            raise
        handle.curl.setopt(pycurl.COOKIELIST, "ALL")
        self._put(key, handle)

    def close(self) -> None:
        """Closes all connections that are not in use."""
        with self._lock:
            handles = list(self._idle)
            self._idle.clear()
            self._by_key.clear()
        for handle in handles:
            handle.curl.close()

    def _take(self, key: _Key) -> _Handle | None:
        with self._lock:
            handles = self._by_key.get(key)
            if not handles:
                return None
            handle = handles.pop()
            if not handles:
                del self._by_key[key]
            del self._idle[handle]
            return handle

    def _put(self, key: _Key, handle: _Handle) -> None:
        with self._lock:
            self._idle[handle] = key
            self._by_key.setdefault(key, []).append(handle)
            oldest = None
            if len(self._idle) > MOST_IDLE:
                oldest, of = self._idle.popitem(last=False)
                self._by_key[of].remove(oldest)
                if not self._by_key[of]:
                    del self._by_key[of]
        if oldest is not None:
            oldest.curl.close()


class Session:
    """The requests for one file, including redirects and logins, by one handle."""

    def __init__(self, curl: pycurl.Curl, peers: set[str], rules: Rules) -> None:
        self._curl = curl
        self._peers = peers
        self._rules = rules
        self.access = rules.access

    def request(self, url: str, file: BinaryIO, until: float, form: Mapping[str, str] | None = None) -> Answer:
        """Requests an address, or posts a form to it. Writes the body of a 200, as received and without
        decoding, to `file`.

        Ends at the monotonic time `until` at the latest, and about a second after a cancellation. Raises
        FetchError, or OSError for a failure of this machine, such as a full disk.
        """
        target, proxy = target_of(url), self.access.proxy_value()
        shown, body = public_address(url), Body(file)
        exchange = Exchange(target, shown, self._rules, body, self._peers, proxy=bool(proxy))
        if proxy and self.access.hosts is not None and target.host not in self.access.hosts:
            # The proxy opens the connection, so only the name can be checked.
            raise foreign_host(target.host, shown)
        seconds = until - time.monotonic()
        if seconds <= 0:
            raise exchange.too_slow()
        self._prepare(exchange, seconds, proxy, form)
        try:
            self._curl.perform()
        except pycurl.error as error:
            if not exchange.answered:
                asked, response = bool(self._get(pycurl.REQUEST_SIZE)), int(self._get(pycurl.RESPONSE_CODE))
                failure = exchange.failure(
                    int(error.args[0]), self._curl.errstr(), asked=asked or target.is_ftp, response=response
                )
                # Where a callback ended the request, libcurl's error only follows from that.
                raise failure from None if exchange.is_refused else error
        return exchange.answer()

    def read(self, url: str, until: float, form: Mapping[str, str] | None = None) -> tuple[Answer, bytes]:
        """Requests a page. Returns its answer and its body. Raises as `request`."""
        body = io.BytesIO()
        answer = self.request(url, body, until, form)
        return answer, body.getvalue()

    @property
    def cookies(self) -> Sequence[str]:
        """The cookies of the portal, in libcurl's form."""
        return tuple(self._curl.getinfo(pycurl.INFO_COOKIELIST))

    def set_cookies(self, cookies: Sequence[str]) -> None:
        """Replaces the cookies."""
        self._curl.setopt(pycurl.COOKIEFILE, "")
        for line in ("ALL", *cookies):
            self._curl.setopt(pycurl.COOKIELIST, line)

    def _get(self, info: int) -> float:
        return float(self._curl.getinfo(info) or 0)

    def _prepare(self, exchange: Exchange, seconds: float, proxy: str, form: Mapping[str, str] | None) -> None:
        settings, curl, access = self._rules.settings, self._curl, self.access
        curl.reset()
        headers = {**settings.headers, **dict(access.headers), "Accept-Encoding": "identity"}
        options: dict[int, object] = {
            pycurl.URL: exchange.target.url,
            pycurl.PROXY: proxy,
            pycurl.NOSIGNAL: 1,
            pycurl.HTTP_VERSION: pycurl.CURL_HTTP_VERSION_1_1,
            pycurl.HTTPHEADER: [f"{name}: {value}".encode() for name, value in headers.items()],
            pycurl.COOKIEFILE: "",
            pycurl.CAINFO: access.ca_file or settings.ca_file or certifi.where(),
            pycurl.SSL_VERIFYPEER: int(access.verify_tls),
            pycurl.SSL_VERIFYHOST: 2 if access.verify_tls else 0,
            pycurl.BUFFERSIZE: BUFFER_BYTES,
            pycurl.TIMEOUT_MS: max(1, int(seconds * 1000)),
            pycurl.CONNECTTIMEOUT_MS: max(1, int(min(seconds, settings.connect_timeout) * 1000)),
            _QUICK_EXIT: 1,
            pycurl.LOW_SPEED_LIMIT: 1,
            pycurl.LOW_SPEED_TIME: max(1, round(settings.read_timeout)),
            pycurl.OPENSOCKETFUNCTION: exchange.open_socket,
            pycurl.HEADERFUNCTION: exchange.on_header,
            pycurl.WRITEFUNCTION: exchange.on_body,
            pycurl.NOPROGRESS: 0,
            pycurl.XFERINFOFUNCTION: exchange.on_progress,
        }
        if form is not None:
            options[pycurl.POSTFIELDS] = urlencode(form)
        if exchange.target.is_ftp:
            options |= self._ftp_options(exchange.target)
        for option, value in options.items():
            curl.setopt(option, value)

    def _ftp_options(self, target: Target) -> Mapping[int, object]:
        """The login is sent to the portal's own host only, and over TLS for ftps."""
        options: dict[int, object] = {
            pycurl.FTP_FILEMETHOD: pycurl.FTPMETHOD_NOCWD,
            pycurl.FTP_SKIP_PASV_IP: 1,
            pycurl.USE_SSL: pycurl.USESSL_ALL if target.scheme == "ftps" else pycurl.USESSL_NONE,
        }
        if self.access.user and target_of(self.access.url + "/x").host == target.host:
            options[pycurl.USERNAME] = self.access.user
            options[pycurl.PASSWORD] = self.access.password_value()
        return options
