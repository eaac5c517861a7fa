"""Ways in which a server on the network fails, for clients of real ones."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


@contextlib.contextmanager
def cut_off(endpoint: str, after: int) -> Iterator[str]:
    """The address of a way to a server that every connection loses once it has sent `after` bytes."""
    host, port = endpoint.removeprefix("http://").split(":")

    class Way(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((host, int(port))) as server:
                back = threading.Thread(target=_pass_on, args=(server, self.request), daemon=True)
                back.start()
                _pass_on(self.request, server, after)
                server.shutdown(socket.SHUT_RDWR)
                back.join()

    class Ways(socketserver.ThreadingTCPServer):
        daemon_threads = True  # else the end waits for clients that keep a connection for their next call

    with _serving(Ways(("127.0.0.1", 0), Way)) as address:
        yield address


@contextlib.contextmanager
def answering(status: int) -> Iterator[str]:
    """The address of a server that gives every request the same answer."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.do_GET()

        do_POST = do_PUT  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Answer)) as address:
        yield address


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[str]:
    with server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def _pass_on(giver: socket.socket, taker: socket.socket, count: int = 1 << 40) -> None:
    """Passes on up to so many bytes, or all until one of the two has gone."""
    with contextlib.suppress(OSError):
        while count > 0 and (data := giver.recv(min(count, 1 << 16))):
            taker.sendall(data)
            count -= len(data)


class Line:
    """A way to a TCP server that can fall silent: it then takes what comes and passes nothing on, as a stopped
    process or a broken proxy does."""

    def __init__(self, host: str, port: int) -> None:
        self._passes = threading.Event()
        self._passes.set()
        line = self

        class Way(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with socket.create_connection((host, port)) as server:
                    back = threading.Thread(target=line.pass_on, args=(server, self.request), daemon=True)
                    back.start()
                    line.pass_on(self.request, server)
                    back.join()

        class Ways(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Ways((host, 0), Way)
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.restore()
        self._server.shutdown()
        self._server.server_close()

    def fall_silent(self) -> None:
        """From now on nothing gets through."""
        self._passes.clear()

    def restore(self) -> None:
        """Everything gets through again, what was held back too."""
        self._passes.set()

    def pass_on(self, giver: socket.socket, taker: socket.socket) -> None:
        """Passes on until one of the two closes; what comes while the line is silent is held back."""
        with contextlib.suppress(OSError):
            while data := giver.recv(1 << 16):
                self._passes.wait()
                taker.sendall(data)
            taker.shutdown(socket.SHUT_WR)
