"""Finding published files on disk and in buckets."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogobe.backfill.sources import Source, SourceError, find_sources, local_copy
from gogobe.io.objects import ObjectStore
from tests.conftest import Bucket

OLD = "PriceFull7290027600007-001-202501010600.gz"
NEW = "Price7290027600007-001-202501011200.gz"
NAMES = (NEW, OLD, "notes.txt", ".hidden7290027600007", "prices.xml")


def names(sources: list[Source]) -> list[str]:
    return [source.name for source in sources]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    below = tmp_path / "archive" / "2025 [א]"
    below.mkdir(parents=True)
    for name in NAMES:
        (below / name).write_text(name)
    return tmp_path / "archive"


def test_a_folder_means_its_published_files_the_oldest_first(folder: Path):
    found = find_sources([str(folder)])
    assert (names(found.sources), found.skipped) == ([OLD, NEW], 2)
    every = find_sources([str(folder)], every_name=True)
    assert (sorted(names(every.sources)), every.skipped) == (sorted([OLD, NEW, "notes.txt", "prices.xml"]), 0)
    assert names(every.sources)[2:] == [OLD, NEW]


def test_a_file_is_taken_with_any_name_and_once(folder: Path, monkeypatch: pytest.MonkeyPatch):
    file = next(folder.rglob("notes.txt"))
    monkeypatch.chdir(file.parent)
    found = find_sources([str(file), "notes.txt", file.as_uri(), str(folder)])
    assert names(found.sources) == ["notes.txt", OLD, NEW]
    assert found.sources[0].path == file
    with local_copy(found.sources[0], folder) as path:
        assert path == file


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("/none/at/all", r"^/none/at/all: there is no such file or folder$"),
        ("https://portal/x.gz", r"^https://portal/x\.gz: https:// is not read here.*gogobe announce"),
        ("ftp://portal/x.gz", r"^ftp://portal/x\.gz: ftp:// is not read here, but paths, s3:// and gs://$"),
    ],
)
def test_what_is_not_there_or_not_read_is_named(address: str, message: str):
    with pytest.raises(SourceError, match=message):
        find_sources([address])


def test_a_prefix_of_a_bucket(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = ObjectStore(f"{bucket.url}/archive", bucket.endpoint)
    for name in NAMES:
        (tmp_path / "content").write_text(name)
        store.put(f"2025/{name}", tmp_path / "content")
    found = find_sources([store.url], bucket.endpoint)
    assert (names(found.sources), found.skipped) == ([OLD, NEW], 3)
    (single,) = find_sources([f"{store.url}/2025/notes.txt"], bucket.endpoint).sources
    assert (single.address, single.path) == (f"{store.url}/2025/notes.txt", None)
    with local_copy(single, tmp_path, bucket.endpoint) as path:
        assert path.read_text() == "notes.txt"
    assert not path.exists()
    with pytest.raises(SourceError, match=rf"^{store.url}/none: there is no such object, and none below it"):
        find_sources([f"{store.url}/none"], bucket.endpoint)


def test_a_bucket_that_is_not_there_is_named(bucket: Bucket, impatient: None):
    with pytest.raises(SourceError, match=rf"^{bucket.scheme}://no-such-bucket/x: "):
        find_sources([f"{bucket.scheme}://no-such-bucket/x"], bucket.endpoint)


def test_an_object_that_vanishes_is_named(bucket: Bucket, tmp_path: Path):
    source = Source(f"{bucket.url}/none.gz", "none.gz")
    with (
        pytest.raises(SourceError, match=rf"^{bucket.url}/none\.gz: cannot be read"),
        local_copy(source, tmp_path, bucket.endpoint),
    ):
        pass
