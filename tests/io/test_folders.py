"""A folder store: what is acknowledged is on the disk, and nothing is left half way."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gogobe.io.folders import PARTS, STALE_SECONDS
from gogobe.io.objects import ObjectStore


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(str(tmp_path / "store"))


class Disk:
    """What the disk is asked for, in its order: `sync PATH` and `name PATH`, below a folder."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        self._root = root
        sync, replace = os.fsync, os.replace

        def fsync(descriptor: int) -> None:
            sync(descriptor)
            self._note("sync", str(Path(f"/proc/self/fd/{descriptor}").readlink()))

        def rename(source: str, target: str) -> None:
            replace(source, target)
            self._note("name", target)

        monkeypatch.setattr("os.fsync", fsync)
        monkeypatch.setattr("os.replace", rename)

    def _note(self, what: str, path: str) -> None:
        name = Path(path).relative_to(self._root)
        self.done.append(f"{what} {'PART' if name.parent.name == PARTS else name}")


def part_of(store: ObjectStore, content: bytes) -> Path:
    part = store.new_part()
    part.write_bytes(content)
    return part


@pytest.fixture
def disk(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(Path(store.url).parent, monkeypatch)


def test_bytes_are_on_the_disk_before_their_name_and_the_name_before_it_counts(store: ObjectStore, disk: Disk):
    path = Path(store.move("raw/a/b", part_of(store, b"prices")))
    assert path.read_bytes() == b"prices"
    in_new_folders = ["sync PART", "sync store", "sync store/raw", "name store/raw/a/b", "sync store/raw/a"]
    assert disk.done == in_new_folders
    store.move("raw/a/c", part_of(store, b"more"))
    assert disk.done[5:] == ["sync PART", "name store/raw/a/c", "sync store/raw/a"]


def test_a_copied_file_is_as_safe(store: ObjectStore, tmp_path: Path, disk: Disk):
    (tmp_path / "source").write_bytes(b"prices")
    store.put("k", tmp_path / "source")
    assert disk.done == ["sync PART", "name store/k", "sync store"]
    assert (tmp_path / "source").exists()


def test_what_is_stored_is_not_written_again_but_its_name_is_waited_for(store: ObjectStore, disk: Disk):
    store.move("k", part_of(store, b"prices"))
    disk.done.clear()
    store.move("k", part_of(store, b"PRICES"))  # another thread may have given the name a moment ago
    assert disk.done == ["sync store"]
    assert Path(store.path_of("k")).read_bytes() == b"prices"
    assert list((Path(store.url) / PARTS).iterdir()) == []


def test_a_disk_that_refuses_is_an_error_and_nothing_has_the_name(
    store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "source").write_bytes(b"prices")
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        store.put("k", tmp_path / "source")
    monkeypatch.undo()
    assert not store.has(store.path_of("k"))
    assert list((Path(store.url) / PARTS).iterdir()) == []


def test_parts_that_a_killed_worker_left_are_removed(store: ObjectStore):
    assert store.drop_stale_parts() == 0  # no folder yet, and none is made
    assert not Path(store.url).exists()
    old, new = part_of(store, b"old"), part_of(store, b"new")
    before = time.time() - STALE_SECONDS - 60
    os.utime(old, (before, before))
    assert store.drop_stale_parts() == 1
    assert (old.exists(), new.exists()) == (False, True)


def test_parts_of_a_bucket_are_on_this_machine():
    part = ObjectStore("s3://bucket/prefix").new_part()
    assert part.parent.is_dir()
    assert not part.exists()
