"""Masters snapshots in a folder, in S3 and in GCS: published whole, fetched whole, refused otherwise."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gogobe.io.objects import open_filesystem, store_errors
from gogobe.masters.published import store as snapshots
from gogobe.masters.published.store import SnapshotStore, StoredSnapshot
from gogobe.masters.snapshot.files import MANIFEST, SnapshotError, open_snapshot, verify
from tests.conftest import Bucket
from tests.faults import answering
from tests.masters.samples import small_snapshot


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three snapshots by version."""
    folder = tmp_path_factory.mktemp("built")
    for version in ("v1", "v2", "v3"):
        small_snapshot(folder / version, version)
    return {version: folder / version for version in ("v1", "v2", "v3")}


@pytest.fixture(params=["folder", "s3", "gs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SnapshotStore:
    if request.param == "folder":
        return SnapshotStore(str(tmp_path / "store"))
    bucket: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return SnapshotStore(f"{bucket.url}/masters", bucket.endpoint, cache=str(tmp_path / "cache"))


def states(store: SnapshotStore) -> list[tuple[str, bool, bool]]:
    return [(one.version, one.manifest is not None, one.is_current) for one in store.versions()]


def test_a_store_that_has_nothing(store: SnapshotStore):
    assert store.current() is None
    assert store.versions() == []
    with pytest.raises(SnapshotError, match="no snapshot before"):
        store.rollback()
    with pytest.raises(SnapshotError, match="v1"):
        store.fetch("v1")


def test_publish_list_roll_back_and_fetch(store: SnapshotStore, built: dict[str, Path]):
    for version in ("v1", "v2", "v3"):
        assert store.publish(built[version]) == verify(built[version])
        assert store.current() == version
    assert store.rollback().version == "v2"
    assert states(store) == [("v3", True, False), ("v2", True, True), ("v1", True, False)]
    assert store.rollback("v3").version == "v3"
    with pytest.raises(SnapshotError, match="no whole snapshot v9; there are: v3, v2, v1"):
        store.rollback("v9")
    assert store.current() == "v3"
    assert open_snapshot(store.fetch("v3")).version == "v3"
    assert store.publish(built["v1"]).version == "v1", "what is there already only needs the pointer"
    assert store.current() == "v1"


def test_a_damaged_snapshot_is_not_published(store: SnapshotStore, built: dict[str, Path], tmp_path: Path):
    store.publish(built["v1"])
    damaged = shutil.copytree(built["v2"], tmp_path / "damaged")
    (damaged / "index.ann").write_bytes(b"")
    with pytest.raises(SnapshotError, match="0 bytes, its manifest says"):
        store.publish(damaged)
    assert states(store) == [("v1", True, True)]


def test_a_version_never_changes(store: SnapshotStore, built: dict[str, Path], tmp_path: Path):
    store.publish(built["v1"])
    small_snapshot(tmp_path / "other", "v1", ["תפוז", "אבטיח"])
    with pytest.raises(SnapshotError, match="another snapshot of this version"):
        store.publish(tmp_path / "other")
    assert open_snapshot(store.fetch("v1")).manifest == verify(built["v1"])


def test_a_publication_that_stopped_half_way_is_no_snapshot(
    store: SnapshotStore, built: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    store.publish(built["v1"])
    write = snapshots._write

    def fails_at_the_manifest(filesystem: object, path: str, data: bytes) -> None:
        if path.endswith(MANIFEST):
            raise ConnectionError("gone")
        write(filesystem, path, data)

    monkeypatch.setattr(snapshots, "_write", fails_at_the_manifest)
    with pytest.raises(ConnectionError):
        store.publish(built["v2"])
    monkeypatch.undo()
    assert states(store) == [("v2", False, False), ("v1", True, True)]
    with pytest.raises(SnapshotError, match="v2"):
        store.fetch("v2")
    with pytest.raises(SnapshotError, match="no whole snapshot v2"):
        store.rollback("v2")
    store.publish(built["v2"])
    assert states(store) == [("v2", True, True), ("v1", True, False)]


@pytest.mark.usefixtures("impatient")
def test_a_store_out_of_reach_is_not_one_that_has_nothing(
    bucket: Bucket, built: dict[str, Path], tmp_path: Path
):
    with answering(503) as endpoint:
        store = SnapshotStore(f"{bucket.url}/masters", endpoint, cache=str(tmp_path / "cache"))
        for asked in (store.current, store.versions, lambda: store.publish(built["v1"])):
            with pytest.raises(store_errors()) as raised:
                asked()
            assert not isinstance(raised.value, FileNotFoundError)


def damage(store: SnapshotStore, version: str) -> None:
    """Changes one byte of a part, where the store keeps it."""
    filesystem, root = open_filesystem(store.url, store.endpoint)
    path = f"{root}/{version}/index.ann"
    content = filesystem.cat_file(path)
    filesystem.pipe_file(path, content[:-1] + bytes([content[-1] ^ 1]))


def test_a_damaged_part_is_refused_by_its_checksum(store: SnapshotStore, built: dict[str, Path]):
    store.publish(built["v1"])
    damage(store, "v1")
    with pytest.raises(SnapshotError, match=r"index.ann: its SHA-256"):
        store.fetch("v1")
    with pytest.raises(SnapshotError, match=r"index.ann: its SHA-256"):
        store.fetch("v1")


def test_fetched_once_a_machine(bucket: Bucket, built: dict[str, Path], tmp_path: Path):
    store = SnapshotStore(bucket.url, bucket.endpoint, cache=str(tmp_path / "cache"))
    store.publish(built["v1"])
    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: store.fetch("v1"), range(4)))
    (folder,) = folders
    written = (folder / "index.ann").stat().st_mtime_ns
    damage(store, "v1")  # nobody reads it again
    assert store.fetch("v1") == folder
    assert (folder / "index.ann").stat().st_mtime_ns == written
    assert not list(folder.parent.glob(".fetching-*"))
    for version in ("v2", "v3"):
        store.publish(built[version])
        store.fetch(version)
    assert sorted(one.name for one in folder.parent.iterdir() if one.is_dir()) == ["v2", "v3"]


def test_a_folder_is_used_where_it_lies(built: dict[str, Path], tmp_path: Path):
    store = SnapshotStore(str(tmp_path / "store"), cache=str(tmp_path / "cache"))
    store.publish(built["v1"])
    assert store.fetch("v1") == tmp_path / "store" / "v1"
    assert not (tmp_path / "cache").exists()


def test_a_manifest_that_cannot_be_read_is_named(built: dict[str, Path], tmp_path: Path):
    store = SnapshotStore(str(tmp_path))
    store.publish(built["v1"])
    (tmp_path / "v1" / MANIFEST).write_text("{")
    with pytest.raises(SnapshotError, match=r"v1/manifest.json: cannot be read"):
        store.versions()


def test_what_versions_are_made_of(built: dict[str, Path], tmp_path: Path):
    store = SnapshotStore(str(tmp_path))
    manifest = store.publish(built["v1"])
    assert store.versions() == [StoredSnapshot("v1", manifest, is_current=True)]
