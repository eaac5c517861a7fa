"""Announcements that nobody should make: each ends by itself, and the pipeline goes on."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from gogobe.io.http import FetchSettings
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import FileDiscovered, FileDownloaded
from gogobe.transforms.decode import DecodeMessages
from gogobe.transforms.download import DownloadFiles
from gogobe.transforms.order import InStoreOrder
from gogobe.transforms.steps import FAILURES

NOW = datetime(2025, 8, 8, tzinfo=UTC)
GOOD = "Price7290-1-202501010000.gz"


@pytest.fixture
def portal() -> Iterator[str]:
    """A portal that answers every address with the same few bytes."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302 if self.path == "/astray" else 200)
            self.send_header("Location", "http://[bad/a.gz")
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"prices")

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def announced(url: str, chain: str = "shufersal", **more: str) -> tuple[bytes, bytes]:
    return b"k", json.dumps({"chain": chain, "url": url, "timestamp": NOW.isoformat(), **more}).encode()


def test_a_bad_announcement_is_a_dead_letter_and_the_good_one_goes_through(portal: str, tmp_path: Path):
    refused = [
        announced(f"{portal}/{GOOD}", chain="x\0y"),
        announced(f"{portal}/{GOOD}", chain="x" * 300),
        announced(f"{portal}/{GOOD}", chain="../../x"),
        announced(f"{portal}/{GOOD}", chain=".."),
        announced(f"{portal}/{GOOD}", chain="x\n"),
        announced(f"{portal}/{'x' * 2048}"),
        announced(f"{portal}/\0"),
        announced(f"{portal}/x", file_name="x" * 256),
        announced(f"{portal}/x", file_name="x\0"),
    ]
    not_to_be_had = [announced("http://[bad/a.gz"), announced(f"{portal}/astray")]
    # Odd names are no reason to lose a file's rows: the content tells what it is.
    odd = [
        announced(f"{portal}/a.{'g' * 300}"),
        announced(f"{portal}/a%00b.gz"),
        announced(f"{portal}/a", file_name="a.\u05d0/../\u05d0"),
    ]
    folder = tmp_path / "store"
    with TestPipeline() as pipeline:
        decoded = (
            pipeline
            | beam.Create([*refused, *not_to_be_had, *odd, announced(f"{portal}/{GOOD}")])
            | DecodeMessages(FileDiscovered)
        )
        downloaded = (
            decoded.messages
            | "Spread downloads" >> InStoreOrder(FileDiscovered)
            | DownloadFiles(ObjectStore(str(folder)), FetchSettings(attempts=1), threads=2)
        )
        files = downloaded.files | "Spread files" >> InStoreOrder(FileDownloaded)
        assert_that(
            files | "Name" >> beam.Map(lambda file: file.file_name),
            equal_to([GOOD, f"a.{'g' * 253}", "a\ufffdb.gz", "a.\u05d0/../\u05d0"]),
        )
        letters = (decoded[FAILURES], downloaded[FAILURES]) | beam.Flatten()
        assert_that(
            letters | "Reason" >> beam.Map(lambda letter: (letter.stage, letter.reason)),
            equal_to([("decode", "invalid_message")] * 9 + [("download", "unsupported_url")] * 2),
            "letters",
        )
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert [path.name for path in (folder / "raw").iterdir()] == ["shufersal"]
