"""A portal of a run, as a process: a directory index for each chain, of the files that have appeared so far.

It keeps nothing, so that it may be killed at any time. How many files have appeared is written by the run.

    python -m chaos.portal FOLDER PORT
"""

from __future__ import annotations

import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from chaos.published import PublishedFile, read_published

APPEARED: Final = "appeared"


def show(folder: Path, count: int) -> None:
    """Lets the first `count` files of a run appear."""
    part = folder / f"{APPEARED}.part"
    part.write_text(str(count), "ascii")
    part.replace(folder / APPEARED)


class Shelf:
    """The files of a folder that have appeared."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = read_published(folder)

    def page(self, chain: str) -> bytes:
        """The index of a chain, as nginx writes it."""
        rows = [
            f'<a href="{file.name}">{file.name}</a> {file.modified:%d-%b-%Y %H:%M} 1000\n'
            for file in self._appeared()
            if file.chain == chain
        ]
        title = f"Index of /{chain}/"
        head = f'<html><title>{title}</title><h1>{title}</h1><hr><pre><a href="../">../</a>\n'
        return f"{head}{''.join(rows)}</pre><hr></html>".encode()

    def body(self, path: str) -> bytes | None:
        """A file's bytes; None where there are none."""
        if any(file.path == path for file in self._appeared()) and (self._folder / path).is_file():
            return (self._folder / path).read_bytes()
        return None

    def _appeared(self) -> list[PublishedFile]:
        return self._files[: int((self._folder / APPEARED).read_text("ascii"))]


def serve(folder: Path, port: int) -> None:
    """Serves until the process ends."""
    shelf = Shelf(folder)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            path = self.path.strip("/")
            body = shelf.body(path) if "/" in path else shelf.page(path)
            self.send_response(HTTPStatus.NOT_FOUND if body is None else HTTPStatus.OK)
            self.send_header("Content-Type", "application/gzip" if "/" in path else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]))
