"""Files that are announced as stored: read from the object store, and not downloaded."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec
import pytest

from gogobe.io.download_work import Ticket
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchSettings
from gogobe.io.objects import ObjectStore, content_key
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.download import Downloader
from gogobe.transforms.waiting import Missed
from tests.conftest import Bucket
from tests.database.samples import at
from tests.io.samples import config

NAME = "Price7290027600007-001-202508070300.gz"


def put(store: ObjectStore, tmp_path: Path, content: bytes = b"<Root/>") -> FileDiscovered:
    file = tmp_path / NAME
    file.write_bytes(content)
    path = store.put(content_key("shufersal", hashlib.sha256(content).hexdigest(), NAME), file)
    return FileDiscovered("shufersal", file.as_uri(), at(0), s3_path=path)


def taken(message: FileDiscovered, store: ObjectStore) -> FileDownloaded | DeadLetter:
    settings = FetchSettings()
    downloader = Downloader(config(store, settings), Fetcher(settings), DeadLetters("download", store))
    outcome = downloader.outcome(message, b"", Ticket()).value
    assert not isinstance(outcome, Missed)
    return outcome


def test_a_stored_file_is_described_by_its_bytes(tmp_path: Path):
    store = ObjectStore(str(tmp_path / "store"))
    message = put(store, tmp_path)
    file = taken(message, store)
    assert isinstance(file, FileDownloaded)
    assert (file.content_sha256, file.size) == (hashlib.sha256(b"<Root/>").hexdigest(), 7)
    assert (file.s3_path, file.local_path) == (message.s3_path, message.s3_path)
    assert (file.chain, file.file_name, file.source_url) == ("shufersal", NAME, message.url)
    assert file.discovered_at == at(0) < file.downloaded_at


def test_a_stored_file_of_a_bucket(bucket: Bucket, tmp_path: Path):
    store = ObjectStore(bucket.url, bucket.endpoint)
    file = taken(put(store, tmp_path, b"x" * 100_000), store)
    assert isinstance(file, FileDownloaded)
    assert (file.content_sha256, file.size) == (hashlib.sha256(b"x" * 100_000).hexdigest(), 100_000)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("{store}/raw/none", "missing_object"),
        ("/etc/passwd", "outside_store"),
        ("{store}/../x", "outside_store"),
    ],
)
def test_what_is_not_in_the_store_is_a_dead_letter(tmp_path: Path, path: str, reason: str):
    store = ObjectStore(str(tmp_path / "store"))
    message = msgspec.structs.replace(put(store, tmp_path), s3_path=path.format(store=tmp_path / "store"))
    letter = taken(message, store)
    assert isinstance(letter, DeadLetter)
    assert (letter.stage, letter.reason) == ("download", reason)


def test_a_store_that_is_away_is_an_outage(tmp_path: Path):
    store = ObjectStore(str(tmp_path / "store"))
    message = put(store, tmp_path)
    (tmp_path / "store").rename(tmp_path / "away")
    with pytest.raises(FileNotFoundError):
        taken(message, store)
