"""Switching to a newer snapshot in the background; after any fault the old one stays in use."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from gogobe.masters.published.store import CURRENT, SnapshotStore
from gogobe.masters.published.watch import SnapshotWatch
from tests.local.waiting import wait_for
from tests.masters.samples import small_snapshot

pytestmark = pytest.mark.slow


@pytest.fixture
def store(tmp_path: Path) -> SnapshotStore:
    return SnapshotStore(str(tmp_path / "store"))


def publish(store: SnapshotStore, version: str, tmp_path: Path) -> None:
    small_snapshot(tmp_path / version, version)
    store.publish(tmp_path / version)


def version_within(watch: SnapshotWatch, wanted: str, seconds: float = 60) -> None:
    """Asks until the watch gives a version."""
    deadline = time.monotonic() + seconds
    while (found := watch.latest()) is None or found.version != wanted:
        assert time.monotonic() < deadline, f"{wanted} was not taken up, {watch.failures} failures"
        time.sleep(0.01)


def failure_within(watch: SnapshotWatch, count: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while watch.failures < count:
        watch.latest()
        assert time.monotonic() < deadline, "no failure was counted"
        time.sleep(0.01)


def test_nothing_then_one_then_a_newer_one(store: SnapshotStore, tmp_path: Path):
    watch = SnapshotWatch(store, every=0)
    assert watch.latest() is None
    publish(store, "v1", tmp_path)
    version_within(watch, "v1")
    first = watch.latest()
    publish(store, "v2", tmp_path)
    version_within(watch, "v2")
    store.rollback()
    version_within(watch, "v1")
    assert watch.latest() is not first
    assert (watch.switches, watch.failures) == (3, 0)


def test_what_is_there_at_first_is_used_from_the_first_call(store: SnapshotStore, tmp_path: Path):
    publish(store, "v1", tmp_path)
    found = SnapshotWatch(store, every=1000).latest()
    assert found is not None
    assert found.version == "v1"


def test_it_looks_only_so_often(store: SnapshotStore, tmp_path: Path):
    watch = SnapshotWatch(store, every=1000)
    assert watch.latest() is None
    publish(store, "v1", tmp_path)
    for _ in range(100):
        assert watch.latest() is None


def test_a_damaged_snapshot_leaves_the_old_one(
    store: SnapshotStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    publish(store, "v1", tmp_path)
    watch = SnapshotWatch(store, every=0)
    version_within(watch, "v1")
    # A look that has begun may find the snapshot before it is damaged.
    wait_for(lambda: watch._checker is None)
    publish(store, "v2", tmp_path)
    index = tmp_path / "store" / "v2" / "index.ann"
    index.write_bytes(index.read_bytes()[:-1])
    failure_within(watch, 1)
    assert "snapshot v2" in caplog.text
    assert "v1 stays" in caplog.text
    for _ in range(20):  # left alone for a while
        version_within(watch, "v1")
    assert watch.failures == 1
    publish(store, "v3", tmp_path)
    version_within(watch, "v3")


def test_a_snapshot_that_opens_but_cannot_match_leaves_the_old_one(
    store: SnapshotStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    publish(store, "v1", tmp_path)
    watch = SnapshotWatch(store, every=0)
    version_within(watch, "v1")

    class Broken:
        def __init__(self, snapshot: object) -> None:
            raise ValueError("weights and features do not agree")

    monkeypatch.setattr("gogobe.masters.published.watch.Resolver", Broken)
    publish(store, "v2", tmp_path)
    failure_within(watch, 1)
    version_within(watch, "v1")


def test_a_store_out_of_reach_leaves_the_old_one(store: SnapshotStore, tmp_path: Path):
    publish(store, "v0", tmp_path)
    publish(store, "v1", tmp_path)
    watch = SnapshotWatch(store, every=0, fallback="v0")
    version_within(watch, "v1")
    pointer = tmp_path / "store" / CURRENT
    pointer.unlink()
    pointer.mkdir()  # cannot be read
    failure_within(watch, 2)
    version_within(watch, "v1")
    pointer.rmdir()
    publish(store, "v2", tmp_path)
    version_within(watch, "v2")


def test_without_a_pointer_the_fallback_is_opened(store: SnapshotStore, tmp_path: Path):
    publish(store, "v1", tmp_path)
    pointer = tmp_path / "store" / CURRENT
    pointer.unlink()
    pointer.mkdir()
    watch = SnapshotWatch(store, every=0, fallback="v1")
    found = watch.latest()
    assert found is not None
    assert found.version == "v1"
    assert watch.failures == 1


def test_threads_share_one_snapshot(store: SnapshotStore, tmp_path: Path):
    publish(store, "v1", tmp_path)
    watch = SnapshotWatch(store, every=0)
    seen: list[object] = []
    threads = [threading.Thread(target=lambda: seen.append(watch.latest())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len({id(one) for one in seen}) == 1
    assert watch.switches == 1
