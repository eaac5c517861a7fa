"""Masters snapshots in a folder, in S3 and in GCS: atomic publication, checked fetch, refusal of damaged
ones."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gogobe.io.objects import open_filesystem, store_errors
from gogobe.masters.published import store as snapshots
from gogobe.masters.published.store import SnapshotStore, StoredSnapshot
from gogobe.masters.snapshot.files import MANIFEST, SnapshotError, open_snapshot, verify
from tests.conftest import Bucket
from tests.faults import answering
from tests.masters.samples import small_snapshot

pytestmark = pytest.mark.slow


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


class ShortPut:
    """A filesystem that confirms an upload and stores less than all of one part."""

    def __init__(self, filesystem: Any) -> None:
        self._filesystem = filesystem

    def __getattr__(self, name: str) -> Any:
        return getattr(self._filesystem, name)

    def put(self, sources: list[str], targets: list[str]) -> None:
        self._filesystem.put(sources, targets)
        (short,) = [one for one in targets if one.endswith("/index.ann")]
        self._filesystem.pipe_file(short, self._filesystem.cat_file(short)[:-1])


def test_a_part_that_arrives_short_is_not_published(
    tmp_path: Path, built: dict[str, Path], monkeypatch: pytest.MonkeyPatch
):
    store = SnapshotStore(str(tmp_path))
    store.publish(built["v1"])

    def open_short(url: str, endpoint: str | None) -> tuple[Any, str]:
        filesystem, root = open_filesystem(url, endpoint)
        return ShortPut(filesystem), root

    monkeypatch.setattr(snapshots, "open_filesystem", open_short)
    with pytest.raises(SnapshotError, match=r"index\.ann: [0-9]+ of [0-9]+ bytes stored; publish it again"):
        store.publish(built["v2"])
    monkeypatch.undo()
    assert states(store) == [("v2", False, False), ("v1", True, True)]
    assert store.publish(built["v2"]).version == store.current() == "v2"


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
    damage(store, "v1")  # it is not read again
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


# Content that another program has put there

HOSTILE_NAMES = (
    "../../../escaped.txt", "../escaped.txt", "/tmp/gogobe-escaped.txt", "..", ".", "", "a/b", "a\\b", "..\\b",
    "a\0b", "%2e%2e%2fescaped.txt", "a\nb", ".hidden", "x" * 200, "ש", "manifest.json", "~", "*", "a?b",
)  # fmt: skip


def files_below(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def put_manifest(store: SnapshotStore, version: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Changes a version's manifest, where the store keeps it."""
    filesystem, root = open_filesystem(store.url, store.endpoint)
    path = f"{root}/{version}/{MANIFEST}"
    manifest = msgspec.json.decode(filesystem.cat_file(path))
    change(manifest)
    filesystem.pipe_file(path, msgspec.json.encode(manifest))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_part_s_name_leads_nowhere(store: SnapshotStore, built: dict[str, Path], tmp_path: Path, name: str):
    store.publish(built["v1"])
    before = files_below(tmp_path)
    filesystem, root = open_filesystem(store.url, store.endpoint)
    content = b"escaped"
    part = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    if store.url.startswith(("s3:", "gs:")) and name.endswith("escaped.txt"):
        filesystem.pipe_file(f"{root}/v1/{name}", content)
    put_manifest(store, "v1", lambda manifest: manifest["parts"].update({name: part}))
    for use in (lambda: store.fetch("v1"), store.versions, lambda: store.publish(built["v1"])):
        with pytest.raises(SnapshotError, match=r"v1/manifest\.json"):
            use()
    left = {path for path in files_below(tmp_path) - before if path.name != "lock"}
    assert left == set()
    assert not Path("/tmp/gogobe-escaped.txt").exists()


@pytest.mark.parametrize(
    "wrong",
    [{"size": -1}, {"size": "1"}, {"size": 1e30}, {"sha256": "x"}, {"sha256": "A" * 64}, {"sha256": None}],
    ids=str,
)
def test_a_part_s_facts_are_checked(store: SnapshotStore, built: dict[str, Path], wrong: dict[str, Any]):
    store.publish(built["v1"])
    put_manifest(store, "v1", lambda manifest: manifest["parts"]["index.ann"].update(wrong))
    with pytest.raises(SnapshotError, match=r"v1/manifest\.json: cannot be read as a manifest"):
        store.fetch("v1")


def test_a_part_of_another_size_is_not_fetched(store: SnapshotStore, built: dict[str, Path], tmp_path: Path):
    store.publish(built["v1"])
    put_manifest(store, "v1", lambda manifest: manifest["parts"]["index.ann"].update({"size": 1}))
    with pytest.raises(SnapshotError, match=r"index\.ann: [0-9]+ bytes, its manifest says 1"):
        store.fetch("v1")
    put_manifest(
        store, "v1", lambda manifest: manifest["parts"].update({"more.npy": manifest["parts"]["index.ann"]})
    )
    with pytest.raises(SnapshotError, match=r"more\.npy: missing|index\.ann: [0-9]+ bytes"):
        store.fetch("v1")


@pytest.mark.parametrize(
    "version", ["../v1", "..", "", "/etc", "v1/../v2", "v1\0", "%2e%2e", "v1\n../v2", "x" * 200]
)
def test_a_version_leads_nowhere(store: SnapshotStore, built: dict[str, Path], version: str):
    store.publish(built["v1"])
    store.publish(built["v2"])
    with pytest.raises(SnapshotError, match=r"no version|no whole snapshot"):
        store.fetch(version)
    with pytest.raises(SnapshotError, match="no whole snapshot"):
        store.rollback(version)


def test_a_version_that_leads_elsewhere_is_not_built(tmp_path: Path):
    with pytest.raises(SnapshotError, match=r"'\.\./v1': not a valid version"):
        small_snapshot(tmp_path / "built", "../v1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pointer", [b"../../etc", b"\xff\xfe", b"v1/../v2", b"x" * 1000])
def test_a_pointer_that_is_no_version_is_named_and_can_be_set_again(
    store: SnapshotStore, built: dict[str, Path], pointer: bytes
):
    store.publish(built["v1"])
    filesystem, root = open_filesystem(store.url, store.endpoint)
    filesystem.pipe_file(f"{root}/current", pointer)
    with pytest.raises(SnapshotError, match=r"current: .* is not a version"):
        store.current()
    assert states(store) == [("v1", True, False)]
    assert store.rollback("v1").version == "v1"
    assert store.current() == "v1"


def test_a_manifest_of_another_version_is_refused(store: SnapshotStore, built: dict[str, Path]):
    store.publish(built["v1"])
    put_manifest(store, "v1", lambda manifest: manifest.update({"version": "v2"}))
    for use in (lambda: store.fetch("v1"), store.versions):
        with pytest.raises(SnapshotError, match=r"names snapshot v2, not v1"):
            use()


def test_a_part_that_is_a_link_is_none(built: dict[str, Path], tmp_path: Path):
    store = SnapshotStore(str(tmp_path / "store"))
    store.publish(built["v1"])
    part = tmp_path / "store" / "v1" / "index.ann"
    part.rename(tmp_path / "elsewhere")
    part.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SnapshotError, match=r"index\.ann: missing, or a link"):
        store.fetch("v1")
