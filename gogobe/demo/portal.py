"""A small portal on this machine that publishes the bundled feeds, three of them as badly as portals do."""

from __future__ import annotations

import contextlib
import gzip
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

FEEDS: Final = Path(__file__).parent / "feeds"
CHAINS: Final[Mapping[str, str]] = {
    "7290027600007": "shufersal",
    "7290058108879": "king_store",
    "7290058140886": "rami_levy",
    "7290058156016": "super_sapir",
    "7290696200003": "victory",
    "7290803800003": "yohananof",
}
MISSING: Final = "shufersal/PriceFull7290027600007-002-202508070300.gz"
LOGIN_PAGE: Final = "yohananof/PriceFull7290803800003-009-202506100401.gz"
CUT_SHORT: Final = "king_store/PriceFull7290058108879-340-202508071024.gz"
_CUT_FROM: Final = "PriceFull7290058108879-339-202508071024.gz"


@dataclass(frozen=True)
class Published:
    """A file on the portal: its chain and its address."""

    chain: str
    url: str


@dataclass(frozen=True)
class DemoPortal:
    """A running portal: its HOST:PORT, and what it publishes."""

    host: str
    published: list[Published]


def _cut_short() -> bytes:
    """A store's PriceFull whose transfer ended at six tenths: another store's, under its own number."""
    text = gzip.decompress((FEEDS / _CUT_FROM).read_bytes())
    other = text.replace(b"<StoreId>339</StoreId>", b"<StoreId>340</StoreId>")
    whole = gzip.compress(other, mtime=0)
    return whole[: len(whole) * 6 // 10]


def _bodies() -> dict[str, bytes]:
    bodies = {}
    for file in sorted(FEEDS.iterdir()):
        chain = next((name for chain_id, name in CHAINS.items() if chain_id in file.name), None)
        if chain is not None:
            bodies[f"{chain}/{file.name}"] = file.read_bytes()
    bodies[LOGIN_PAGE] = b"<!DOCTYPE html><html><body>Please log in</body></html>"
    bodies[CUT_SHORT] = _cut_short()
    return bodies


def _server(handler: type[BaseHTTPRequestHandler], port_file: Path) -> ThreadingHTTPServer:
    remembered = port_file.read_text("ascii").strip() if port_file.exists() else ""
    try:
        server = ThreadingHTTPServer(("127.0.0.1", int(remembered or 0)), handler)
    except OSError:
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    port_file.write_text(str(server.server_port), "ascii")
    return server


@contextlib.contextmanager
def running_portal(port_file: Path) -> Iterator[DemoPortal]:
    """Serves the feeds on 127.0.0.1 for the length of a `with`.

    The port is the one that `port_file` remembers from the last run, so that what a killed run had announced
    can still be fetched by the next; a free one where that is taken.
    """
    bodies = _bodies()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies.get(self.path.lstrip("/"))
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = _server(Handler, port_file)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    paths = sorted([*bodies, MISSING])
    try:
        yield DemoPortal(host, [Published(path.split("/")[0], f"http://{host}/{path}") for path in paths])
    finally:
        server.shutdown()
        server.server_close()
