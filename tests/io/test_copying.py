"""Files of folders and buckets: copied from below the allowed places, and from nowhere else."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path

import pytest

from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import Fetched, FetchError, FetchSettings
from gogobe.io.objects import ObjectStore
from tests.conftest import Bucket

BODY = b"prices" * 300_000


def reason_of(url: str, tmp_path: Path, settings: FetchSettings) -> str:
    with pytest.raises(FetchError) as failed:
        Fetcher(settings).fetch(url, tmp_path / "got", is_cancelled=lambda: False)
    assert not failed.value.transient
    return failed.value.reason


@pytest.fixture
def feeds(tmp_path: Path) -> Path:
    folder = tmp_path / "feeds"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "Price 1.gz").write_bytes(BODY)
    return folder


def test_a_file_below_an_allowed_folder_is_copied(feeds: Path, tmp_path: Path):
    settings = FetchSettings(attempts=1, folders=("/nowhere", str(feeds)))
    fetched = Fetcher(settings).fetch((feeds / "below" / "Price 1.gz").as_uri(), tmp_path / "got")
    assert fetched == Fetched(len(BODY), hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "got").read_bytes() == BODY


def test_no_other_file_is_copied(feeds: Path, tmp_path: Path):
    (tmp_path / "secret").write_bytes(b"S3cr3t")
    (feeds / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "feeds-of-another").mkdir()
    (tmp_path / "feeds-of-another" / "x").write_bytes(b"x")
    settings = FetchSettings(attempts=1, folders=(str(feeds),))
    for place in (
        "/etc/passwd",
        f"{feeds}/../secret",
        f"{feeds}/%2e%2e/secret",
        f"{feeds}/link",
        f"{feeds}-of-another/x",
    ):
        assert reason_of(f"file://{place}", tmp_path, settings) == "forbidden_address", place
    assert reason_of(f"file://host{feeds}/x", tmp_path, settings) == "forbidden_address"
    assert reason_of(f"file://user:S3cr3t@{feeds}/x", tmp_path, settings) == "credentials_in_url"
    assert reason_of(f"file://{feeds}/below", tmp_path, settings) == "forbidden"
    assert reason_of(f"file://{feeds}/missing", tmp_path, settings) == "not_found"
    assert (
        reason_of((feeds / "below" / "Price 1.gz").as_uri(), tmp_path, FetchSettings()) == "forbidden_address"
    )


def test_size_and_time_are_bounded(feeds: Path, tmp_path: Path):
    url = (feeds / "below" / "Price 1.gz").as_uri()
    settings = FetchSettings(attempts=1, folders=(str(feeds),))
    small = dataclasses.replace(settings, max_bytes=1000)
    assert reason_of(url, tmp_path, small) == "too_large"
    with pytest.raises(FetchError) as failed:
        Fetcher(settings).fetch(url, tmp_path / "got", is_cancelled=lambda: True)
    assert failed.value.reason == "too_slow"


def test_an_object_of_an_allowed_bucket_is_copied_and_of_no_other(bucket: Bucket, tmp_path: Path):
    (tmp_path / "source").write_bytes(BODY)
    store = ObjectStore(bucket.url, bucket.endpoint)
    address = store.put("feeds/Price1.gz", tmp_path / "source")
    settings = FetchSettings(attempts=1, folders=(f"{bucket.url}/feeds",), endpoint=bucket.endpoint or "")
    fetched = Fetcher(settings).fetch(address, tmp_path / "got")
    assert (fetched.size, (tmp_path / "got").read_bytes()) == (len(BODY), BODY)
    assert reason_of(f"{bucket.url}/feeds/missing.gz", tmp_path, settings) == "not_found"
    assert reason_of(f"{bucket.url}/other/Price1.gz", tmp_path, settings) == "forbidden_address"
    assert reason_of(f"{bucket.url}/feeds/../other", tmp_path, settings) == "forbidden_address"
