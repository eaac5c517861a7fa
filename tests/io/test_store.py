"""The object store as a folder; S3 is in tests/integration, against a real S3 server."""

from pathlib import Path

import pytest

from gogobe.io.store import ObjectStore, content_key


def test_a_key_is_chain_and_content():
    assert content_key("shufersal", "ab12", "PriceFull1-2.GZ") == "raw/shufersal/ab/ab12.gz"
    assert content_key("shufersal", "ab12", "PriceFull1-2") == "raw/shufersal/ab/ab12"


def test_put_then_open(tmp_path: Path):
    source = tmp_path / "source"
    source.write_bytes(b"prices")
    store = ObjectStore(str(tmp_path / "store"))
    path = store.put("raw/a/b", source)
    assert store.local_path(path) == path
    with store.open(path) as file:
        assert file.read() == b"prices"


def test_a_taken_key_is_left_alone_and_no_part_remains(tmp_path: Path):
    first, second = tmp_path / "1", tmp_path / "2"
    first.write_bytes(b"first")
    second.write_bytes(b"second")
    store = ObjectStore(f"file://{tmp_path}/store")
    path = store.put("k", first)
    assert store.put("k", second) == path
    assert Path(path).read_bytes() == b"first"
    assert [p.name for p in Path(path).parent.iterdir()] == ["k"]


def test_a_missing_object_is_file_not_found(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        ObjectStore(str(tmp_path)).open(str(tmp_path / "none"))
