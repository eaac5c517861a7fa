"""Fetching against a real HTTP server that misbehaves as portals do."""

import contextlib
import dataclasses
import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from gogobe.io.http import Fetched, FetchError, FetchSettings, fetch

BODY = b"\x1f\x8b" + bytes(range(256)) * 40
QUICK = FetchSettings(attempts=3, backoff=0.001, connect_timeout=2, read_timeout=2, max_bytes=50_000)


class Portal(BaseHTTPRequestHandler):
    """Answers by path; `/flaky` fails twice, then gives the file."""

    calls: dict[str, int]

    def do_GET(self) -> None:
        self.calls[self.path] = self.calls.get(self.path, 0) + 1
        status, body, length = self._answer()
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if self.path == "/gzip":
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if self.path.endswith("drop-by-drop"):
            with contextlib.suppress(ConnectionError):
                for byte in body[:100]:
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.02)
        else:
            self.wfile.write(body)

    def _answer(self) -> tuple[int, bytes, int]:
        page = b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>login</html>"
        if self.path == "/flaky" and self.calls["/flaky"] < 3:
            return 500, b"", 0
        answers = {
            "/gone": (404, b"no", 2),
            "/login": (200, page, len(page)),
            "/login-drop-by-drop": (200, page, len(page)),
            "/short": (200, BODY[:100], len(BODY)),
            "/empty": (200, b"", 0),
            "/huge": (200, b"x" * 60_000, 60_000),
            "/broken": (503, b"", 0),
        }
        return answers.get(self.path, (200, BODY, len(BODY)))

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def portal() -> Iterator[str]:
    handler = type("Handler", (Portal,), {"calls": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("path", ["/file.gz", "/flaky", "/gzip"])
def test_the_raw_bytes_come_whole(portal: str, tmp_path: Path, path: str):
    target = tmp_path / "file"
    fetched = fetch(portal + path, target, QUICK, requests.Session())
    assert target.read_bytes() == BODY
    assert fetched == Fetched(len(BODY), hashlib.sha256(BODY).hexdigest())


@pytest.mark.parametrize(
    ("path", "reason", "attempts"),
    [
        ("/gone", "not_found", 1),
        ("/login", "html_page", 1),
        ("/empty", "empty_body", 1),
        ("/huge", "too_large", 1),
        ("/short", "short_body", 3),
        ("/broken", "server_error", 3),
    ],
)
def test_what_cannot_be_had_says_why(portal: str, tmp_path: Path, path: str, reason: str, attempts: int):
    with pytest.raises(FetchError) as caught:
        fetch(portal + path, tmp_path / "file", QUICK, requests.Session())
    assert (caught.value.reason, caught.value.attempts) == (reason, attempts)
    assert portal + path in str(caught.value)


def test_a_body_that_comes_drop_by_drop_is_given_up(portal: str, tmp_path: Path):
    """No single read takes long enough to run into the read timeout."""
    settings = dataclasses.replace(QUICK, attempts=2, deadline=0.2)
    with pytest.raises(FetchError) as caught:
        fetch(f"{portal}/drop-by-drop", tmp_path / "file", settings, requests.Session())
    assert (caught.value.reason, caught.value.transient, caught.value.attempts) == ("too_slow", True, 2)


def test_a_portal_that_is_not_there(tmp_path: Path):
    with pytest.raises(FetchError) as caught:
        fetch("http://127.0.0.1:9/file.gz", tmp_path / "file", QUICK, requests.Session())
    assert (caught.value.reason, caught.value.attempts) == ("unreachable", 3)


@pytest.mark.parametrize(
    "url", ["ftp://portal/file.gz", "file:///etc/passwd", "nonsense", "http://[bad/a.gz", ""]
)
def test_other_addresses_are_not_fetched(tmp_path: Path, url: str):
    with pytest.raises(FetchError) as caught:
        fetch(url, tmp_path / "file", QUICK, requests.Session())
    assert caught.value.reason == "unsupported_url"


def test_a_login_page_that_comes_drop_by_drop_is_one_all_the_same(portal: str, tmp_path: Path):
    with pytest.raises(FetchError) as caught:
        fetch(f"{portal}/login-drop-by-drop", tmp_path / "file", QUICK, requests.Session())
    assert caught.value.reason == "html_page"
