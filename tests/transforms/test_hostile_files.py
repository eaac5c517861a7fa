"""Messages that name files outside of the store: none is read, and each is a dead letter."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from apache_beam.pvalue import TaggedOutput

from gogobe.chains.load import load_chains
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import FileDownloaded, IngestBatch
from gogobe.transforms.masters import MastersAddress
from gogobe.transforms.parse import _ParseAndMatch
from tests.conftest import Bucket

NOW = datetime(2025, 8, 8, tzinfo=UTC)
FEED = gzip.compress(
    b"<Root><ChainId>1234567890123</ChainId><StoreId>1</StoreId><Items><Item><ItemCode>7290000000001</ItemCode>"
    b"<ItemName>Milk</ItemName><ItemPrice>5.90</ItemPrice></Item></Items></Root>"
)


@pytest.fixture(params=["folder", "s3", "gs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return ObjectStore(str(tmp_path / "store"))
    bucket: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return ObjectStore(f"{bucket.url}/prefix", bucket.endpoint)


@pytest.fixture
def file(store: ObjectStore, tmp_path: Path) -> FileDownloaded:
    """A good file in the store; and the same outside of it, as "secret"."""
    (tmp_path / "secret").write_bytes(FEED)
    path = store.put("raw/c/ab/ab.gz", tmp_path / "secret")
    return FileDownloaded("c", path, "ab", len(FEED), "http://p/x", "x", NOW, NOW, store.local_path(path))


def outputs(store: ObjectStore, file: FileDownloaded, folder: Path) -> list[Any]:
    step = _ParseAndMatch(store, masters_every=1000, chains=load_chains())
    step.setup()
    return list(step.process(file, MastersAddress(SnapshotStore(str(folder / "masters")), None)))


def test_a_file_of_the_store_is_read(store: ObjectStore, file: FileDownloaded, tmp_path: Path):
    (batch,) = outputs(store, file, tmp_path)
    assert isinstance(batch, IngestBatch)
    assert len(batch.items) == 1


@pytest.mark.parametrize(
    "way",
    ["/etc/passwd", "{folder}/secret", "{root}/../secret", "{root}/raw/../../secret", "{root}/%2e%2e/secret",
     "{root}/..\\secret", "{root}/\0", "s3://other/secret", "gs://other/secret", "file:///etc/passwd", "secret"],
)  # fmt: skip
def test_a_path_outside_of_the_store_is_a_dead_letter(
    store: ObjectStore, file: FileDownloaded, tmp_path: Path, way: str
):
    root = file.s3_path.removesuffix("/raw/c/ab/ab.gz")
    path = way.replace("{root}", root).replace("{folder}", str(tmp_path))
    (letter,) = outputs(store, msgspec.structs.replace(file, s3_path=path, local_path=None), tmp_path)
    assert isinstance(letter, TaggedOutput)
    assert (letter.value.stage, letter.value.reason) == ("parse", "outside_store")
    assert root in letter.value.detail


@pytest.mark.parametrize(
    "hint", ["/etc/passwd", "{folder}/secret", "{store}/../secret", "{store}/link", "x\0y", "."]
)
def test_a_hint_outside_of_the_store_is_not_followed(
    store: ObjectStore, file: FileDownloaded, tmp_path: Path, hint: str
):
    """It is read from where `s3_path` says, and there it is missing."""
    (tmp_path / "store").mkdir(exist_ok=True)
    (tmp_path / "store" / "link").symlink_to(tmp_path / "secret")
    local = hint.replace("{folder}", str(tmp_path)).replace("{store}", str(tmp_path / "store"))
    missing = msgspec.structs.replace(file, s3_path=store.path_of("raw/none"), local_path=local)
    (letter,) = outputs(store, missing, tmp_path)
    assert isinstance(letter, TaggedOutput)
    assert letter.value.reason == "missing_object"
