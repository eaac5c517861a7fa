"""Web servers that behave as portals do, or worse, for tests of downloads."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import socketserver
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Request:
    """A request as a portal saw it; `number` counts those of its path, from 1."""

    path: str
    headers: Mapping[str, str]
    number: int
    connection: int


@dataclass
class Response:
    """What a portal answers. The declared length is the body's, unless another is given; the body is written
    byte by byte where there is a pause between them."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None
    pause: float = 0.0


@dataclass
class Portal:
    """A running portal: its address, and the requests that it saw."""

    url: str
    requests: list[Request]

    @property
    def host(self) -> str:
        """`HOST:PORT`."""
        return self.url.partition("//")[2]

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


@contextlib.contextmanager
def portal(
    answer: Callable[[Request], Response], host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[Portal]:
    """A web server on a free port of this machine that asks `answer` what to say. Its URL names `host`."""
    seen: list[Request] = []
    numbers: Counter[str] = Counter()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            numbers[self.path] += 1
            port = self.client_address[1]
            request = Request(self.path, dict(self.headers.items()), numbers[self.path], port)
            seen.append(request)
            response = answer(request)
            self.send_response(response.status)
            length = len(response.body) if response.length is None else response.length
            for name, value in {"Content-Length": str(length), **response.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self._write(response)
            self.close_connection = self.close_connection or length != len(response.body)

        def _write(self, response: Response) -> None:
            if not response.pause:
                self.wfile.write(response.body)
                return
            for byte in response.body:
                self.wfile.write(bytes([byte]))
                time.sleep(response.pause)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Quiet: clients end connections in the middle."""

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        with _serving(server):
            scheme = "http" if tls is None else "https"
            yield Portal(f"{scheme}://{host}:{server.server_port}", seen)


@contextlib.contextmanager
def raw_portal(speak: Callable[[socketserver.BaseRequestHandler], None]) -> Iterator[str]:
    """A server that says what it likes, HTTP or not; its address as HOST:PORT."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                speak(self)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Handler) as server, _serving(server):
        yield f"127.0.0.1:{server.server_address[1]}"


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Certificate:
    """A certificate that signs itself, in a file, and the TLS of a server that shows it."""

    file: Path
    tls: ssl.SSLContext


def certificate(folder: Path, *names: str) -> Certificate:
    """A certificate for host names and addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / f"{names[0]}.pem", folder / f"{names[0]}.key"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file, key_file)
    return Certificate(file, tls)


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
