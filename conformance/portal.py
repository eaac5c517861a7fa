"""A portal on this machine that serves the inputs, on one port for all runs."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass(frozen=True)
class Portal:
    """A running portal: its HOST:PORT, and the announced paths, CHAIN/FOLDER/NAME."""

    host: str
    paths: list[str]


@contextlib.contextmanager
def running_portal(bodies: Mapping[str, bytes | None]) -> Iterator[Portal]:
    """Serves bodies by their paths on 127.0.0.1 during a `with` block; status 404 for None."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(unquote(self.path.lstrip("/")))
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield Portal(f"127.0.0.1:{server.server_port}", sorted(bodies))
    finally:
        server.shutdown()
        server.server_close()
