"""Invalid announcements: each ends by itself, and the pipeline goes on."""

import json
from datetime import UTC, datetime
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from gogobe.io.fetching import FetchSettings
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, encode
from gogobe.transforms.decode import DecodeMessages
from gogobe.transforms.download import DownloadFiles
from gogobe.transforms.order import ByHost, InStoreOrder
from gogobe.transforms.steps import FAILURES
from tests.io.samples import config
from tests.portals import Request, Response, portal

NOW = datetime(2025, 8, 8, tzinfo=UTC)
GOOD = "Price7290-1-202501010000.gz"


def answer(request: Request) -> Response:
    """The same few bytes for every address, except those of redirects."""
    astray = {
        "/astray": "http://[bad/a.gz",
        "/inside": "http://localhost:8081/config",
        "/in-circles": "/in-circles",
        "/with-password": "http://user:S3cr3t@127.0.0.1/a.gz",
    }
    if request.path in astray:
        return Response(302, headers={"Location": astray[request.path]})
    return Response(body=b"prices")


def announced(url: str, chain: str = "shufersal", **more: str) -> tuple[bytes, bytes]:
    return b"k", json.dumps({"chain": chain, "url": url, "timestamp": NOW.isoformat(), **more}).encode()


@pytest.mark.slow
def test_a_bad_announcement_is_a_dead_letter_and_the_good_one_goes_through(tmp_path: Path):
    with portal(answer) as running:
        _run(running.url, AllowedHosts.parse(running.host), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert [path.name for path in (tmp_path / "store" / "raw").iterdir()] == ["shufersal"]


def _run(portal: str, allowed: AllowedHosts, folder: Path) -> None:
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
    not_to_be_had = {
        "http://[bad/a.gz": "unsupported_url",
        "file:///etc/passwd": "forbidden_address",
        "s3://bucket/x.gz": "forbidden_address",
        "gopher://p/x": "unsupported_url",
        "ftp://127.0.0.1/x": "foreign_host",
        f"{portal}/astray": "unsupported_url",
        f"{portal}/inside": "foreign_host",
        f"{portal}/in-circles": "too_many_redirects",
        f"{portal}/with-password": "credentials_in_url",
        "http://localhost:1/x.gz": "foreign_host",
        portal.replace("//", "//user:S3cr3t@") + "/x.gz": "credentials_in_url",
        portal.replace("//", '//us er:S3cr3t" x@') + "/x.gz": "credentials_in_url",
    }
    # Odd names are no reason to lose a file's rows: the content decides.
    odd = [
        announced(f"{portal}/a.{'g' * 300}"),
        announced(f"{portal}/a%00b.gz"),
        announced(f"{portal}/a", file_name="a.\u05d0/../\u05d0"),
    ]
    messages = [*refused, *map(announced, not_to_be_had), *odd, announced(f"{portal}/{GOOD}")]
    with TestPipeline() as pipeline:
        store = ObjectStore(str(folder / "store"))
        decoded = pipeline | beam.Create(messages) | DecodeMessages(FileDiscovered, store)
        spread = decoded.messages | "Spread downloads" >> ByHost(store)
        downloaded = spread.messages | DownloadFiles(
            config(store, FetchSettings(attempts=1, allowed=allowed), threads=2)
        )
        files = (downloaded.files | "Spread files" >> InStoreOrder(FileDownloaded, store)).messages
        assert_that(
            files | "Name" >> beam.Map(lambda file: file.file_name),
            equal_to([GOOD, f"a.{'g' * 253}", "a\ufffdb.gz", "a.\u05d0/../\u05d0"]),
        )
        letters = (decoded[FAILURES], downloaded[FAILURES]) | beam.Flatten()
        assert_that(
            letters | "Reason" >> beam.Map(lambda letter: (letter.stage, letter.reason)),
            equal_to(
                [("decode", "invalid_message")] * 9
                + [("download", reason) for reason in not_to_be_had.values()]
            ),
            "letters",
        )
        assert_that(letters, no_secrets, "no secrets")


def no_secrets(letters: list[DeadLetter]) -> None:
    assert [letter for letter in letters if b"S3cr3t" in encode(letter)] == []
