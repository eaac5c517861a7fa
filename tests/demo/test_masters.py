"""The demo's snapshot: of all bundled price files but one chain's, and built once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from gogobe.demo import masters
from gogobe.demo.masters import UNSEEN_CHAIN, catalogue_rows, ensure_snapshot
from gogobe.masters.published.store import SnapshotStore
from tests.masters.samples import catalogue


def test_the_catalogue_leaves_one_chain_out():
    rows = Counter(row.chain_id for row in catalogue_rows())
    assert UNSEEN_CHAIN not in rows
    assert len(rows) == 5
    assert rows["7290027600007"] == 5_004


def test_a_snapshot_is_built_once_also_over_what_a_killed_run_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(masters, "catalogue_rows", catalogue)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "half.npy").write_bytes(b"")
    store = SnapshotStore(str(tmp_path / "masters"))
    version = ensure_snapshot(store, scratch)
    assert not scratch.exists()
    assert ensure_snapshot(store, scratch) == version
    assert len(store.versions()) == 1


def test_a_snapshot_of_another_format_is_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(masters, "catalogue_rows", catalogue)
    store = SnapshotStore(str(tmp_path / "masters"))
    version = ensure_snapshot(store, tmp_path / "scratch")
    manifest = tmp_path / "masters" / version / "manifest.json"
    manifest.write_bytes(msgspec.json.encode(msgspec.json.decode(manifest.read_bytes()) | {"format": 3}))
    again = ensure_snapshot(store, tmp_path / "scratch")
    assert again != version
    assert store.current() == again
