"""Free space: each disk once, by its size, and reported once while a command runs."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gogobe.commands import space
from gogobe.commands.space import Disk, disks_of, size_text, space_watched, written_folders
from gogobe.settings import Settings


@pytest.mark.parametrize(
    ("free", "total", "shortage"),
    [
        (50 << 30, 100 << 30, None),
        (800 << 20, 9 << 30, "almost full"),
        (10 << 20, 1 << 30, "full"),
        (23 << 20, 24 << 20, None),
        (1 << 20, 24 << 20, "full"),
        (0, 0, None),
    ],
)
def test_a_shortage_is_judged_by_the_size_of_the_disk(free: int, total: int, shortage: str | None):
    assert Disk("/data", free, total).shortage == shortage


def test_each_disk_is_named_once_and_a_folder_to_come_counts(tmp_path: Path):
    found = list(disks_of([tmp_path / "var", tmp_path / "var" / "store", tmp_path]))
    assert [one.folder for one in found] == [str(tmp_path / "var")]
    assert found[0].total >= found[0].free > 0


def test_a_store_elsewhere_needs_no_space_here(tmp_path: Path):
    assert written_folders(Settings(store="s3://bucket/raw"), tmp_path)[0] == tmp_path
    assert Path("/srv/store") in written_folders(Settings(store="/srv/store"), tmp_path)
    assert len(written_folders(Settings(store="s3://bucket/raw"), tmp_path)) == 2


def test_a_shortage_is_said_once_and_again_when_it_gets_worse(monkeypatch: pytest.MonkeyPatch):
    free, looks = 50 << 30, threading.Semaphore(0)

    def disks(_: object) -> list[Disk]:
        looks.release()
        return [Disk("/data", free, 100 << 30)]

    def free_becomes(count: int) -> None:
        """Returns after a whole look at a disk with this many free bytes."""
        nonlocal free
        free = count
        while looks.acquire(blocking=False):
            pass
        for _ in range(3):
            assert looks.acquire(timeout=60)

    monkeypatch.setattr(space, "disks_of", disks)
    said: list[str] = []
    low = "the disk of /data is almost full: 1024 MB are left"
    with space_watched([Path("/data")], said.append, 0.001):
        free_becomes(50 << 30)
        assert said == []
        free_becomes(1 << 30)
        assert said == [low]
        free_becomes(1 << 20)
    assert said == [low, "the disk of /data is full: 1 MB are left"]


def test_sizes():
    assert (size_text(24 << 20), size_text(50 << 30)) == ("24 MB", "50.0 GB")
