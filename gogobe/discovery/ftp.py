"""Lists folders of FTP servers, with explicit or implicit TLS: the standard library's client in threads."""

from __future__ import annotations

import asyncio
import contextlib
import ftplib
import re
import socket
import ssl
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from gogobe.discovery.listing import Kind, ListingError, address_refused
from gogobe.io.networks import AllowedHosts, ascii_host

IMPLICIT_TLS_PORT: Final = 990
MAX_LISTING_BYTES: Final = 64 << 20
_CHUNK: Final = 1 << 16
_UNIX_LINE: Final = re.compile(r"([-dl])\S{9,}\s+\d+\s+\S+\s+\S+\s+(\d+)\s+\w{3}\s+\d+\s+[\d:]+\s(.+)")
_DOS_LINE: Final = re.compile(r"\d\d-\d\d-\d{2,4}\s+\d\d:\d\d(?:[AP]M)?\s+(<DIR>|\d+)\s+(.+)", re.IGNORECASE)


@dataclass(frozen=True)
class FtpServer:
    """An FTP server and its login. `tls`: None, `explicit` (AUTH TLS) or `implicit` (port 990)."""

    host: str
    port: int
    user: str
    password: str
    timeout: float
    tls: str | None

    @classmethod
    def of(cls, url: str, user: str, password: str, timeout: float) -> FtpServer:
        """The server of an ftp or ftps address. ftps means explicit TLS, on port 990 implicit TLS."""
        parts = urlsplit(url)
        port = parts.port or ftplib.FTP_PORT
        tls = None if parts.scheme == "ftp" else "implicit" if port == IMPLICIT_TLS_PORT else "explicit"
        return cls(parts.hostname or "", port, user or "anonymous", password, timeout, tls)

    def __repr__(self) -> str:
        return f"FtpServer({self.host}:{self.port})"


@dataclass(frozen=True)
class FtpEntry:
    """An entry of a folder: a file or a folder. `modified` is aware."""

    name: str
    is_folder: bool = False
    size: int | None = None
    modified: datetime | None = None


class FtpThreads:
    """The threads of FTP sessions. A session ends at once when it is cancelled."""

    def __init__(self, threads: int, allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="ftp")

    async def list_folder(
        self, server: FtpServer, folder: str, context: ssl.SSLContext | None
    ) -> list[FtpEntry]:
        """Lists a folder. `context` is for a server with TLS. Raises ListingError."""
        session = _Session(server, context, self._allowed)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, session.list_folder, folder)
        except asyncio.CancelledError:
            session.abort()
            raise

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Client(ftplib.FTP_TLS):
    """The standard client with implicit TLS on its port, and data connections that resume the TLS session of
    the control connection, as some servers require.

    The server's passive address is ignored: data connections go to the host of the control connection.
    """

    def connect_to(self, server: FtpServer, allowed: AllowedHosts) -> None:
        """Connects to an allowed address of the server. Raises OSError, ListingError."""
        self.host, self.port, self.timeout = server.host, server.port, server.timeout
        self.sock = _connected(server, allowed)
        self.af = self.sock.family
        if server.tls == "implicit":
            self.sock = self.context.wrap_socket(self.sock, server_hostname=self.host)
        self.file = self.sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: Any = None) -> tuple[socket.socket, int | None]:
        connection, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        if self._prot_p:  # type: ignore[attr-defined]
            session = self.sock.session if isinstance(self.sock, ssl.SSLSocket) else None
            connection = self.context.wrap_socket(connection, server_hostname=self.host, session=session)
        return connection, size


def _connected(server: FtpServer, allowed: AllowedHosts) -> socket.socket:
    refusal, failure = None, None
    found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        refusal = allowed.refusal(ascii_host(server.host), str(address[0]), server.port)
        if refusal is not None:
            continue
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(server.timeout)
        try:
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    if failure is None:
        raise address_refused(server.host, refusal)
    raise failure


class _Session:
    """One login: connects, lists one folder, disconnects."""

    def __init__(self, server: FtpServer, context: ssl.SSLContext | None, allowed: AllowedHosts) -> None:
        self._server = server
        self._allowed = allowed
        # The encoding of names depends on the server; latin-1 preserves their bytes.
        self._ftp = _Client(context=context, timeout=server.timeout, encoding="latin-1")

    def abort(self) -> None:
        """Shuts the socket down, which ends the thread's wait."""
        if self._ftp.sock is not None:
            with contextlib.suppress(OSError):
                self._ftp.sock.shutdown(socket.SHUT_RDWR)

    def list_folder(self, folder: str) -> list[FtpEntry]:
        """Raises ListingError."""
        with self._explained():
            try:
                self._log_in()
                return self._entries(folder)
            finally:
                self._ftp.close()

    def _log_in(self) -> None:
        server, ftp = self._server, self._ftp
        ftp.connect_to(server, self._allowed)
        try:
            if server.tls == "explicit":
                ftp.auth()
            ftp.login(server.user, server.password, secure=False)
        except ftplib.error_perm as error:
            kind: Kind = "login_failed" if str(error).startswith("530") else "tls"
            raise ListingError(kind, f"{server.host}: user {server.user}: {error}") from error
        if server.tls:
            ftp.prot_p()

    def _entries(self, folder: str) -> list[FtpEntry]:
        with contextlib.suppress(ftplib.error_perm):  # a server that refuses uses its own facts
            self._ftp.sendcmd("OPTS MLST type;size;modify;")
        try:
            return [entry for line in self._lines(f"MLSD {folder}") if (entry := _of_facts(line))]
        except ftplib.error_perm as error:
            if str(error)[:3] not in ("500", "501", "502", "504"):
                raise
        return [entry for line in self._lines(f"LIST {folder}") if (entry := _of_line(line))]

    def _lines(self, command: str) -> Iterator[str]:
        """The lines of a listing, after the server has confirmed that it is complete."""
        deadline = time.monotonic() + 10 * self._server.timeout
        self._ftp.voidcmd("TYPE A")
        body = bytearray()
        connection, _ = self._ftp.ntransfercmd(command)
        with connection:
            while chunk := connection.recv(_CHUNK):
                body += chunk
                if len(body) > MAX_LISTING_BYTES:
                    raise ListingError("too_large", f"a listing of more than {MAX_LISTING_BYTES} bytes")
                if time.monotonic() > deadline:
                    raise TimeoutError
        self._ftp.voidresp()
        yield from (_decoded(line) for line in bytes(body).splitlines())

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        host = self._server.host
        try:
            yield
        except (OSError, ftplib.Error, EOFError) as error:
            raise ListingError(_kind_of(error), f"{host}: {type(error).__name__}: {error}") from error


def _kind_of(error: Exception) -> Kind:
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        return "tls"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, ftplib.error_temp):
        return "short_body" if str(error).startswith("426") else "server_error"
    if isinstance(error, ftplib.error_perm):
        return "not_found" if str(error).startswith("550") else "http_status"
    return "not_a_listing" if isinstance(error, ftplib.Error) else "unreachable"


def _decoded(line: bytes) -> str:
    """A line, decoded as UTF-8 or, if that fails, as windows-1255 (Hebrew)."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("windows-1255", "replace")


def _of_facts(line: str) -> FtpEntry | None:
    """An entry of MLSD: `type=file;size=12;modify=20250807030000; NAME`.
    https://www.rfc-editor.org/rfc/rfc3659"""
    facts, _, name = line.partition(" ")
    found = dict(fact.lower().partition("=")[::2] for fact in facts.split(";") if fact)
    kind = found.get("type", "file")
    if not name or kind in ("cdir", "pdir"):
        return None
    size = found.get("size", "")
    return FtpEntry(name, kind == "dir", int(size) if size.isdecimal() else None, _utc(found.get("modify", "")))


def _of_line(line: str) -> FtpEntry | None:
    """An entry of LIST in Unix or DOS format, without its time, which lacks the zone and often the year."""
    if unix := _UNIX_LINE.fullmatch(line):
        return FtpEntry(unix[3].partition(" -> ")[0], unix[1] == "d", int(unix[2]))
    if dos := _DOS_LINE.fullmatch(line):
        is_folder = dos[1].upper() == "<DIR>"
        return FtpEntry(dos[2], is_folder, None if is_folder else int(dos[1]))
    return None


def _utc(text: str) -> datetime | None:
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def folder_of(url: str) -> str:
    """The folder of an FTP address; `/` by default."""
    return unquote(urlsplit(url).path) or "/"
