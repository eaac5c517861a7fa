"""The demo's snapshot: of all bundled price files but one chain's, and built once."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

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
    shutil.rmtree(tmp_path / "masters" / version)  # a second build would bring it back
    assert ensure_snapshot(store, scratch) == version
    assert not (tmp_path / "masters" / version).exists()
