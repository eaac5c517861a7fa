"""`gogobe retention`: rows, objects and snapshots by their ages."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gogobe.cli import main
from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.io.aging import old_objects, remove_objects
from gogobe.io.objects import ObjectStore, content_key
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.published.store import SnapshotStore
from gogobe.settings import SettingsError, load_settings
from tests.conftest import Bucket
from tests.database.samples import file_batches, item
from tests.masters.samples import VEGETABLES, catalogue

DAY = 86_400.0
KINDS = {
    "price history", "ended prices", "promotions", "ledger", "dead letters", "raw files",
    "originals of dead letters", "masters snapshots",
}  # fmt: skip


def put(store: ObjectStore, folder: Path, sha256: str, days: float = 0.0) -> Path:
    """A raw file that was stored some days ago, in a folder store."""
    source = folder / "feed"
    source.write_bytes(b"feed")
    path = Path(store.put(content_key("shufersal", sha256, "a.gz"), source))
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def retention(tmp_path: Path, dsn: str, *arguments: str) -> dict[str, dict[str, object]]:
    flags = [f"--var={tmp_path}", f"--database={dsn}", "--json", *arguments]
    done = CliRunner().invoke(main, ["retention", *flags])
    assert done.exit_code == 0, done.output
    return {row["what"]: row for row in map(json.loads, done.output.splitlines())}


def test_each_kind_is_removed_by_its_age_and_a_dry_run_removes_nothing(
    tmp_path: Path, dsn: str, db: Connection
):
    batches = file_batches([item("1", "5")], hour=0)
    with Loader(dsn) as loader:
        loader.load(batches)
    store = ObjectStore(str(tmp_path / "store"))
    old, young = put(store, tmp_path, "0" * 64, 40), put(store, tmp_path, "1" * 64, 20)
    loaded = put(store, tmp_path, batches[0].content_sha256, 40)
    db.execute(
        "UPDATE files SET seen_at = now() - interval '100 days', completed_at = now() - interval '100 days'"
    )
    dry = retention(tmp_path, dsn, "--dry-run")
    assert set(dry) == KINDS
    assert (dry["ledger"]["removed"], dry["raw files"]["removed"], old.exists()) == (1, 2, True)
    again = retention(tmp_path, dsn, "--keep-raw-days=0")
    assert (again["ledger"]["removed"], again["raw files"]["days"]) == (1, 0)
    assert db.execute("SELECT count(*) FROM files").fetchone() == (0,)
    with Loader(dsn) as loader:  # announced again: its object is needed
        loader.load(batches)
    db.execute("UPDATE files SET seen_at = now()")
    assert retention(tmp_path, dsn)["raw files"]["removed"] == 1
    assert [path.exists() for path in (old, young, loaded)] == [False, True, True]


def test_a_file_that_is_stored_again_counts_as_new(tmp_path: Path):
    store = ObjectStore(str(tmp_path / "store"))
    put(store, tmp_path, "0" * 64, 40)
    before = datetime.now(UTC) - timedelta(days=30)
    assert len(list(old_objects(store, "raw", before))) == 1
    store.put(content_key("shufersal", "0" * 64, "a.gz"), tmp_path / "feed")
    assert list(old_objects(store, "raw", before)) == []


def test_a_kind_that_fails_does_not_stop_the_others(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_: object, **__: object) -> None:
        raise PermissionError("the store refuses")

    monkeypatch.setattr("gogobe.commands.removals.old_objects", unreachable)
    done = CliRunner().invoke(main, ["retention", f"--var={tmp_path}", f"--database={dsn}"])
    assert done.exit_code == 1
    assert done.output.count("failed: the store refuses") == 2
    assert "masters snapshots" in done.output


def test_old_snapshots_are_removed_but_the_current_and_the_one_before(tmp_path: Path, dsn: str):
    store = SnapshotStore(str(tmp_path / "masters"))
    versions = []
    for name in ("one", "two", "three"):
        versions.append(build_snapshot(catalogue(VEGETABLES), tmp_path / name).version)
        store.publish(tmp_path / name)
    for manifest in (tmp_path / "masters").glob("*/manifest.json"):
        found = json.loads(manifest.read_text())
        manifest.write_text(json.dumps(found | {"created_at": "2025-01-01T00:00:00+00:00"}))
    assert retention(tmp_path, dsn)["masters snapshots"]["removed"] == 1
    assert sorted(one.version for one in store.versions()) == versions[1:]
    assert store.rollback().version == versions[1]


def test_objects_of_a_bucket_are_found_by_their_age_and_removed(bucket: Bucket, tmp_path: Path):
    store = ObjectStore(bucket.url, bucket.endpoint)
    source = tmp_path / "feed"
    source.write_bytes(b"feed")
    paths = {store.put(content_key("shufersal", digit * 64, "a.gz"), source) for digit in "012"}
    now = datetime.now(UTC)
    assert list(old_objects(store, "raw", now - timedelta(hours=1))) == []
    found = [one for group in old_objects(store, "raw", now + timedelta(hours=1)) for one in group]
    assert {one.path for one in found} == paths
    assert {one.sha256 for one in found} == {digit * 64 for digit in "012"}
    remove_objects(store, found[:2])
    assert sorted(store.has(one.path) for one in found) == [False, False, True]


def test_a_link_in_the_store_is_neither_followed_nor_removed(tmp_path: Path):
    store = ObjectStore(str(tmp_path / "store"))
    put(store, tmp_path, "0" * 64, 40)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("kept")
    (tmp_path / "store" / "raw" / "link").symlink_to(outside)
    found = [one for group in old_objects(store, "raw", datetime.now(UTC) + timedelta(days=1)) for one in group]
    assert [one.sha256 for one in found] == ["0" * 64]


def test_files_may_not_be_removed_before_the_messages_that_name_them():
    with pytest.raises(SettingsError, match="keep_raw_days is 3, less than keep_topic_days"):
        load_settings({"keep_raw_days": 3}, {})
    assert load_settings({"keep_raw_days": 0}, {}).keep_raw_days == 0
